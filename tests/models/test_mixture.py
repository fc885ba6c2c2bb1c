"""Mixtures against SciPy, against the figures of an independent computation, and against each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from selfloop.batch import uniform
from selfloop.errors import ConfigError
from selfloop.models.mixture import (
    LocationsState,
    MixtureState,
    check,
    coordinates,
    log_prob,
    mixture,
    mixture_gradient,
    mixture_locations,
)
from tests.models.test_student import quadrature

WEIGHTS = np.asarray([0.2, 0.8])
MEANS = np.asarray([[0.0, 1.0], [3.0, -1.0]])
COVARIANCES = np.asarray([[[1.0, 0.3], [0.3, 0.5]], [[0.4, 0.0], [0.0, 2.0]]])


def truth():
    return MixtureState(jnp.asarray(WEIGHTS), jnp.asarray(MEANS), jnp.asarray(COVARIANCES))


def flat(state):
    return np.concatenate([np.ravel(leaf) for leaf in state])


@pytest.mark.usefixtures("x64")
def test_density_and_moments_of_samples():
    n = 50_000
    x = np.asarray(mixture(2, 2, dtype=jnp.float64).sample(jax.random.key(0), truth(), None, n).x)
    densities = [
        w * scipy.stats.multivariate_normal(m, c).pdf(x) for w, m, c in zip(WEIGHTS, MEANS, COVARIANCES, strict=True)
    ]
    np.testing.assert_allclose(log_prob(truth(), jnp.asarray(x)), np.log(sum(densities)), rtol=1e-9)
    mean = WEIGHTS @ MEANS
    second = np.einsum("k,kij->ij", WEIGHTS, COVARIANCES + MEANS[:, :, None] * MEANS[:, None])
    spread = second - np.outer(mean, mean)
    np.testing.assert_array_less(np.abs(x.mean(0) - mean), 5 * np.sqrt(np.diag(spread) / n))
    products = x[:, :, None] * x[:, None]
    np.testing.assert_array_less(np.abs(products.mean(0) - second), 5 * products.std(0) / np.sqrt(n))


@pytest.mark.usefixtures("x64")
def test_one_step_of_em_is_the_textbooks():
    x = np.random.default_rng(0).normal(size=(20, 2)) + 1
    joint = np.stack(
        [w * scipy.stats.multivariate_normal(m, c).pdf(x) for w, m, c in zip(WEIGHTS, MEANS, COVARIANCES, strict=True)],
        1,
    )
    part = joint / joint.sum(1, keepdims=True)
    mass = part.sum(0)
    means = part.T @ x / mass[:, None]
    covariances = [np.cov(x.T, aweights=part[:, k], ddof=0) for k in range(2)]
    fitted = jax.jit(mixture(2, 2, steps=1, dtype=jnp.float64).fit)(
        jax.random.key(0), uniform(jnp.asarray(x)), truth()
    )[0]
    np.testing.assert_allclose(flat(fitted), flat((mass / 20, means, covariances)), rtol=1e-9)


@pytest.mark.parametrize("make", [mixture, mixture_gradient])
@pytest.mark.usefixtures("x64")
def test_the_population_fit_to_a_wrong_law_is_the_known_one(make):
    model = make(2, 1, dtype=jnp.float64)
    data = quadrature([(0.35, -2.0, 0.6), (0.4, 0.8, 0.7), (0.25, 3.0, 0.5)])
    theta = coordinates(1).theta(jax.jit(model.fit)(jax.random.key(0), data, model.init(jax.random.key(0)))[0])
    np.testing.assert_allclose(theta, [-0.7545, -2.0663, 1.5157, -0.5833, 0.3093], atol=6e-5)


@pytest.mark.usefixtures("x64")
def test_the_population_fit_of_locations_is_the_known_one():
    model = mixture_locations(0.8, np.asarray([0.5, 0.5]), dtype=jnp.float64)
    data = quadrature([(0.6, -1.2, 1.2), (0.4, 1.6, 0.5)])
    fitted = jax.jit(model.fit)(jax.random.key(0), data, model.init(jax.random.key(0)))[0]
    np.testing.assert_allclose(fitted.means[:, 0], [-1.5891, 1.3266], atol=6e-5)


@pytest.mark.usefixtures("x64")
def test_labels_stay_where_the_state_has_them():
    x = jnp.concatenate([jnp.linspace(-5, -4, 15), jnp.linspace(4, 5, 25)])[:, None]
    fit = jax.jit(mixture(2, 1, dtype=jnp.float64).fit)
    start = MixtureState(jnp.full(2, 0.5), jnp.asarray([[3.0], [-3.0]]), jnp.ones((2, 1, 1)))
    fitted = fit(jax.random.key(0), uniform(x), start)[0]
    np.testing.assert_allclose(fitted.means[:, 0], [4.5, -4.5], atol=1e-8)
    turned = fit(jax.random.key(0), uniform(x), jax.tree.map(lambda leaf: leaf[::-1], start))[0]
    np.testing.assert_allclose(turned.weights, fitted.weights[::-1], atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_one_component_is_the_gaussian_of_numpy():
    x = np.random.default_rng(0).normal(size=(30, 2)) @ np.asarray([[2.0, 1.0], [0.0, 1.0]])
    model = mixture(1, 2, steps=3, dtype=jnp.float64)
    fitted = jax.jit(model.fit)(jax.random.key(0), uniform(jnp.asarray(x)), model.init(jax.random.key(0)))[0]
    np.testing.assert_allclose(flat(fitted), flat(([1.0], x.mean(0), np.cov(x.T, ddof=0))), rtol=1e-12)
    model.check(fitted)


def test_a_new_state_finds_clusters_along_the_longest_axis():
    rng = np.random.default_rng(0)
    along = np.repeat([-10.0, 0.0, 10.0], 20)
    x = np.stack([rng.normal(size=60) - along, rng.normal(size=60) + along], 1).astype(np.float32)
    model = mixture(3, 2, steps=20)
    fitted = jax.jit(model.fit)(jax.random.key(0), uniform(jnp.asarray(x)), model.init(jax.random.key(0)))[0]
    expected = [x[20 * k : 20 * k + 20].mean(0) for k in range(3)]
    assert min(np.abs(fitted.means - np.asarray(order)).max() for order in (expected, expected[::-1])) < 1e-3


def test_a_component_that_no_point_wants_keeps_its_place_and_is_named():
    start = MixtureState(jnp.asarray([1.0, 0.0]), jnp.asarray([[0.0], [50.0]]), jnp.ones((2, 1, 1)))
    x = jax.random.normal(jax.random.key(0), (20, 1))
    fitted = jax.jit(mixture(2, 1, steps=5).fit)(jax.random.key(0), uniform(x), start)[0]
    assert fitted.weights[1] == 0
    assert fitted.means[1, 0] == 50
    assert jnp.isfinite(log_prob(fitted, x)).all()
    with pytest.raises(ConfigError, match="component 1 has vanished: its weight is 0"):
        check(fitted)


def test_points_that_are_all_equal_give_finite_states():
    model = mixture(2, 1)
    fitted = jax.jit(model.fit)(jax.random.key(0), uniform(jnp.full((10, 1), 2.0)), model.init(jax.random.key(0)))[0]
    assert all(jnp.isfinite(leaf).all() for leaf in fitted)


def test_degenerate_components_are_refused_by_name():
    with pytest.raises(ConfigError, match="components 0 and 1 have merged"):
        check(truth()._replace(means=jnp.zeros((2, 2)), covariances=jnp.broadcast_to(jnp.eye(2), (2, 2, 2))))
    with pytest.raises(ConfigError, match="component 1 has collapsed"):
        check(truth()._replace(covariances=jnp.asarray([np.eye(2), np.ones((2, 2))])))
    locations = mixture_locations(1.0, np.full(3, 1 / 3))
    with pytest.raises(ConfigError, match="components 1 and 2 have merged"):
        locations.check(LocationsState(jnp.asarray([[0.0], [2.0], [2.0]])))
    check(truth())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mixture(0, 1), "k, the number of components, is 0"),
        (lambda: mixture_gradient(2, 0), "d, the number of dimensions, is 0"),
        (lambda: mixture_locations(0.0, np.full(2, 0.5)), "the components' scale is 0"),
        (lambda: mixture_locations(1.0, np.full(2, 0.4)), "the weights sum to 0.8"),
        (lambda: mixture_locations(1.0, np.asarray([1.5, -0.5])), "a component's weight is"),
        (
            lambda: mixture(2, 1).fit(jax.random.key(0), uniform(jnp.ones((5, 1))), None),
            "n is 5; a mixture of 2 in 1 dimensions needs 6",
        ),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
