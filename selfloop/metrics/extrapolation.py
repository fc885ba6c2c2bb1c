"""The Frechet distance that infinitely many samples would have.

Fitted to N samples it is biased upwards by about c / N, where c depends on the law that they are from, so that even at
one N two models are not compared fairly. On subsets of the samples the bias is larger, which tells c. Source: Chong and
Forsyth, Effectively Unbiased FID and Inception Score, CVPR 2020. Shapes: N samples, F features, S sizes, D draws.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.metrics.distances import filled
from selfloop.metrics.frechet import Moments, moments, squared_frechet


def extrapolated_frechet(
    key: Array, x: Array, y: Moments, weight: Array | None = None, sizes: int = 8, draws: int = 4
) -> Array:
    """Squared Frechet distance of samples x [N, F] from y, extrapolated to N = infinity; a scalar, maybe negative.

    The distance is computed on random subsets without replacement, of S sizes from half the present samples to all, D
    times each, and a line in ``1 / N`` fitted by least squares; its intercept is returned. ``1 / N`` is read as
    ``sum w^2 / (sum w)^2`` where weights differ. What remains is a bias of the second order, which F / N must be small
    for, and that of y where it was itself fitted to samples: give the same y throughout. Its spread over draws of x is
    larger than the plain distance's, for it looks beyond the data. The key is consumed.

    Args:
        key: decides the subsets.
        x: samples; rows of weight 0 may hold anything.
        y: moments of what they are compared with.
        weight: of each sample [N]; by default 1.
        sizes: S, at least 2.
        draws: D.
    """
    x, weight = filled(x, weight)
    chance = jnp.where((weight > 0)[None], jax.random.uniform(key, (draws, x.shape[0]), x.dtype), jnp.inf)
    rank = chance.argsort(1).argsort(1)
    count = (weight > 0).sum().astype(x.dtype)
    size = jnp.ceil(count * jnp.linspace(0.5, 1, sizes, dtype=x.dtype)).astype(rank.dtype)
    subset = jnp.where(rank[:, None] < size[None, :, None], weight[None, None], 0).reshape(-1, x.shape[0])
    distance = jax.vmap(lambda weight: squared_frechet(moments(x, weight), y))(subset)
    inverse = (subset**2).sum(1) / subset.sum(1) ** 2
    offset = inverse - inverse.mean()
    return distance.mean() - (offset * distance).sum() / (offset**2).sum() * inverse.mean()
