"""What correctors share: their strength gamma, the share tau = 1 / (1 + gamma) it keeps, and what they report.

Formulas are written in tau and tau (1 - tau), never in gamma / (1 + gamma)^2: gamma may be infinite.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.errors import ConfigError


def strength(gamma: ArrayLike) -> ArrayLike:
    """The same gamma; ConfigError where a concrete one is negative or NaN. Infinity is legal, a traced one unknown."""
    if not isinstance(gamma, jax.core.Tracer) and not float(gamma) >= 0:
        raise ConfigError(f"gamma is {float(gamma)}; a correction strength is 0 (none) to infinity (perfect)")
    return gamma


def share_kept(gamma: ArrayLike, dtype: jnp.dtype) -> Array:
    """tau = 1 / (1 + gamma), a scalar of ``dtype``: exactly 1 at gamma = 0 and exactly 0 at gamma = infinity."""
    return 1 / (1 + jnp.asarray(gamma, dtype))


def probability(value: ArrayLike, name: str) -> ArrayLike:
    """The same number; ConfigError where a concrete one is outside [0, 1]."""
    if not isinstance(value, jax.core.Tracer) and not 0 <= float(value) <= 1:
        raise ConfigError(f"{name} is {float(value)}; a probability is 0 to 1")
    return value


def report(batch: Batch, x: Any) -> dict[str, Array]:
    """What every corrector tells of its samples: ``moved`` [N], and ``failed`` [N], all false.

    ``moved`` is the Euclidean distance between a sample before and after, over all its leaves; a label (an integer)
    that changed counts as 1. An absent sample moves by 0.
    """
    total = jnp.zeros_like(batch.weight)
    for before, after in zip(jax.tree.leaves(batch.x), jax.tree.leaves(x), strict=True):
        real = jnp.issubdtype(before.dtype, jnp.inexact)
        square = (after - before) ** 2 if real else after != before
        total += square.reshape(batch.capacity, -1).sum(-1).astype(total.dtype)
    present = batch.weight > 0
    return {"moved": jnp.sqrt(jnp.where(present, total, 0)), "failed": jnp.zeros_like(present)}
