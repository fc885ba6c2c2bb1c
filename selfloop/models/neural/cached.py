"""What is trained once and kept in the user's cache, under a hash of all that it depends on."""

import hashlib
from pathlib import Path
from typing import Any

import jax
import numpy as np

from selfloop.runs.environment import cache_folder


def cached(kind: str, parts: Any, modules: tuple[Any, ...]) -> Path:
    """The path, without a suffix, of a thing of this kind made from ``parts`` by the code of ``modules``.

    Args:
        kind: the folder within `cache_folder`.
        parts: a pytree of arrays, and of whatever else has a ``repr`` that tells it apart.
        modules: the modules whose code decides the result.
    """
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(parts, is_leaf=lambda leaf: leaf is None):
        array = isinstance(leaf, np.ndarray | jax.Array)
        digest.update(np.ascontiguousarray(leaf).tobytes() if array else repr(leaf).encode())
    for module in modules:
        digest.update(Path(module.__file__).read_bytes())
    return cache_folder() / kind / digest.hexdigest()[:24]
