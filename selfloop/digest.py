"""Digest of data and code: a short SHA-256 that names what was computed from them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np


def digest(parts: Any, files: Iterable[str | Path] = (), length: int = 16) -> str:
    """The first ``length`` hexadecimal digits of a hash of everything in ``parts``, in its order, and of ``files``.

    Args:
        parts: a pytree of arrays, which count with dtype, shape and content, and of whatever else has a ``repr`` that
            tells it apart.
        files: whose bytes count too: the modules whose code decides what is made of the parts.
        length: at most 64.
    """
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(parts, is_leaf=lambda leaf: leaf is None):
        if isinstance(leaf, np.ndarray | jax.Array):
            found.update(f"{leaf.dtype}{list(leaf.shape)}".encode() + np.ascontiguousarray(leaf).tobytes())
        else:
            found.update(repr(leaf).encode())
    for file in files:
        found.update(Path(file).read_bytes())
    return found.hexdigest()[:length]
