"""Kernel distances between laws, as unbiased U-statistics: maximum mean discrepancy, KID and energy distance.

All have the form ``E k(x, x') + E k(y, y') - 2 E k(x, y)`` over independent draws; pairs of a sample with itself are
left out, so the estimates may come out negative where the laws agree. All are quadratic in the difference of laws: a
mixture ``tau p + (1 - tau) q`` lies at ``tau^2`` times the distance of p from q.
Shapes: N, M samples, F features, K bandwidths.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.metrics.distances import distances, filled, squared_distances

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Bandwidths of the default mixture of kernels, times the median distance."""


def between(kernel: Array, x_weight: Array, y_weight: Array) -> Array:
    """Weighted mean of a kernel matrix [N, M]: ``sum_ij w_i v_j k_ij / sum_ij w_i v_j``."""
    return x_weight @ kernel @ y_weight / (x_weight.sum() * y_weight.sum())


def within(kernel: Array, weight: Array, group: Array | None = None) -> Array:
    """Weighted mean of a kernel matrix [N, N] over pairs of different samples, or of different groups [N].

    Samples of one group (windows of one clip) are not independent, and their pairs would bias the mean.
    """
    if group is None:
        group = jnp.arange(weight.shape[0])
    pair = jnp.where(group[:, None] != group[None], weight[:, None] * weight[None], 0)
    return (pair * kernel).sum() / pair.sum()


def median_distance(x: Array, weight: Array | None = None) -> Array:
    """Median Euclidean distance of two different present samples of x [N, F], a scalar: the kernels' natural unit."""
    x, weight = filled(x, weight)
    here = (weight > 0)[:, None] & (weight > 0)[None] & ~jnp.eye(x.shape[0], dtype=bool)
    return jnp.nanmedian(jnp.where(here, distances(x, x), jnp.nan))


def rbf_mixture(x: Array, y: Array, bandwidths: Array) -> Array:
    """Kernel matrix [N, M]: the mean over bandwidths [K] (in the features' unit) of ``exp(-|x - y|^2 / (2 s^2))``."""
    square = squared_distances(x, y)
    return jnp.mean(jnp.exp(-square[None] / (2 * bandwidths[:, None, None] ** 2)), 0)


def mmd2(
    x: Array,
    y: Array,
    x_weight: Array | None = None,
    y_weight: Array | None = None,
    bandwidths: Array | None = None,
) -> Array:
    """Unbiased squared MMD of x [N, F] and y [M, F] under a mixture of Gaussian kernels, a scalar.

    Bandwidths default to `SCALES` times the median distance within y. Source: Gretton et al., JMLR 2012, eq. 3.
    """
    x, x_weight = filled(x, x_weight)
    y, y_weight = filled(y, y_weight)
    if bandwidths is None:
        bandwidths = jnp.array(SCALES, y.dtype) * median_distance(y, y_weight)
    inner = within(rbf_mixture(x, x, bandwidths), x_weight) + within(rbf_mixture(y, y, bandwidths), y_weight)
    return inner - 2 * between(rbf_mixture(x, y, bandwidths), x_weight, y_weight)


def kid(x: Array, y: Array, x_weight: Array | None = None, y_weight: Array | None = None) -> Array:
    """Kernel inception distance: unbiased squared MMD of x [N, F] and y [M, F] under ``(x . y / F + 1)^3``, a scalar.

    It sees the first three moments, and unlike the Frechet distance has no bias at finite N and M. Means over random
    subsets, which the source takes for the sake of an error, are left out: all pairs count. Source: Binkowski et al.,
    Demystifying MMD GANs, ICLR 2018.
    """
    x, x_weight = filled(x, x_weight)
    y, y_weight = filled(y, y_weight)
    kernel = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3  # noqa: E731
    inner = within(kernel(x, x), x_weight) + within(kernel(y, y), y_weight)
    return inner - 2 * between(kernel(x, y), x_weight, y_weight)


def energy_distance2(x: Array, y: Array, x_weight: Array | None = None, y_weight: Array | None = None) -> Array:
    """Unbiased ``2 E|x - y| - E|x - x'| - E|y - y'|`` of x [N, F] and y [M, F], in the features' unit.

    It is the square of what scipy calls the energy distance. Source: Szekely and Rizzo, JSPI 2013.
    """
    x, x_weight = filled(x, x_weight)
    y, y_weight = filled(y, y_weight)
    inner = within(distances(x, x), x_weight) + within(distances(y, y), y_weight)
    return 2 * between(distances(x, y), x_weight, y_weight) - inner
