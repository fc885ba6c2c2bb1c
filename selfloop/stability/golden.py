"""The weight of real data in a loop that sees n fresh real points and m synthetic ones a generation.

The fit is x times the mean of the real points plus 1 - x times the mean of the synthetic ones; the corrector shrinks
the synthetic mean's error by tau = 1 / (1 + gamma) without adding variance. k = n / m. Source: He, Xu, Cheng, 2025
(arXiv 2502.18049) for gamma = 0, where k = 1 gives the golden ratio; extended to gamma > 0 here.
"""

import jax
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


def ridge_risk(x: Number, g: Number, k: Number, signal: Number) -> Array:
    """The stationary risk of the loop with ridge regression, in units of sigma^2 / n per coefficient; x in (0, 1].

        R = (1 - g)^2 S / (1 - g (1 - x))^2 + g^2 (x^2 + k (1 - x)^2) / (1 - g^2 (1 - x)^2)

    An orthogonal design, where a ridge penalty multiplies the fit by g = 1 / (1 + penalty / (n + m)), and S = |w*|^2 n
    / (d sigma^2) is signal over noise. From e = g (x u + (1 - x) (e + u')) - (1 - g) w*. g = 1 is
    `stationary_variance`. Source: ridge regression with mixed data, arXiv 2509.22341, as recalled; not re-read; this
    case derived here.
    """
    x, g, k, signal = floats(x, g, k, signal)
    old = g * (1 - x)
    return ((1 - g) / (1 - old)) ** 2 * signal + g**2 * (x**2 + k * (1 - x) ** 2) / (1 - old**2)


def ridge_optimum(k: Number, signal: Number) -> tuple[Array, Array]:
    """The (x, g) that make `ridge_risk` smallest, by bisection for y = g (1 - x), the share of the old model that
    stays.

        sqrt(k y) (1 + S + (S - 1) y) = S (1 - y^2),    1 - g = (1 - y) / (1 + S (1 + y) / (1 - y))

    S = inf gives `optimal_weight` and g = 1; the less signal, the less synthetic data help: y falls. The least risk is
    S (1 - y) / (1 - y + S (1 + y)) + k y^2 / (1 - y^2).
    """
    k, signal = floats(k, signal)
    inverse = 1 / signal  # written in it, so that an infinite signal is legal

    def halve(bounds: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        low, high = bounds
        y = (low + high) / 2
        above = jnp.sqrt(k * y) * (inverse + 1 + (1 - inverse) * y) > 1 - y**2
        return (jnp.where(above, low, y), jnp.where(above, y, high)), None

    shape = jnp.zeros_like(k + inverse)
    low, high = jax.lax.scan(halve, (shape, shape + 1), length=60)[0]
    y = (low + high) / 2
    g = 1 - (1 - y) * inverse / (inverse + (1 + y) / (1 - y))
    return 1 - y / g, g
