"""How far samples lie from one another. Shapes: N samples, F features, P pairs."""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.metrics.distances import distances, filled


def random_pair_distance(key: Array, x: Array, weight: Array | None = None, pairs: int = 300) -> Array:
    """Mean Euclidean distance of ``pairs`` random pairs of different samples of x [N, F], a scalar.

    Members of a pair are drawn by weight [N], the second among all samples but the first. Source: Guo et al.,
    Action2Motion, ACM MM 2020, who compare two random subsets of 200. The key is consumed.
    """
    x, weight = filled(x, weight)
    first_key, second_key = jax.random.split(key)
    logits = jnp.log(weight)
    first = jax.random.categorical(first_key, logits, shape=(pairs,))
    others = jnp.where(first[:, None] == jnp.arange(x.shape[0])[None], -jnp.inf, logits[None])
    second = jax.random.categorical(second_key, others)
    return jnp.linalg.norm(x[first] - x[second], axis=1).mean()


def mean_pairwise_distance(x: Array, weight: Array | None = None) -> Array:
    """Exact mean distance of two different samples, ``sum_{i != j} w_i w_j |x_i - x_j| / sum_{i != j} w_i w_j``.

    Needs memory N^2; `random_pair_distance` estimates it (for equal weights) without.
    """
    x, weight = filled(x, weight)
    pair = weight[:, None] * weight[None] * (1 - jnp.eye(x.shape[0], dtype=x.dtype))
    return (pair * distances(x, x)).sum() / pair.sum()
