"""The weight of real data: an independent minimiser, the recursion it is stationary for, and its special values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from selfloop.stability.golden import optimal_weight, stationary_variance


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 20), st.floats(0, 20))
def test_the_optimal_weight_minimises_the_variance_and_equals_it(k, gamma):
    x = float(optimal_weight(k, gamma))
    best = minimize_scalar(
        lambda x: float(stationary_variance(x, k, gamma)), bounds=(1e-6, 1), method="bounded", options={"xatol": 1e-10}
    )
    np.testing.assert_allclose(x, best.x, atol=1e-6)
    np.testing.assert_allclose(stationary_variance(x, k, gamma), x, rtol=1e-12)


@pytest.mark.parametrize(
    ("k", "gamma", "x"),
    [
        (1, 0, 0.618034),
        (2, 0, 0.732051),
        (0.25, 0, 0.390388),
        (1, 0.5, 0.554886),
        (0.25, 2, 0.215002),
        (3, np.inf, 0.75),
    ],
)
def test_special_values(k, gamma, x):
    np.testing.assert_allclose(optimal_weight(k, gamma), x, atol=5e-7)


def test_the_variance_is_where_its_recursion_ends():
    x, k, gamma, v = 0.4, 0.7, 0.3, 1.0
    for _ in range(200):
        v = x**2 + (1 - x) ** 2 * (v / (1 + gamma) ** 2 + k)
    np.testing.assert_allclose(stationary_variance(x, k, gamma), v, rtol=1e-12)
