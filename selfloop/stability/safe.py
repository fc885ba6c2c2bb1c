"""How much synthetic data is safe beside n real points that are used again every generation, without correction.

For families with v2 = -1 (categorical laws of any number of symbols, Bernoulli, Gaussians of unknown covariance), m
synthetic points a generation. Given the real points, whose own fit is f, the model settles about f at

    E |p_t - f|^2 -> m / (n^2 + 2 n m + m) tr V(f),    E tr V(f) = (1 - 1 / n) tr V*

because it is drawn anew from itself: q' = w^2 q + w^2 / m (tr V(f) - q), w = m / (n + m). Without real data (n / m ->
0) it is all of tr V: collapse. Source: the largest safe amount of synthetic data for discrete laws is the question of
Seddik et al., COLM 2024 (arXiv 2404.05090), as recalled; not re-read; these exact numbers are derived here.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def synthetic_drift(n: Number, m: Number) -> Array:
    """E |p - f|^2 / tr V* of the settled model p and the fit f on the real points alone: ``m (n - 1) / (n (n^2 + 2 n m
    + m))``. It is what synthetic data add to the error 1 / n of one fit; sqrt(m) / n in root mean square for m << n.
    """
    n, m = floats(n, m)
    return m * (n - 1) / (n * (n**2 + 2 * n * m + m))


def largest_synthetic(n: Number, excess: Number) -> Array:
    """The largest whole m with a settled error of at most (1 + excess) / n; inf where no m exceeds that.

        m = floor(excess n^2 / (n - 1 - excess (2 n + 1)))

    An excess of (n - 1) / (2 n + 1), a little under one half, covers every m.
    """
    n, excess = floats(n, excess)
    left = n - 1 - excess * (2 * n + 1)
    # A relative 1e-12 is forgiven, so that an m that meets the bound exactly is not rounded away.
    return jnp.where(left > 0, jnp.floor(excess * n**2 / jnp.where(left > 0, left, 1) * (1 + 1e-12)), jnp.inf)
