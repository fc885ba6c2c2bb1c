"""The exact Jacobian three ways, its spectrum, its norm, and what does not depend on coordinates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.models import charts
from selfloop.models.states import GaussianState
from selfloop.models.student import LocationScale
from selfloop.stability import jacobian as jacobians
from selfloop.stability import quadrature, rates
from selfloop.stability.constants import alpha
from selfloop.stability.curvature import Curvature, coordinates, curvature, optimum, update
from tests.stability.cases import GAUSSIAN, STUDENT, bimodal, skewed

CHARTS = {"location_scale": GAUSSIAN, "natural": GAUSSIAN._replace(coordinates=charts.natural(1))}


def solved(model, data):
    star = optimum(model, model.init(jax.random.key(0)), data)
    return star, curvature(
        model, star, data, quadrature.own(model, star, data._replace(weight=quadrature.line(2001).weight))
    )


def test_student_on_skewed_data_has_the_reference_curvature():
    star, c = solved(STUDENT, skewed())
    np.testing.assert_allclose([star.location, star.log_scale], [-0.0228, 0.0733], atol=6e-5)
    np.testing.assert_allclose(jacobians.spectrum(c), [0.8326, 1.3241], atol=6e-5)
    np.testing.assert_allclose(alpha(c), 0.5945, atol=6e-5)
    np.testing.assert_allclose(jacobians.rates(jacobians.spectrum(c), 0.5, 0.0)[-1], 0.398330, atol=6e-7)
    np.testing.assert_allclose(jacobians.rates(jacobians.spectrum(c), 2.0, 0.0)[-1], 0.725889, atol=6e-7)
    # Fisher's information of Student's t is known: (nu + 1) / (nu + 3) / s^2 and 2 nu / (nu + 3).
    np.testing.assert_allclose(c.F, np.diag([0.75 / np.exp(2 * star.log_scale), 1.25]), atol=1e-10)


def test_student_on_bimodal_data_has_the_reference_spectrum():
    star, c = solved(STUDENT, bimodal())
    np.testing.assert_allclose(star.log_scale, 1.1034, atol=6e-5)
    np.testing.assert_allclose(jacobians.spectrum(c), [0.7612, 1.1168], atol=6e-5)


@pytest.mark.parametrize(("lam", "gamma"), [(0.5, 0.0), (2.0, 1.0)])
def test_the_formula_is_the_loops_own_derivative(lam, gamma):
    data, nodes = skewed(), quadrature.line(2001)
    star, c = solved(STUDENT, data)
    expected = jacobians.jacobian(c, lam, gamma)
    np.testing.assert_allclose(
        jacobians.autodiff_jacobian(STUDENT, star, data, nodes, lam, gamma), expected, atol=1e-12
    )
    theta, h = coordinates(STUDENT, star).theta(star), 1e-5

    def moved(sign, axis):
        now = coordinates(STUDENT, star).state(theta + sign * h * jnp.eye(2)[axis])
        return coordinates(STUDENT, star).theta(update(STUDENT, now, data, nodes, lam, gamma, star))

    differences = np.stack([(moved(1, i) - moved(-1, i)) / (2 * h) for i in range(2)], 1)
    np.testing.assert_allclose(differences, expected, atol=1e-8)


def test_errors_of_the_iterated_map_shrink_at_the_exact_rate():
    data, nodes, lam = bimodal(), quadrature.line(2001), 2.0
    star, c = solved(STUDENT, data)
    now, errors = LocationScale(star.location, star.log_scale + 1e-3), []
    for _ in range(4):
        now = update(STUDENT, now, data, nodes, lam, 0.5, star)
        errors.append(float(now.log_scale - star.log_scale))
    # H and F are diagonal here, by symmetry; the scale's m is the smaller one.
    m = float(c.F[1, 1] / c.H[1, 1])
    np.testing.assert_allclose(np.divide(errors[1:], errors[:-1]), rates.exact(lam, 0.5, m), atol=1e-3)


@pytest.mark.parametrize("chart", CHARTS)
def test_exponential_families_have_m_one_for_any_data_in_any_coordinates(chart):
    star, c = solved(CHARTS[chart], skewed())
    np.testing.assert_allclose([star.mean[0], star.covariance[0, 0]], [0.25, 1.9195], rtol=1e-10)
    np.testing.assert_allclose(c.H, c.F, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(jacobians.spectrum(c), 1, rtol=1e-10)


def test_alpha_depends_on_the_coordinates_though_the_spectrum_does_not():
    values = {name: float(alpha(solved(model, skewed())[1])) for name, model in CHARTS.items()}
    np.testing.assert_allclose([values["location_scale"], values["natural"]], [0.5210, 1.7680], atol=6e-5)


def test_the_spectrum_is_the_same_in_curved_coordinates():
    star, c = solved(STUDENT, skewed())
    bend = lambda t: jnp.stack([jnp.sinh(t[0]) + t[1], jnp.exp(t[1]) + t[0] ** 2])  # noqa: E731
    d = jax.jacobian(bend)(coordinates(STUDENT, star).theta(star))
    inverse = jnp.linalg.inv(d)
    # At the optimum the mean score vanishes, so that H transforms as F does.
    bent = Curvature(*(inverse.T @ matrix @ inverse for matrix in c))
    np.testing.assert_allclose(jacobians.spectrum(bent), jacobians.spectrum(c), rtol=1e-10)
    np.testing.assert_allclose(
        jacobians.jacobian(bent, 2.0, 1.0), d @ jacobians.jacobian(c, 2.0, 1.0) @ inverse, atol=1e-12
    )


def test_the_gaussian_loop_is_globally_linear_in_mean_parameters():
    data, nodes, lam, gamma = skewed(), quadrature.line(2001), 2.0, 0.5
    chart = charts.mean_parameters(1)
    star = GaussianState(jnp.full(1, 0.25), jnp.full((1, 1), 1.9195))
    now = GaussianState(jnp.full(1, 4.0), jnp.full((1, 1), 0.3))
    r = lam / (1 + lam) / (1 + gamma)
    for t in range(1, 4):
        now = update(GAUSSIAN, now, data, nodes, lam, gamma, star)
        start = chart.theta(GaussianState(jnp.full(1, 4.0), jnp.full((1, 1), 0.3)))
        expected = chart.theta(star) + r**t * (start - chart.theta(star))
        np.testing.assert_allclose(chart.theta(now), expected, rtol=1e-10)


def random_curvature(seed, size):
    rng = np.random.default_rng(seed)
    h, f = (a @ a.T for a in rng.normal(size=(2, size, size)))
    return Curvature(jnp.asarray(h + 0.1 * np.eye(size)), jnp.asarray(f), jnp.asarray(f))


SEEDS, SIZES = st.integers(0, 2**31 - 1), st.sampled_from([1, 2, 4])


@settings(max_examples=60, deadline=None)
@given(SEEDS, SIZES, st.floats(0, 50), st.floats(0, 10))
def test_the_jacobian_contracts_in_the_norm_of_k(seed, size, lam, gamma):
    c = random_curvature(seed, size)
    j, k, m = jacobians.jacobian(c, lam, gamma), jacobians.k_matrix(c, lam), jacobians.spectrum(c)
    eigenvalues = np.linalg.eigvals(j)
    assert np.abs(eigenvalues.imag).max() < 1e-7
    np.testing.assert_allclose(np.sort(eigenvalues.real), jacobians.rates(m, lam, gamma), atol=1e-7)
    np.testing.assert_allclose(k @ j, (k @ j).T, atol=1e-10 * (1 + np.abs(k).max()))
    np.testing.assert_allclose(jacobians.k_norm(j, k), rates.exact(lam, gamma, m[-1]), rtol=1e-7, atol=1e-12)
    assert jacobians.k_norm(j, k) < 1 / (1 + gamma)


@settings(max_examples=60, deadline=None)
@given(SEEDS, SIZES, st.floats(0, 5), st.floats(0, 10))
def test_every_bound_holds_for_the_misfit_it_is_told(seed, size, lam, gamma):
    c = random_curvature(seed, size)
    eta = float(np.linalg.norm(c.H - c.F, 2) / alpha(c))
    truth = rates.exact(lam, gamma, jacobians.spectrum(c)[-1])
    for bound in (rates.sharper, rates.ferbach, rates.gillman):
        assert truth <= bound(lam, gamma, eta) * (1 + 1e-9)


def test_the_euclidean_norm_may_exceed_one():
    c = Curvature(jnp.asarray([[1.0, 0.0], [0.0, 1e-4]]), jnp.asarray([[1.0, 0.099], [0.099, 0.01]]), jnp.eye(2))
    j = jacobians.jacobian(c, 1.0, 0.0)
    assert np.linalg.norm(j, 2) > 1 > jacobians.k_norm(j, jacobians.k_matrix(c, 1.0))


def test_without_real_data_the_loop_only_forgets_what_is_corrected():
    c = random_curvature(0, 3)
    np.testing.assert_allclose(jacobians.jacobian(c, np.inf, 1.0), np.eye(3) / 2, atol=1e-9)


def test_an_optimum_that_is_none_has_no_spectrum():
    c = Curvature(jnp.diag(jnp.asarray([1.0, -1.0])), jnp.eye(2), jnp.eye(2))
    assert np.isnan(jacobians.spectrum(c)).any()


def test_newton_finds_the_optimum_from_afar():
    data = skewed()
    expected, _ = solved(STUDENT, data)
    for start in (
        LocationScale(jnp.asarray(30.0), jnp.asarray(-3.0)),
        LocationScale(jnp.asarray(-5.0), jnp.asarray(4.0)),
    ):
        found = optimum(STUDENT, start, data)
        np.testing.assert_allclose(
            [found.location, found.log_scale], [expected.location, expected.log_scale], atol=1e-9
        )
