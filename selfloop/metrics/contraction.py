"""Squared kernel distances of two paired samples from a target, under many bootstrap weightings at once.

With mu the mean of a law in the kernel's space, p the raw samples, c the corrected ones and r the reference,

    |mu_c - mu_r|^2 = cc + rr - 2 cr        <mu_p - mu_r, mu_c - mu_r> = pc + rr - pr - cr

where xy is the mean kernel of pairs from x and y. All are U-statistics: pairs within a unit are left out. A unit is
what was drawn independently: a clip of the reference, of which several windows may be there, or a raw sample together
with its correction. Kernels are computed once, and a weighting costs a row of a matrix product.
Shapes: N raw samples and as many corrected ones, M reference samples, F features, B weightings.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.metrics.distances import distances
from selfloop.metrics.estimates import Estimate, estimate
from selfloop.metrics.mmd import SCALES, rbf_mixture
from selfloop.metrics.points import Sample
from selfloop.metrics.strata import Strata, matched


class Ground(NamedTuple):
    """The target, the weightings, and what all comparisons with it share."""

    reference: Sample
    reference_draws: Array
    """[B, M]."""
    draws: Array
    """[B, N], of raw samples and their corrections together."""
    length: Array
    """The kernels' unit of length, a scalar."""
    inner: Array
    """rr [B]."""


class Arm(NamedTuple):
    """A sample against the reference."""

    cross: Array
    """xr [B]."""
    square: Array
    """|mu_x - mu_r|^2 [B]; unbiased, so maybe negative."""


@partial(jax.jit, static_argnames="resamples")
def ground(key: Array, raw: Sample, reference: Sample, resamples: int, strata: Strata | None = None) -> Ground:
    """Weightings and kernels of the reference; B = 1 + resamples, row 0 the samples as they are. The key is consumed.

    A resample is one of the Bayesian bootstrap (Rubin, 1981): each unit's weight times an independent draw of the
    exponential law. The kernels' unit of length is the median distance between raw and reference samples. With strata
    every weighting gives each label the share of the reference that it has of the raw samples.
    """
    key_raw, key_reference = jax.random.split(key)
    draws, reference_draws = _draws(key_raw, raw, resamples), _draws(key_reference, reference, resamples)
    if strata is not None:
        factor = matched(strata, draws * raw.weight[None], reference_draws * reference.weight[None])
        reference_draws = reference_draws * factor
    here = (raw.weight > 0)[:, None] & (reference.weight > 0)[None]
    length = jnp.nanmedian(jnp.where(here, distances(raw.points, reference.points), jnp.nan))
    weights = reference_draws * reference.weight[None]
    inner = _apart(_kernel(reference, reference, length), weights, weights, reference.unit)
    return Ground(reference, reference_draws, draws, length, inner)


@jax.jit
def arm(on: Ground, sample: Sample) -> Arm:
    """Raw or corrected samples against the reference."""
    weights, reference_weights = on.draws * sample.weight[None], on.reference_draws * on.reference.weight[None]
    total = jnp.sum((weights @ _kernel(sample, on.reference, on.length)) * reference_weights, 1)
    cross = total / (weights.sum(1) * reference_weights.sum(1))
    inner = _apart(_kernel(sample, sample, on.length), weights, weights, sample.unit)
    return Arm(cross, inner + on.inner - 2 * cross)


@jax.jit
def product(on: Ground, raw: Sample, corrected: Sample, raw_arm: Arm, corrected_arm: Arm) -> Array:
    """<mu_p - mu_r, mu_c - mu_r> [B]: raw samples against the corrections of the others."""
    left, right = on.draws * raw.weight[None], on.draws * corrected.weight[None]
    both = _apart(_kernel(raw, corrected, on.length), left, right, raw.unit)
    return both + on.inner - raw_arm.cross - corrected_arm.cross


def _draws(key: Array, sample: Sample, resamples: int) -> Array:
    random = jax.random.exponential(key, (resamples, sample.unit.shape[0]), sample.points.dtype)
    return jnp.concatenate([jnp.ones((1, random.shape[1]), random.dtype), random])[:, sample.unit]


def _kernel(x: Sample, y: Sample, length: Array) -> Array:
    return rbf_mixture(x.points, y.points, length * jnp.array(SCALES, x.points.dtype))


def _apart(kernel: Array, left: Array, right: Array, unit: Array) -> Array:
    """Weighted mean [B] of a kernel matrix [N, N] over pairs of different units, for weights [B, N] of its sides."""
    off = jnp.where(unit[:, None] == unit[None], 0, kernel)
    same = (_by_unit(left, unit) * _by_unit(right, unit)).sum(1)
    return jnp.sum((left @ off) * right, 1) / (left.sum(1) * right.sum(1) - same)


def _by_unit(weights: Array, unit: Array) -> Array:
    """Total weight of each unit [B, N]."""
    return jnp.zeros_like(weights).at[:, unit].add(weights)


def ratio(raw2: np.ndarray, corrected2: np.ndarray, level: float) -> Estimate:
    """rho = |mu_c - mu_r| / |mu_p - mu_r| from the squares [B].

    A negative square is a distance that vanishes: it counts as 0, and the upper limit is then the one around 0.
    """
    square = estimate(np.where(raw2 > 0, corrected2 / raw2, np.inf), level)
    high = square.high - min(square.value, 0)
    return Estimate(*(float(np.sqrt(max(one, 0))) for one in (square.value, square.low, high)))


def cosine(raw2: np.ndarray, corrected2: np.ndarray, product: np.ndarray, level: float) -> Estimate:
    """The cosine between mu_p - mu_r and mu_c - mu_r, at most 1; NaN where a distance vanishes."""
    square = np.where((raw2 > 0) & (corrected2 > 0), raw2 * corrected2, np.nan)
    return estimate(np.clip(product / np.sqrt(square), -1, 1), level)
