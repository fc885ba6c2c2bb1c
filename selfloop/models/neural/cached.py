"""What is trained once and kept in the user's cache, under a hash of all that it depends on."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from selfloop.digest import digest
from selfloop.errors import DataError
from selfloop.runs import checkpoint
from selfloop.runs.environment import cache_folder

T = TypeVar("T")


def cached(kind: str, parts: Any, modules: tuple[Any, ...]) -> Path:
    """The path, without a suffix, of a thing of this kind made from ``parts`` by the code of ``modules``.

    Args:
        kind: the folder within `cache_folder`.
        parts: a pytree of arrays, and of whatever else has a ``repr`` that tells it apart.
        modules: the modules whose code decides the result.
    """
    return cache_folder() / kind / digest(parts, (module.__file__ for module in modules), length=24)


def trained_once(path: Path, like: T, train: Callable[[], T], what: str = "") -> T:
    """What ``train()`` makes: from the file ``path`` where it was made before and is whole, else made now and kept.

    Args:
        path: with a suffix; its name tells all that the result depends on (`cached`).
        like: a pytree of the same structure, shapes and dtypes.
        train: makes it.
        what: what is being trained, for whoever waits; empty where that takes no time.
    """
    with contextlib.suppress(DataError):  # absent or damaged
        return checkpoint.load(path, like)
    if what:
        print(f"training {what}, once: it is kept in the user's cache", flush=True)
    made = train()
    checkpoint.save(path, made)
    return made
