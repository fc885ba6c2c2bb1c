"""Code that the repository keeps beside the package, and the wheel inside it: the theory's claims, the experiments.

In the repository they are the folders ``theory/`` and ``experiments/``; in an installed wheel they lie in
``selfloop/_carried``, so that nothing of so general a name stands among the installed packages.
"""

import sys
from pathlib import Path

from selfloop.errors import ConfigError

PACKAGE = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder that holds ``theory`` and ``experiments``; ConfigError where neither place has them."""
    for folder in (PACKAGE / "_carried", PACKAGE.parent):
        if (folder / "theory" / "verify.py").is_file() and (folder / "experiments" / "speed.py").is_file():
            return folder
    raise ConfigError(f"{PACKAGE} is without its claims and experiments: install selfloop again, from its wheel")


def importable(*folders: Path) -> None:
    """Let this process import from the folders, before anything else of the same name."""
    sys.path[:0] = [str(folder) for folder in folders if str(folder) not in sys.path]
