"""The idealised corrector pi_gamma of Gillman et al. (2024)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.errors import ConfigError


def replacement(
    draw: Callable[[Array, int], Array], gamma: Array | float
) -> Callable[[Array, Batch, Any], tuple[Batch, dict[str, Array]]]:
    """pi_gamma by Bernoulli replacement: each sample is kept with probability tau = 1 / (1 + gamma), else redrawn.

        (p + gamma p*) / (1 + gamma)

    is exactly the law of the result where the samples have law p and ``draw(key, N)`` draws N points [N, ...] of p*.
    gamma = 0 is the identity to the bit; gamma = inf is legal and replaces all. Raises ConfigError for gamma < 0.
    """
    if not isinstance(gamma, jax.core.Tracer) and not float(gamma) >= 0:
        raise ConfigError(f"gamma is {float(gamma)}; a correction strength is 0 (none) to infinity (perfect)")

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        key_choice, key_draw = jax.random.split(key)
        tau = 1 / (1 + jnp.asarray(gamma, batch.x.dtype))
        kept = jax.random.uniform(key_choice, batch.weight.shape, batch.x.dtype) < tau
        mask = kept.reshape(-1, *[1] * (batch.x.ndim - 1))
        x = jnp.where(mask, batch.x, draw(key_draw, batch.capacity))
        square = jnp.sum(((x - batch.x) ** 2).reshape(batch.capacity, -1), -1)
        return batch._replace(x=x), {"moved": jnp.sqrt(square), "failed": jnp.zeros_like(kept)}

    return correct
