"""Sandwich covariances: the stationary equations, and the exact recursions where the loop is linear."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.stability import jacobian as jacobians
from selfloop.stability import recursions, sandwich
from selfloop.stability.curvature import Curvature
from tests.stability.test_jacobian import random_curvature


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31 - 1), st.sampled_from([1, 3]), st.floats(0, 5), st.floats(0, 10))
def test_stationary_covariances_solve_their_equations(seed, size, lam, gamma):
    c, n = random_curvature(seed, size), 50.0
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(size, size))
    c = c._replace(C=jnp.asarray(spread @ spread.T))
    j, k = jacobians.jacobian(c, lam, gamma), jacobians.k_matrix(c, lam)
    inverse = np.linalg.inv(k)
    fresh = sandwich.stationary_covariance_fresh(c, lam, gamma, n)
    step = inverse @ (c.C + lam * c.F) @ inverse / n
    scale = np.abs(fresh).max() + np.abs(inverse).max()
    np.testing.assert_allclose(fresh, j @ fresh @ j.T + step, atol=1e-8 * scale)
    # Reused data: iterate the joint covariance of (e_t, e_inf), an independent route.
    covariance, cross = np.zeros((size, size)), np.zeros((size, size))
    for _ in range(400):
        real, drawn = inverse @ c.C @ inverse / n, lam * inverse @ c.F @ inverse / n
        covariance = j @ covariance @ j.T + j @ cross + cross.T @ j.T + real + drawn
        cross = j @ cross + real
    if np.abs(np.linalg.eigvals(j)).max() < 0.95:
        reuse = sandwich.stationary_covariance(c, lam, gamma, n)
        np.testing.assert_allclose(reuse, covariance, atol=1e-7 * np.abs(reuse).max())


@pytest.mark.parametrize(("lam", "gamma"), [(0.5, 0.0), (3.0, 0.0), (1.0, 0.7)])
def test_a_mean_of_known_variance_has_its_recursion(lam, gamma):
    n, one = 1e9, Curvature(*[jnp.ones((1, 1))] * 3)
    for covariance, limit in (
        (sandwich.stationary_covariance, recursions.reuse_limit),
        (sandwich.stationary_covariance_fresh, recursions.fresh_limit),
    ):
        np.testing.assert_allclose(covariance(one, lam, gamma, n)[0, 0], limit(n, lam * n, gamma, 0), rtol=1e-8)
    if gamma > 0:
        replaced = sandwich.stationary_covariance_replace(one, gamma, n)[0, 0]
        np.testing.assert_allclose(replaced, recursions.replace_limit(n, gamma, 0), rtol=1e-8)


def test_one_fit_costs_half_a_nat_for_each_parameter_over_n():
    c = random_curvature(1, 3)
    same = Curvature(c.H, c.H, c.H)
    np.testing.assert_allclose(sandwich.excess_divergence(same, sandwich.one_fit_covariance(same, 60)), 3 / 120)


def test_student_on_skewed_data_has_the_reference_covariance():
    # The curvature of test_jacobian's case, and C, as two independent computations gave them.
    c = Curvature(
        jnp.asarray([[0.66192408, -0.19668259], [-0.19668259, 1.16804148]]),
        jnp.asarray([[0.647766751, 0.0], [0.0, 1.25]]),
        jnp.asarray([[0.60529475, 0.59004778], [0.59004778, 1.49587555]]),
    )
    for gamma, expected in ((0.0, [[2.679, 1.627], [1.627, 1.857]]), (0.5, [[1.509, 0.788], [0.788, 1.009]])):
        np.testing.assert_allclose(sandwich.stationary_covariance(c, 1.0, gamma, 1.0), expected, atol=6e-4)
