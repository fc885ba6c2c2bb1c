"""Theorem 4.3's bound: its series, its constants against exact Gaussian tails, its edges."""

import math

import numpy as np
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.stability import bounds

quick = settings(max_examples=60, deadline=None)


@quick
@given(st.floats(0, 1.5), st.integers(0, 60))
def test_geometric_is_the_sum(rate, t):
    np.testing.assert_allclose(bounds.geometric(rate, t), np.sum(rate ** np.arange(t + 1.0)), rtol=1e-9, atol=1e-200)


def test_geometric_near_one():
    np.testing.assert_allclose(bounds.geometric(np.array([1.0, 1 - 1e-13, 1 - 1e-9]), 9), 10, rtol=1e-7)


@quick
@given(st.floats(0.01, 0.5), st.floats(0, 5), st.integers(1, 12), st.floats(0.1, 10), st.integers(1, 1000))
def test_gaussian_constants_hold_with_the_exact_tail(delta, lam, d, sigma, n):
    a, b = bounds.gaussian_mean_constants(sigma, lam, d)
    radius = float(bounds.fluctuation(n, a, b, delta))
    tail = scipy.stats.chi.sf(radius * np.sqrt(n * (1 + lam)) / sigma, d)
    assert tail <= delta


def test_a_wider_neighbourhood_needs_a_larger_constant():
    narrow, wide = (bounds.gaussian_mean_constants(1.0, 1.0, 1, spread)[0] for spread in (0.0, 2.0))
    np.testing.assert_allclose(wide / narrow, np.sqrt(1.5), rtol=1e-14)


@quick
@given(st.integers(0, 50), st.floats(0, 2), st.floats(0, 1), st.floats(0, 3))
def test_bounds_are_their_series(t, rate, step, start):
    np.testing.assert_allclose(
        bounds.gillman_bound(t, rate, step, start),
        step * np.sum(rate ** np.arange(t + 1.0)) + rate**t * start,
        rtol=1e-9,
        atol=1e-200,
    )
    error = start
    for _ in range(t):
        error = rate * error + step
    np.testing.assert_allclose(bounds.contraction_bound(t, rate, step, start), error, rtol=1e-9, atol=1e-200)


def test_bertrand_pays_a_logarithm_for_all_generations_at_once():
    t, n, a, b, delta = np.arange(4.0), 100, 2.0, 3.0, 0.1
    expected = [
        a / 10 * np.sqrt(np.log(b * max(i, 1) / delta)) * sum(0.5**j for j in range(int(i) + 1)) + 0.5**i for i in t
    ]
    np.testing.assert_allclose(bounds.bertrand_bound(t, 0.5, n, a, b, delta, 1.0), expected, rtol=1e-12)
    np.testing.assert_allclose(bounds.coverage(0.05, 15), 0.95**15, rtol=1e-14)


def test_without_a_certificate_the_bound_is_infinite_after_generation_zero():
    assert bounds.gillman_bound(0, math.inf, 0.1, 1.0) == 1.1
    assert bounds.contraction_bound(0, math.inf, 0.1, 1.0) == 1.0
    for f in (bounds.gillman_bound, bounds.contraction_bound):
        assert f(3, math.inf, 0.0, 0.0) == math.inf
