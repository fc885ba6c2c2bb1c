"""alpha, L and eps against closed forms and the literature's table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch, uniform
from selfloop.models import charts
from selfloop.models.discrete import discrete
from selfloop.models.exponential import gaussian_mean
from selfloop.models.states import GaussianState, MeanState
from selfloop.models.student import LocationScale
from selfloop.stability import constants, quadrature
from selfloop.stability.curvature import curvature, optimum
from tests.stability.cases import GAUSSIAN, STUDENT, skewed

SIX = np.linspace(-6, 6, 241)[:, None]


def state(mean, variance):
    return GaussianState(jnp.full(1, mean), jnp.full((1, 1), variance))


@pytest.mark.parametrize(("mean", "variance"), [(0.25, 1.9195), (0.0, 0.3)])
def test_location_and_scale_have_their_closed_form(mean, variance):
    model, nodes = GAUSSIAN, quadrature.line(2001)
    law = quadrature.own(model, state(mean, variance), nodes)
    c = curvature(model, state(mean, variance), law, law)
    np.testing.assert_allclose(constants.alpha(c), min(1 / variance, 2), rtol=1e-10)
    z = np.abs(SIX - mean).max()
    # d/dx Hess = -(1/v) [[0, 2], [2, 4 (x - mu)]], whose norm is (2/v) (z + sqrt(1 + z^2)).
    expected = 2 / variance * (z + np.sqrt(1 + z**2))
    np.testing.assert_allclose(
        constants.lipschitz(model, state(mean, variance), jnp.asarray(SIX)), expected, rtol=1e-10
    )


def test_natural_parameters_have_no_slope_and_a_known_covariance_neither():
    model = GAUSSIAN._replace(coordinates=charts.natural(1))
    assert constants.lipschitz(model, state(0.25, 1.9), jnp.asarray(SIX)) < 1e-11
    covariance = np.array([[2.0, 0.3], [0.3, 0.5]])
    known, at = gaussian_mean(jnp.asarray(covariance), jnp.float64), MeanState(jnp.zeros(2))
    x = jax.random.normal(jax.random.key(0), (30, 2), jnp.float64)
    assert constants.lipschitz(known, at, x) < 1e-12
    c = curvature(known, at, uniform(x), uniform(x))
    np.testing.assert_allclose(constants.alpha(c), 1 / np.linalg.eigvalsh(covariance)[-1], rtol=1e-12)


def test_student_on_skewed_data_has_the_table_row():
    model, data = STUDENT, skewed()
    star = optimum(model, LocationScale(jnp.zeros(()), jnp.zeros(())), data)
    own = quadrature.own(model, star, quadrature.line(2001))
    found = constants.Constants(
        constants.alpha(curvature(model, star, data, own)),
        constants.lipschitz(model, star, jnp.asarray(SIX)),
        constants.eps(data, own),
    )
    np.testing.assert_allclose(found, [0.5945, 2.585, 0.4319], rtol=3e-4)
    np.testing.assert_allclose(1 + constants.eta(found), 2.878, rtol=3e-4)
    assert constants.lipschitz(model, star, jnp.asarray(SIX), 0.1) > found.lipschitz


@pytest.mark.slow
def test_the_misfit_is_free_of_the_unit_of_x():
    model, nodes, data = GAUSSIAN, quadrature.line(2001), skewed()

    def eta(unit):
        law = data._replace(x=unit * data.x)
        star = state(0.25 * unit, 1.9195 * unit**2)
        own = quadrature.own(model, star, Batch(unit * nodes.x, unit * nodes.weight))
        c = curvature(model, star, law, own)
        # In these coordinates the mean has the unit of x and the scale has none: rescale the mean.
        scale = jnp.diag(jnp.asarray([unit, 1.0]))
        values = constants.Constants(
            constants.alpha(c._replace(H=scale @ c.H @ scale)),
            constants.lipschitz(model._replace(coordinates=_in_units(unit)), star, jnp.asarray(unit * SIX)),
            constants.eps(law, own),
        )
        return float(constants.eta(values))

    np.testing.assert_allclose(eta(10.0), eta(1.0), rtol=1e-9)


def _in_units(unit):
    chart = charts.location_scale(1)
    scale = jnp.asarray([unit, 1.0])
    return chart._replace(theta=lambda s: chart.theta(s) / scale, state=lambda t: chart.state(t * scale))


def test_eps_of_laws_that_are_shifted_is_the_shift():
    nodes = quadrature.line(4001)
    one, other = (quadrature.own(GAUSSIAN, state(m, 1.0), nodes) for m in (0.0, 0.7))
    np.testing.assert_allclose(constants.eps(one, other), 0.7, atol=1e-5)
    x = jax.random.normal(jax.random.key(0), (200, 3), jnp.float64)
    shift = jnp.asarray([[0.1, 0.2, 0.2]])
    np.testing.assert_allclose(constants.eps(uniform(x), uniform(x + shift), 200), 0.3, rtol=1e-12)


def test_labels_are_at_distance_one():
    model = discrete(3, jnp.float64)
    at = model.init(jax.random.key(0))._replace(probs=jnp.asarray([0.2, 0.3, 0.5]))
    own = quadrature.own(model, at, quadrature.symbols(3))
    data = own._replace(weight=jnp.asarray([0.5, 0.3, 0.2]))
    np.testing.assert_allclose(constants.eps(data, own), 0.3, rtol=1e-12)
    assert constants.lipschitz(model, at, quadrature.symbols(3).x) < 1e-14
    curved = model._replace(coordinates=None)
    # Without the simplex's chart Hess log p(x) is -1 / p_x^2 at (x, x): x_0 and x_1 differ by 25.
    assert constants.lipschitz(curved, at, quadrature.symbols(3).x) == pytest.approx(2 * 25)
