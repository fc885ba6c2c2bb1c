"""Newton's ascent, and the linear algebra below it, against NumPy and SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.models.linalg import log_normal, root, solve_lower, solve_root
from selfloop.models.newton import maximise


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**31 - 1))
def test_solutions_and_densities_are_numpys(d, seed):
    rng = np.random.default_rng(seed)
    factor, right = rng.normal(size=(d, d + 2)), rng.normal(size=(d, 3))
    matrix = factor @ factor.T + 0.1 * np.eye(d)
    with jax.enable_x64(True):
        lower = root(jnp.asarray(matrix))
        np.testing.assert_allclose(lower, np.linalg.cholesky(matrix), rtol=1e-8, atol=1e-10)
        half = solve_lower(lower, jnp.asarray(right))
        np.testing.assert_allclose(half, np.linalg.solve(np.asarray(lower), right), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(solve_root(lower, jnp.asarray(right)), np.linalg.solve(matrix, right), rtol=1e-6)
        density = log_normal(jnp.asarray(right.T), jnp.asarray(right[:, 0]), jnp.asarray(matrix))
        expected = scipy.stats.multivariate_normal(right[:, 0], matrix).logpdf(right.T)
        np.testing.assert_allclose(density, expected, rtol=1e-8)


def test_a_singular_covariance_has_no_density():
    assert jnp.isnan(log_normal(jnp.zeros((3, 2)), jnp.zeros(2), jnp.ones((2, 2)))).all()


@pytest.mark.usefixtures("x64")
def test_a_parabola_is_climbed_at_once_whatever_its_units():
    units = jnp.asarray([1e-3, 1.0, 1e3])
    top = jnp.asarray([1.0, -2.0, 3.0]) * units
    found = maximise(lambda theta: -jnp.sum(((theta - top) / units) ** 2), jnp.zeros(3), 8)
    np.testing.assert_allclose(found / units, top / units, atol=1e-9)


@pytest.mark.parametrize("start", [(-1.2, 1.0), (0.0, 0.0), (2.0, -3.0)])
@pytest.mark.usefixtures("x64")
def test_rosenbrocks_valley_is_followed_to_its_end(start):
    banana = lambda x: -((1 - x[0]) ** 2) - 100 * (x[1] - x[0] ** 2) ** 2  # noqa: E731
    np.testing.assert_allclose(jax.jit(lambda x: maximise(banana, x, 60))(jnp.asarray(start)), [1, 1], atol=1e-8)


@pytest.mark.usefixtures("x64")
def test_it_leaves_a_saddle_and_never_descends():
    # A plain Newton step from here goes to the saddle at 0; tops are at x = 1 and -1, y = 0.
    saddle = lambda x: x[0] ** 2 / 2 - x[0] ** 4 / 4 - x[1] ** 2  # noqa: E731
    start = jnp.asarray([0.1, 0.3])
    values = [saddle(maximise(saddle, start, steps)) for steps in range(12)]
    assert np.all(np.diff(values) >= -1e-14)
    np.testing.assert_allclose(maximise(saddle, start, 25), [1, 0], atol=1e-8)


def test_where_nothing_is_finite_it_stays():
    np.testing.assert_array_equal(maximise(lambda x: jnp.sum(jnp.log(-1 - x**2)), jnp.ones(2), 5), jnp.ones(2))
