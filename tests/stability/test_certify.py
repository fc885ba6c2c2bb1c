"""The certificate: what it says of known cases, how it prints, what it refuses."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.errors import ConfigError, DataError
from selfloop.models import charts
from selfloop.models.discrete import discrete
from selfloop.models.exponential import exponential, poisson
from selfloop.models.gaussian import gaussian
from selfloop.models.mixture import MixtureState, mixture
from selfloop.models.regression import regression
from selfloop.models.student import student
from selfloop.protocols import Coordinates
from selfloop.stability import rates, recursions
from selfloop.stability.certify import certify
from tests.stability import models
from tests.stability.cases import STUDENT, skewed

RNG = np.random.default_rng(0)
LINE = np.where(RNG.random(200) < 0.7, RNG.normal(-0.5, 0.5, 200), RNG.normal(2, 1.2, 200))[:, None]
PLANE = RNG.normal(size=(50, 2))
GAUSS = gaussian(2)


def single(*args, **kwargs):
    """As a user without float64 calls it."""
    with jax.enable_x64(False):
        return certify(*args, **kwargs)


def test_a_gaussian_in_location_and_scale():
    c = single(gaussian(1), LINE, 0.5, 1.0)
    assert (c.n, c.m, c.lam, c.rate_error) == (200, 100, 0.5, 0)
    np.testing.assert_allclose(c.spectrum, 1, rtol=1e-9)
    np.testing.assert_allclose(c.rate.exact, 1 / 6, rtol=1e-9)
    # L is infinite on the line: the bounds that use it promise nothing, but for tau, which is above every rate.
    assert c.rate[1:] == (0.5, math.inf, math.inf)
    assert c.safe_lambda == (math.inf, math.inf, 0, 0)
    assert not c.estimated
    mean, variance = LINE.mean(), LINE.var()
    z = np.abs(LINE - mean).max() / variance**0.5
    slope = 2 / variance * (z * variance**0.5 + math.sqrt(1 + z**2 * variance))
    assert c.constants.lipschitz == math.inf
    assert any(f"L is infinite: over the range of the data it is {slope:.3g}" in note for note in c.notes)
    np.testing.assert_allclose(c.constants.alpha, min(1 / variance, 2), rtol=1e-6)
    assert c.state.mean.dtype == np.float64


def test_a_gaussian_in_natural_parameters_has_no_slope():
    c = single(gaussian(1)._replace(coordinates=charts.natural(1)), LINE, 0.5, 1.0)
    assert c.constants.lipschitz == c.eta == 0
    assert not c.notes
    np.testing.assert_allclose(c.rate, [1 / 6, 1 / 6, 1 / 6, 1 / 2], rtol=1e-9)
    np.testing.assert_allclose(c.safe_lambda, [math.inf, math.inf, math.inf, 2 / 3], rtol=1e-9)
    np.testing.assert_allclose(c.gamma_for, [0, 0, 0, 1], atol=1e-9)


def test_student_on_a_population_law_has_the_reference_rate():
    c = certify(STUDENT, skewed(), 2.0, 1.0, n=1000, wanted=0.2)
    np.testing.assert_allclose(c.rate.exact, 0.36294, atol=6e-6)
    np.testing.assert_allclose(c.gamma_for.exact, 0.725889 / 0.2 - 1, atol=6e-6)
    np.testing.assert_allclose([c.constants.alpha, c.constants.eps], [0.5945, 0.4319], atol=6e-5)
    assert rates.exact(2.0, c.gamma_for.exact, c.spectrum[-1]) == pytest.approx(0.2)


def test_a_known_family_has_its_stationary_error():
    counts = np.repeat([0.0, 1, 2, 3, 4, 5], [10, 28, 30, 19, 9, 4])[:, None]
    c = single(poisson(), counts, 0.5, 0.0)
    excess = counts.var() / counts.mean()
    exact = float(recursions.reuse_limit(100, 50, 0.0, 0, excess))
    # In KL, half of the squared error in units of the variance, to first order in 1 / n.
    np.testing.assert_allclose(c.stationary, exact / 2, rtol=1e-6)
    np.testing.assert_allclose(c.one_fit, excess / 200, rtol=1e-6)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (discrete(4), np.repeat([0, 1, 2, 3], [10, 20, 30, 40]).astype(np.int32)),
        (exponential(), RNG.exponential(2.0, 100).astype(np.float32)),
    ],
)
def test_exponential_families_of_every_kind_of_data_have_m_one(model, data):
    c = single(model, data, 0.5, 1.0)
    np.testing.assert_allclose(c.spectrum, 1, rtol=1e-5)
    assert c.rate_error == 0


def test_where_no_quadrature_serves_the_rate_is_an_estimate_with_an_interval():
    design = RNG.normal(size=(60, 2))
    rows = np.concatenate([design, (design @ [1.0, 2.0])[:, None] + RNG.normal(size=(60, 1))], 1)
    data = uniform(jnp.asarray(rows, jnp.float32), jnp.asarray(design, jnp.float32))
    c = single(regression(2, 1.0), data, 0.5, 1.0)
    assert 0 < c.rate_error < 0.01
    # The design is shared and the noise known: m = 1, but no exponential family of (design, label) has this likelihood.
    assert c.estimated
    assert c.interval.low < 1 / 6 < c.interval.high
    assert c.rate.exact == pytest.approx(c.interval.value, rel=1e-6)
    assert "(an estimate; at most 0.1" in c.verdict
    assert any("20000 samples" in note for note in c.notes)


@pytest.mark.slow
def test_a_mixture_on_data_it_cannot_fit():
    c = single(mixture(2, 1), LINE, 0.5, 0.0)
    assert c.spectrum.shape == (5,)
    assert c.rate.exact < 1 / 2
    assert c.safe_lambda.gillman < 0.05


def test_the_certificate_prints_as_a_small_table():
    text = str(single(GAUSS, PLANE, 0.5, math.inf))
    lines = text.splitlines()
    assert text.startswith(
        "With 0.5 synthetic points for each real one and a perfect corrector, retraining stays stable"
    )
    about = lines.index("lambda 0.5 (25 synthetic beside 50 real points), gamma inf, 5 parameters")
    table = [line.split() for line in lines[about + 2 : about + 7]]
    assert [row[0] for row in table] == ["bound", "exact", "sharper", "Ferbach-type", "Bertrand/Gillman"]
    assert [row[1] for row in table[1:3]] == ["0", "0"]
    assert max(map(len, lines)) <= 100
    for word in ("stationary error", "alpha", "eps L / alpha", "note"):
        assert word in text


TWICE = Coordinates(
    lambda state: jnp.concatenate([charts.location_scale(2).theta(state), jnp.zeros(1)]),
    lambda theta: charts.location_scale(2).state(theta[:5] + theta[5]),
)
MERGED = MixtureState(jnp.full(2, 0.5), jnp.zeros((2, 1)), jnp.ones((2, 1, 1)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: single(GAUSS._replace(log_prob=None), PLANE, 0.5, 1.0), "no log density"),
        (lambda: single(GAUSS, PLANE, 0.5, -1.0), "gamma is -1.0; .* 0 .none. to infinity"),
        (lambda: single(GAUSS, PLANE, 0.5, math.nan), "gamma is nan"),
        (lambda: single(GAUSS, PLANE, 0.01, 1.0), "less than one synthetic point: give 0, or at least 0.02"),
        (lambda: single(GAUSS, PLANE, -1.0, 1.0), "lambda is -1.0"),
        (lambda: single(GAUSS, PLANE), "give lam .* or share .* one of them"),
        (lambda: single(GAUSS, PLANE, 1.0, share=0.5), "give lam .* or share .* not both"),
        (lambda: single(GAUSS, PLANE, share=1.0), "share is 1.0; .* below 1"),
        (lambda: single(models.COLUMN, LINE, 0.5), r"log_prob returned float64\[200, 1\]"),
        (lambda: single(models.COOLED, LINE, 0.5), "sample and log_prob are not one model"),
        (lambda: single(GAUSS, PLANE, 0.5, 1.0, wanted=0.0), "wanted is 0.0; .* above 0"),
        (lambda: single(GAUSS, PLANE[:, [0, 0]], 0.5, 1.0), "the covariance is singular"),
        (lambda: single(GAUSS, PLANE[:3], 0.5, 1.0), "n is 3; .* 2 dimensions need 4"),
        (lambda: single(GAUSS, PLANE[:4], 0.5, 1.0), "n is 4; a model of 5 parameters"),
        (
            lambda: single(GAUSS._replace(coordinates=TWICE), PLANE, 0.5, 1.0),
            r"not identifiable.*\[1, 1, 1, 1, 1, -1\]",
        ),
        (lambda: single(GAUSS, uniform(PLANE)._replace(weight=jnp.arange(50.0)), 0.5, 1.0), "weights .* give n"),
        (lambda: single(mixture(2, 1), LINE, 0.5, 1.0, state=MERGED), "components 0 and 1 have merged"),
    ],
)
def test_what_cannot_be_certified_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_nan_data_are_refused():
    with pytest.raises(DataError, match="the data hold 1 of 50 samples that are NaN"):
        single(GAUSS, np.where(np.arange(50)[:, None] == 7, np.nan, PLANE), 0.5, 1.0)


@pytest.mark.slow
def test_whole_numbers_are_points_where_they_stand_in_columns():
    x = np.random.default_rng(3).integers(-9, 9, (60, 2))
    whole, real = (certify(gaussian(2), points, lam=1.0, gamma=0.5) for points in (x, x.astype(float)))
    np.testing.assert_allclose(whole.rate, real.rate, rtol=1e-9)


def test_a_share_is_a_lambda_and_the_verdict_says_it():
    c = single(poisson(), np.random.default_rng(5).poisson(3.0, (300, 1)), share=0.5)
    assert c.lam == 1
    assert c.verdict.startswith("With one synthetic point for each real one and no corrector, retraining stays stable")
    assert f"{c.stationary / c.one_fit:.2g} times that of one fit" in c.verdict
    assert c.verdict in " ".join(str(c).split())
    assert len(c._repr_html_()) < 600


def test_what_the_fit_does_not_maximise_is_no_certificate():
    c = single(models.PENALISED, np.random.default_rng(0).normal(size=(200, 1)), 1.0)
    assert c.doubts
    assert c.verdict.startswith("Not a certificate of this loop: fit does not maximise log_prob")


@pytest.mark.slow
def test_a_law_without_a_mean_has_an_infinite_eps():
    c = single(student(1.0), np.random.default_rng(0).normal(size=(300, 1)), 1.0, 0.5)
    assert c.constants.eps == c.eta == math.inf
    assert c.rate.sharper == pytest.approx(1 / 1.5)
    assert "eps is infinite: the model's law has no mean" in str(c)
    assert "nan" not in str(c)


@pytest.mark.slow
@pytest.mark.parametrize("d", [9, 12])
def test_an_exponential_family_in_many_dimensions_is_exact(d):
    c = single(gaussian(d), np.random.default_rng(0).normal(size=(20 * d, d)), 1.0, 0.0)
    assert c.rate.exact == 0.5
    assert not c.estimated
