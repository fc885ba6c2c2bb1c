"""Location and scale against SciPy, and against the figures of an independent computation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.student import LocationScale, logistic, student

PEERS = {
    "student": (lambda dtype: student(5.0, dtype), scipy.stats.t(5)),
    "logistic": (logistic, scipy.stats.logistic()),
}


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.usefixtures("x64")
def test_density_and_samples_are_scipys(name):
    make, law = PEERS[name]
    model, state, n = make(jnp.float64), LocationScale(jnp.asarray(3.0), jnp.asarray(np.log(2.0))), 20_000
    x = model.sample(jax.random.key(0), state, None, n).x
    z = (np.asarray(x[:, 0]) - 3) / 2
    np.testing.assert_allclose(model.log_prob(state, x), law.logpdf(z) - np.log(2), rtol=1e-10)
    # The probability of a distance from the distribution function this large is 1e-6.
    assert scipy.stats.kstest(z, law.cdf).pvalue > 1e-6


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("place", [0.0, 1e6])
@pytest.mark.usefixtures("x64")
def test_the_fit_is_scipys_optimum_wherever_the_data_are(name, place):
    make, law = PEERS[name]
    rng = np.random.default_rng(1)
    z, weight = law.rvs(60, random_state=rng), rng.integers(0, 3, 60) + 0.5
    loss = lambda theta: -weight @ (law.logpdf((z - theta[0]) * np.exp(-theta[1])) - theta[1])  # noqa: E731
    expected = scipy.optimize.minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-9}).x
    batch = Batch(jnp.asarray(place + 1e-3 * z)[:, None], jnp.asarray(weight))
    fitted = jax.jit(make(jnp.float64).fit)(jax.random.key(0), batch, None)[0]
    # Data at a million lose ten of their sixteen digits to their place: 1e-10 of a scale of 1e-3.
    np.testing.assert_allclose((fitted.location - place) / 1e-3, expected[0], atol=1e-6)
    np.testing.assert_allclose(fitted.log_scale - np.log(1e-3), expected[1], atol=1e-6)


def quadrature(components):
    """A mixture of normals (weight, mean, sd) as weighted nodes, x = sinh(u)."""
    u = np.linspace(-9.5, 9.5, 6001)
    x = np.sinh(u)
    density = sum(w * scipy.stats.norm(m, s).pdf(x) for w, m, s in components)
    return Batch(jnp.asarray(x)[:, None], jnp.asarray(density * np.cosh(u)))


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ([(0.7, -0.5, 0.5), (0.3, 2.0, 1.2)], (-0.0228, 0.0733)),
        ([(0.5, -3.0, 0.5), (0.5, 3.0, 0.5)], (0.0, 1.1034)),
    ],
)
@pytest.mark.usefixtures("x64")
def test_the_population_fit_to_a_wrong_law_is_the_known_one(components, expected):
    fitted = jax.jit(student(5.0, jnp.float64).fit)(jax.random.key(0), quadrature(components), None)[0]
    np.testing.assert_allclose((fitted.location, fitted.log_scale), expected, atol=6e-5)


def test_an_outlier_far_out_does_not_lose_the_others():
    x = jnp.concatenate([jnp.linspace(-1, 1, 40), jnp.full(1, 1e6)])[:, None]
    fit = jax.jit(student(3.0).fit)
    fitted = fit(jax.random.key(0), uniform(x), None)[0]
    alone = fit(jax.random.key(0), Batch(x, (x[:, 0] < 2).astype(x.dtype)), None)[0]
    np.testing.assert_allclose(fitted.location, alone.location, atol=0.05)
    np.testing.assert_allclose(fitted.log_scale, alone.log_scale, atol=0.3)


@pytest.mark.parametrize("name", PEERS)
def test_points_that_are_all_equal_are_one_point_and_refused(name):
    model = PEERS[name][0](jnp.float32)
    state, _ = jax.jit(model.fit)(jax.random.key(0), uniform(jnp.full((5, 1), 2.0)), None)
    np.testing.assert_allclose(model.sample(jax.random.key(1), state, None, 9).x, np.full((9, 1), 2.0), rtol=1e-5)
    with pytest.raises(ConfigError, match="the scale is 0 at location 2"):
        model.check(state)


def test_bad_input_is_refused():
    with pytest.raises(ConfigError, match="n is 2; a location and a scale needs 3"):
        logistic().fit(jax.random.key(0), uniform(jnp.ones((2, 1))), None)
    with pytest.raises(ConfigError, match="dof, Student's degrees of freedom, is 0"):
        student(0)
