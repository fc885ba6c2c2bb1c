"""What is trained once and kept in the user's cache, under a hash of all that it depends on."""

from pathlib import Path
from typing import Any

from selfloop.digest import digest
from selfloop.runs.environment import cache_folder


def cached(kind: str, parts: Any, modules: tuple[Any, ...]) -> Path:
    """The path, without a suffix, of a thing of this kind made from ``parts`` by the code of ``modules``.

    Args:
        kind: the folder within `cache_folder`.
        parts: a pytree of arrays, and of whatever else has a ``repr`` that tells it apart.
        modules: the modules whose code decides the result.
    """
    return cache_folder() / kind / digest(parts, (module.__file__ for module in modules), length=24)
