"""Natural exponential families against SciPy's laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models import exponential as families
from selfloop.models.states import MeanState

PEERS = {
    "poisson": (families.poisson, families.POISSON, lambda mean: scipy.stats.poisson(mean)),
    "bernoulli": (families.bernoulli, families.BERNOULLI, lambda mean: scipy.stats.bernoulli(mean)),
    "exponential": (families.exponential, families.EXPONENTIAL, lambda mean: scipy.stats.expon(scale=mean)),
    "gamma": (
        lambda dtype: families.gamma(2.5, dtype),
        families.gamma_family(2.5),
        lambda mean: scipy.stats.gamma(2.5, scale=mean / 2.5),
    ),
}


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("mean", [0.2, 0.7])
@pytest.mark.usefixtures("x64")
def test_densities_variances_and_samples_are_scipys(name, mean):
    model, family, peer = PEERS[name]
    state, law, n = MeanState(jnp.asarray([mean])), peer(mean), 20_000
    x = model(jnp.float64).sample(jax.random.key(0), state, None, n).x
    log_density = getattr(law, "logpmf", None) if hasattr(law.dist, "pmf") else law.logpdf
    np.testing.assert_allclose(model(jnp.float64).log_prob(state, x), log_density(np.asarray(x[:, 0])), rtol=1e-10)
    np.testing.assert_allclose(family.variance(state.mean), law.var(), rtol=1e-12)
    # Five standard errors of a mean and of a variance (the fourth moment from the law's kurtosis).
    fourth = law.stats(moments="k") + 2
    assert abs(x.mean() - mean) < 5 * np.sqrt(law.var() / n)
    assert abs(x.var() - law.var()) < 5 * law.var() * np.sqrt(fourth / n)


@pytest.mark.parametrize("name", PEERS)
def test_v2_is_half_the_variances_second_derivative(name):
    family = PEERS[name][1]
    assert jax.grad(jax.grad(family.variance))(0.3) / 2 == pytest.approx(family.v2)


@pytest.mark.parametrize("name", ["exponential", "gamma"])
def test_below_zero_there_is_no_density(name):
    model = PEERS[name][0](jnp.float32)
    assert model.log_prob(MeanState(jnp.asarray([1.0])), jnp.asarray([[-0.5]]))[0] == -np.inf


def test_the_fit_is_the_weighted_mean():
    batch = Batch(jnp.asarray([[1.0], [4.0], [7.0]]), jnp.asarray([1.0, 2.0, 0.0]))
    assert families.poisson().fit(jax.random.key(0), batch, None)[0].mean == 3.0


@pytest.mark.parametrize(("name", "x"), [("poisson", 0.0), ("bernoulli", 1.0), ("exponential", 0.0)])
def test_a_law_that_is_a_point_is_refused_and_sampled_as_that_point(name, x):
    model = PEERS[name][0](jnp.float32)
    state, _ = model.fit(jax.random.key(0), uniform(jnp.full((5, 1), x)), None)
    np.testing.assert_array_equal(model.sample(jax.random.key(1), state, None, 20).x, np.full((20, 1), x))
    with pytest.raises(ConfigError, match=f"mean {x:.3g} is a single point"):
        model.check(state)


@pytest.mark.usefixtures("x64")
def test_a_known_covariance_is_scipys_gaussian():
    covariance = np.asarray([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.7]])
    model, state = families.gaussian_mean(covariance, jnp.float64), MeanState(jnp.asarray([1.0, -2.0, 0.0]))
    n = 50_000
    x = model.sample(jax.random.key(0), state, None, n).x
    expected = scipy.stats.multivariate_normal(np.asarray(state.mean), covariance).logpdf(x)
    np.testing.assert_allclose(model.log_prob(state, x), expected, rtol=1e-10)
    # Five standard errors: the mean of x_i has variance S_ii / n, the mean of x_i x_j at most 2 S_ii S_jj / n.
    np.testing.assert_allclose(x.mean(0), state.mean, atol=5 * np.sqrt(2 / n))
    np.testing.assert_allclose(np.cov(x.T), covariance, atol=5 * np.sqrt(2 * 2.0**2 / n))


@pytest.mark.parametrize("covariance", [np.ones((2, 2)), np.zeros((2, 2)), -np.eye(1)])
def test_a_known_covariance_must_be_regular(covariance):
    with pytest.raises(ConfigError, match="the covariance is singular"):
        families.gaussian_mean(covariance)


@pytest.mark.parametrize("covariance", [np.full((2, 2), np.nan), np.ones(2), 1.0])
def test_a_known_covariance_must_be_a_finite_square(covariance):
    with pytest.raises(ConfigError, match="give a square matrix"):
        families.gaussian_mean(covariance)


def test_a_covariance_under_a_trace_is_taken_as_it_is():
    state = MeanState(jnp.zeros(1))
    density = jax.jit(lambda s: families.gaussian_mean(s).log_prob(state, jnp.ones((1, 1))))(jnp.full((1, 1), 4.0))
    assert density[0] == pytest.approx(scipy.stats.norm(0, 2).logpdf(1))


def test_a_gamma_without_shape_is_refused():
    with pytest.raises(ConfigError, match="the gamma family's shape is -1.0"):
        families.gamma(-1.0)
