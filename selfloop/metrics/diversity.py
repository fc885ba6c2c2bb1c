"""How far samples lie from one another, and those of one label. Shapes: N samples, F features, P pairs, K labels."""

from typing import NamedTuple

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


def multimodality(x: Array, label: Array, weight: Array | None = None) -> Array:
    """Mean distance of two different samples of x [N, F] of one label [N], a scalar; NaN where no label has two.

    Each sample's mean distance from the others of its label, ``sum_j w_j |x_i - x_j| / sum_j w_j``, averaged over
    samples by weight: labels count by the share of their samples. All pairs count, where Guo et al. (Action2Motion, ACM
    MM 2020) draw some for each label, and labels alike. Samples alone in their label have no part.
    """
    x, weight = filled(x, weight)
    other = (label[:, None] == label[None]) & ~jnp.eye(x.shape[0], dtype=bool)
    pair = jnp.where(other, weight[None], 0)
    partners = pair.sum(1)
    mean = (pair * distances(x, x)).sum(1) / jnp.where(partners > 0, partners, 1)
    weight = jnp.where(partners > 0, weight, 0)
    return (weight * mean).sum() / weight.sum()


class Spread(NamedTuple):
    """Variances in squared units of the features, means over features."""

    within: Array
    """Of samples about their label's mean."""
    between: Array
    """Of labels' means about their common mean; unbiased, so maybe negative."""


def spread_by_label(x: Array, label: Array, labels: int, weight: Array | None = None) -> Spread:
    """Variance within and between labels of samples x [N, F] with labels [N] of 0 to ``labels - 1``.

    With S_k and m_k the covariance and mean of label k, K labels, and tr the trace:
    ``within = mean_k tr S_k / F`` and ``between = mean_k |m_k - mean m|^2 / F``, which add up to the variance of a law
    that draws a label evenly and then a sample of it. Both are unbiased for equal weights: S_k as in `moments`, and
    from the second is taken what S_k scatters the means by. Labels of less than two present samples have no part; NaN
    where there is none.
    """
    x, weight = filled(x, weight)
    member = jax.nn.one_hot(label, labels, dtype=x.dtype) * weight[:, None]
    total, square = member.sum(0), (member**2).sum(0)
    known = (member > 0).sum(0) > 1
    safe = jnp.where(known, total, 1)
    noise = jnp.where(known, square / safe**2, 0)
    means = member.T @ x / safe[:, None]
    offset = x - means[label]
    variance = member.T @ (offset**2).mean(1) / safe / (1 - noise)
    count = known.sum().astype(x.dtype)
    centre = jnp.where(known[:, None], means, 0).sum(0) / count
    apart = jnp.where(known, ((means - centre[None]) ** 2).mean(1), 0).sum() / count
    within = jnp.where(known, variance, 0).sum() / count
    scattered = jnp.where(known, variance * noise, 0).sum() / count * (1 - 1 / count)
    return Spread(within, apart - scattered)
