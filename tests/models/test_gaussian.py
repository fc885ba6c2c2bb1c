"""The Gaussian model against NumPy, SciPy and its own law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models import charts
from selfloop.models.gaussian import check, gaussian, log_prob
from selfloop.models.linalg import root
from selfloop.models.states import GaussianState


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**31 - 1))
def test_fit_is_numpys_weighted_mean_and_covariance(d, seed):
    rng = np.random.default_rng(seed)
    x, weight = rng.normal(size=(30, d)), rng.integers(0, 4, 30) + np.eye(30)[0]
    with jax.enable_x64(True):
        model = gaussian(d, jnp.float64)
        state, _ = model.fit(jax.random.key(0), Batch(jnp.asarray(x), jnp.asarray(weight)), None)
        np.testing.assert_allclose(state.mean, np.average(x, axis=0, weights=weight), atol=1e-12)
        expected = np.cov(x.T, ddof=0, fweights=weight.astype(int)).reshape(d, d)
        np.testing.assert_allclose(state.covariance, expected, atol=1e-12)


def test_log_prob_is_scipys():
    with jax.enable_x64(True):
        state = GaussianState(jnp.asarray([1.0, -2.0]), jnp.asarray([[2.0, 0.5], [0.5, 1.0]]))
        x = jax.random.normal(jax.random.key(0), (9, 2), jnp.float64)
        expected = scipy.stats.multivariate_normal(np.asarray(state.mean), np.asarray(state.covariance)).logpdf(x)
        np.testing.assert_allclose(log_prob(state, x), expected, rtol=1e-12)


def test_samples_follow_the_fit():
    n = 100_000
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]], np.float32)
    state = GaussianState(jnp.asarray([1.0, -2.0]), jnp.asarray(covariance))
    x = np.asarray(gaussian(2).sample(jax.random.key(0), state, None, n).x)
    # Five standard errors: a false alarm less than once in a million per figure, and the key is fixed.
    np.testing.assert_allclose(x.mean(0), state.mean, atol=5 * np.sqrt(2 / n))
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=5 * np.sqrt(2 * 2.0**2 / n))


def test_a_collapsed_direction_is_sampled_as_its_mean():
    state = GaussianState(jnp.asarray([3.0, 0.0]), jnp.asarray([[0.0, 0.0], [0.0, 1.0]]))
    x = gaussian(2).sample(jax.random.key(0), state, None, 50).x
    np.testing.assert_array_equal(x[:, 0], np.full(50, 3.0))
    assert x[:, 1].std() > 0.5


def test_no_dimension_is_refused():
    with pytest.raises(ConfigError, match="d is 0"):
        gaussian(0)


def test_uniform_takes_the_samples_precision():
    assert uniform(jnp.zeros((3, 1), jnp.float16)).weight.dtype == jnp.float16
    assert uniform(jnp.zeros(3, jnp.int32)).weight.dtype == jnp.float32


def test_too_few_points_for_a_covariance_are_refused():
    with pytest.raises(ConfigError, match="n is 3; .* 2 dimensions need 4"):
        gaussian(2).fit(jax.random.key(0), uniform(jnp.zeros((3, 2))), None)


def test_a_singular_covariance_is_refused():
    with pytest.raises(ConfigError, match="the covariance is singular"):
        check(GaussianState(jnp.zeros(2), jnp.ones((2, 2))))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 2**31 - 1))
def test_root_squares_to_the_covariance_of_any_rank(d, rank, seed):
    factor = np.random.default_rng(seed).normal(size=(d, rank))
    with jax.enable_x64(True):
        covariance = jnp.asarray(factor @ factor.T)
        lower = root(covariance)
        np.testing.assert_allclose(lower @ lower.T, covariance, atol=1e-6 * (1 + np.abs(covariance).max()))
        np.testing.assert_array_equal(lower, np.tril(lower))


@pytest.mark.parametrize("chart", [charts.location_scale, charts.natural, charts.mean_parameters])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.usefixtures("x64")
def test_charts_are_invertible_and_have_one_number_per_freedom(chart, d):
    factor = np.random.default_rng(d).normal(size=(d, d + 2))
    state = GaussianState(jnp.arange(1.0, d + 1), jnp.asarray(factor @ factor.T))
    theta = chart(d).theta(state)
    assert theta.shape == (d + d * (d + 1) // 2,)
    back = chart(d).state(theta)
    np.testing.assert_allclose(back.mean, state.mean, rtol=1e-10)
    np.testing.assert_allclose(back.covariance, state.covariance, rtol=1e-9, atol=1e-12)
    assert (
        np.linalg.matrix_rank(
            jax.jacobian(lambda t: jnp.concatenate(jax.tree.map(jnp.ravel, list(chart(d).state(t)))))(theta)
        )
        == theta.size
    )
