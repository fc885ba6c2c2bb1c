"""Chunked evaluation of a function over many samples: one compiled program, whatever their number."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def in_chunks(function: Callable[..., Any], size: int, *arrays: Array) -> Any:
    """``function(*arrays)``, a pytree of results [N, ...] of arrays [N, ...], computed for ``size`` samples at a time.

    The last chunk is filled up with sample 0, whose results are dropped: what happens to a sample must depend on its
    own rows alone. To be called from Python, not under ``jit``; N is 1 or more.
    """
    count = len(arrays[0])
    rows = np.arange(-(-count // size) * size, dtype=np.int32).reshape(-1, size)
    rows[rows >= count] = 0
    # One after the other: two programs at a time on a CPU of two cores dead-lock in XLA (jax 0.10).
    parts = [jax.block_until_ready(function(*(array[some] for array in arrays))) for some in rows]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[:count], *parts)
