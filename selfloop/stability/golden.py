"""The weight of real data in a loop that sees n fresh real points and m synthetic ones a generation.

The fit is x times the mean of the real points plus 1 - x times the mean of the synthetic ones; the corrector shrinks
the synthetic mean's error by tau = 1 / (1 + gamma) without adding variance. k = n / m. Source: He, Xu, Cheng, 2025
(arXiv 2502.18049) for gamma = 0, where k = 1 gives the golden ratio; extended to gamma > 0 here.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def stationary_variance(x: Number, k: Number, gamma: Number = 0.0) -> Array:
    """The stationary variance of the loop's mean, in units of sigma^2 / n; x in (0, 1].

        f(x) = (x^2 + k (1 - x)^2) / (1 - tau^2 (1 - x)^2)

    From v = x^2 sigma^2 / n + (1 - x)^2 (tau^2 v + sigma^2 / m).
    """
    x, k, gamma = floats(x, k, gamma)
    return (x**2 + k * (1 - x) ** 2) / (1 - ((1 - x) / (1 + gamma)) ** 2)


def optimal_weight(k: Number, gamma: Number = 0.0) -> Array:
    """The x in (0, 1) that makes `stationary_variance` smallest; the variance is then x itself.

        x = 2 k / (1 + k - tau^2 + sqrt((1 + k - tau^2)^2 + 4 tau^2 k))

    the positive root of tau^2 x^2 + (1 + k - tau^2) x - k = 0: 0.618034 at k = 1, gamma = 0; k / (1 + k), plain
    pooling, at gamma = inf.
    """
    k, gamma = floats(k, gamma)
    c = 1 / (1 + gamma) ** 2
    linear = 1 + k - c
    return 2 * k / (linear + jnp.sqrt(linear**2 + 4 * c * k))
