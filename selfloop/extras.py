"""Optional dependencies: which extra of the package installs what, and the one line for whoever lacks it."""

import importlib.util

from selfloop.errors import ConfigError

EXTRAS: dict[str, tuple[str, ...]] = {
    "motion": ("brax", "mujoco", "mujoco.mjx", "pooch"),
    "images": ("mlxtend", "pooch"),
    "molecules": ("rdkit",),
    "cluster": ("ray",),
    "text": ("model2vec",),
    "pieces": ("tokenizers",),
}
"""Extras by name, and the modules that each brings."""


def missing(extra: str) -> list[str]:
    """The modules of an extra that are not installed."""
    return [module for module in EXTRAS[extra] if not _found(module)]


def need(extra: str, what: str) -> None:
    """ConfigError, with the command that installs it, where ``what`` needs an extra and a part of it is missing."""
    if absent := missing(extra):
        names = ", ".join(absent)
        raise ConfigError(f"{what} needs what is not installed ({names}): pip install 'selfloop[{extra}]'")


def _found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # its parent is missing
        return False
