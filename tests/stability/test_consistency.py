"""Whether fit, sample and log_prob are one model: right ones pass, and each kind of slip is named."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.errors import ConfigError
from selfloop.models.states import GaussianState
from selfloop.models.student import LocationScale
from selfloop.stability import consistency, domain, quadrature
from selfloop.stability.curvature import coordinates, curvature, optimum
from tests.stability import models
from tests.stability.cases import STUDENT


def line():
    """Real points, in float64: nothing is made before that is turned on."""
    return uniform(jnp.asarray(np.random.default_rng(0).normal(size=(300, 1))))


def normal():
    return GaussianState(jnp.zeros(1), jnp.ones((1, 1)))


def t5():
    return LocationScale(jnp.zeros(()), jnp.zeros(()))


def own(model, state):
    return model.sample(jax.random.key(1), state, None, consistency.SAMPLES)


@pytest.mark.parametrize(("model", "state"), [(models.GAUSSIAN, normal), (STUDENT, t5)])
def test_a_model_that_is_one_passes(model, state):
    data, state = line(), state()
    law = domain.quadrature(model, state, data)
    consistency.shapes(model, state, data)
    consistency.density(model, state, law)
    consistency.sampler(model, state, own(model, state), data, law)
    consistency.sampler(model, state, own(model, state), data, None)


def test_a_sampler_at_half_the_spread_is_no_sampler_of_log_prob():
    law = domain.quadrature(models.COOLED, normal(), line())
    for known in (law, None):
        with pytest.raises(ConfigError, match="sample and log_prob are not one model.*standard errors"):
            consistency.sampler(models.COOLED, normal(), own(models.COOLED, normal()), line(), known)


def test_a_kink_has_no_curvature():
    state = models.Two(jnp.zeros(()), jnp.zeros(()))
    law = domain.quadrature(models.LAPLACE, state, line())
    with pytest.raises(ConfigError, match="variance is 1 and the mean of -Hess -?0, .* a kink"):
        consistency.density(models.LAPLACE, state, law)


def test_a_normaliser_that_derivatives_do_not_see_is_told_of():
    law = domain.quadrature(models.HIDDEN, normal(), line())
    with pytest.raises(ConfigError, match="mean score of log_prob is .*stop_gradient"):
        consistency.density(models.HIDDEN, normal(), law)


def test_a_density_without_its_normaliser_is_no_density():
    with pytest.raises(ConfigError, match=r"integrates to 2\.507 and not to 1"):
        domain.quadrature(models.UNNORMALISED, normal(), line())


def test_a_narrow_peak_between_the_nodes_is_no_wrong_normaliser():
    narrow = normal()._replace(covariance=jnp.full((1, 1), 1e-14))
    assert domain.quadrature(models.GAUSSIAN, narrow, line()) is None


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (models.COLUMN, line, r"returned float64\[300, 1\] .* it returns \[300\]"),
        (models.GAUSSIAN, lambda: uniform(jnp.arange(300)), r"whole numbers \[N\] are labels"),
    ],
)
def test_shapes_that_do_not_fit_are_one_line(model, data, message):
    with pytest.raises(ConfigError, match=message) as told:
        consistency.shapes(model, normal(), data())
    assert "\n" not in str(told.value)


def doubts(model):
    data = line()
    data = data._replace(x=data.x - data.x.mean())

    def refit(batch):
        return model.fit(jax.random.key(0), batch, normal())[0]

    start = refit(data)
    star = optimum(model, start, data)
    return consistency.fitted(model, refit, start, star, data, curvature(model, star, data, data).H)


def test_a_fit_that_maximises_something_else_is_told_of_even_where_the_data_agree_with_it():
    # The mean of the data is 0, where the penalty pulls: only fewer data show it.
    assert doubts(models.GAUSSIAN) == ()
    (told,) = doubts(models.PENALISED)
    assert "three quarters of the data" in told


class Counted(NamedTuple):
    mean: jax.Array
    steps: jax.Array


def test_whole_numbers_in_a_state_are_no_parameters():
    state = Counted(jnp.asarray([1.0, 2.0]), jnp.asarray(7, jnp.int32))
    chart = coordinates(models.GAUSSIAN._replace(coordinates=None), state)
    np.testing.assert_array_equal(chart.theta(state), [1, 2])
    back = chart.state(jnp.asarray([3.0, 4.0]))
    np.testing.assert_array_equal(back.mean, [3, 4])
    assert back.steps == 7


def test_a_state_of_whole_numbers_alone_is_refused():
    with pytest.raises(ConfigError, match="no real numbers"):
        consistency.shapes(models.GAUSSIAN, {"count": jnp.asarray(3)}, line())


@pytest.mark.parametrize("dof", [1.0, 1.5, 5.0])
def test_what_is_beyond_the_nodes_is_continued_or_infinite(dof):
    law = quadrature.weigh(quadrature.line(), lambda x: jax.scipy.stats.t.logpdf(x[:, 0], dof))
    beyond = domain.tail(law)
    if dof == 1:
        assert beyond == np.inf
        return
    inside = float(law.weight @ jnp.abs(law.x[:, 0]) / law.weight.sum())
    g = [float(jnp.exp(jax.scipy.special.gammaln(value))) for value in ((dof + 1) / 2, dof / 2)]
    exact = 2 * dof**0.5 * g[0] / (np.pi**0.5 * (dof - 1) * g[1])
    np.testing.assert_allclose(inside + beyond, exact, rtol=2e-3)
    assert dof > 2 or beyond > 0.01


def test_the_support_is_where_log_prob_is_finite():
    inside = uniform(jnp.asarray(np.random.default_rng(0).uniform(0.2, 0.9, (50, 1))))
    state = models.Two(jnp.log(2.0), jnp.log(0.5))
    assert domain.support(models.BETA, state, inside) == (0.0, 1.0)
    assert domain.support(models.GAUSSIAN, normal(), inside) == (-np.inf, np.inf)


def test_bounded_and_periodic_laws_have_their_nodes():
    inside = uniform(jnp.asarray(np.random.default_rng(0).uniform(0.2, 0.9, (50, 1))))
    law = domain.quadrature(models.BETA, models.Two(jnp.log(2.0), jnp.log(0.5)), inside)
    np.testing.assert_allclose(quadrature.expect(law, lambda x: x[:, 0]), 0.8, atol=1e-6)
    angles = uniform(jnp.asarray(np.random.default_rng(0).vonmises(0.5, 2.0, (50, 1))))
    law = domain.quadrature(models.VON_MISES, models.Two(jnp.asarray(1.0), jnp.asarray(1.0)), angles)
    np.testing.assert_allclose(law.weight.sum(), 1, atol=1e-9)
