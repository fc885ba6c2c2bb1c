"""Ablation: averaging, which repairs noise and knows nothing of the target. Letters: N samples, d dimensions."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report, share_kept, strength
from selfloop.metrics.distances import filled
from selfloop.protocols import Corrector


def smoothing(gamma: ArrayLike, bandwidth: ArrayLike = float("inf")) -> Corrector:
    """Each sample [d] moves toward the mean of its neighbours, by the share 1 - tau = gamma / (1 + gamma) of the way.

        x_i -> tau x_i + (1 - tau) sum_j k_ij w_j x_j / sum_j k_ij w_j,    k_ij = exp(-|x_i - x_j|^2 / (2 h^2)),

    h = ``bandwidth`` in the samples' unit. With h = infinity the neighbours are the whole batch: the mean stays and
    the covariance shrinks to tau^2 of itself, so that no law but a point is fixed: a loop with it collapses faster
    than one without. gamma = 0 is the identity to the bit. Raises ConfigError for gamma < 0.
    """
    strength(gamma)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        dtype = batch.x.dtype
        x, weight = filled(batch.x, batch.weight)
        # About the median: about a mean that one far point has drawn away, near points differ by rounding alone.
        offset = x - jnp.median(x, axis=0, keepdims=True)
        size = (offset**2).sum(1)
        square = jnp.maximum(size[:, None] + size[None] - 2 * offset @ offset.T, 0)
        square = jnp.where(jnp.eye(batch.capacity, dtype=bool), 0, square)
        kernel = jnp.exp(-square / (2 * jnp.asarray(bandwidth, dtype) ** 2)) * weight[None]
        tau = share_kept(gamma, dtype)
        total = kernel.sum(1, keepdims=True)
        moved = tau * x + (1 - tau) * jnp.where(total > 0, kernel @ x / jnp.where(total > 0, total, 1), x)
        x = jnp.where((weight > 0)[:, None], moved, batch.x)
        return batch._replace(x=x), report(batch, x)

    return correct
