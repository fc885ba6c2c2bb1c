"""The four rates: their order, their thresholds, and what they say at the edges."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.stability import rates

LAMBDAS = st.floats(0, 100)
GAMMAS = st.floats(0, 50) | st.just(math.inf)
ETAS = st.floats(0, 20)
quick = settings(max_examples=100, deadline=None)
BOUNDS = {
    "exact": (rates.exact, rates.safe_lambda_exact, rates.gamma_for_exact),
    "sharper": (rates.sharper, rates.safe_lambda_sharper, rates.gamma_for_sharper),
    "ferbach": (rates.ferbach, rates.safe_lambda_ferbach, rates.gamma_for_ferbach),
    "gillman": (rates.gillman, rates.safe_lambda_gillman, rates.gamma_for_gillman),
}


@quick
@given(LAMBDAS, GAMMAS, ETAS, st.floats(0, 1))
def test_the_bounds_come_in_order(lam, gamma, eta, share):
    m = share * (1 + eta)
    values = [rates.exact(lam, gamma, m), *(f(lam, gamma, eta) for f in (rates.sharper, rates.ferbach, rates.gillman))]
    for low, high in zip(values, values[1:], strict=False):
        assert low <= high * (1 + 1e-12)
    assert values[1] <= 1 / (1 + gamma)


@quick
@given(st.floats(0, 5), GAMMAS, st.floats(0, 3))
def test_a_condition_holds_where_its_rate_is_below_one(lam, gamma, eta):
    u = lam * (1 + eta)
    threshold = 1 if gamma == math.inf else (1 + gamma) / (2 + gamma)
    if abs(u - threshold) > 1e-9:
        assert rates.gillman_condition(lam, gamma, eta) == (u < threshold)
        assert (rates.gillman(lam, gamma, eta) < 1) == (u < threshold)
    left = lam * (eta - 1) - 1 if gamma == math.inf else lam * ((2 + gamma) * eta - gamma) - (1 + gamma)
    if abs(left) > 1e-9:
        assert rates.ferbach_condition(lam, gamma, eta) == (left < 0)
        assert (rates.ferbach(lam, gamma, eta) < 1) == (left < 0)


def test_a_negative_factor_is_no_certificate():
    for lam in (1.0, 2.0, 10.0):
        assert lam == 1 or lam / (1 - lam) < 1, "the published formula, read carelessly, certifies this"
        assert rates.gillman(lam, 0.0, 0.0) == math.inf
        assert not rates.gillman_condition(lam, 0.0, 0.0)
        assert rates.gillman(lam, math.inf, 0.0) == math.inf


@pytest.mark.parametrize("name", BOUNDS)
@quick
@given(gamma=st.floats(0, 20), eta=st.floats(0, 5), wanted=st.floats(0.05, 1))
def test_the_largest_safe_lambda_is_the_last_one_that_is_safe(name, gamma, eta, wanted):
    rate, safe, _ = BOUNDS[name]
    lam = float(safe(gamma, eta, wanted)) if name != "exact" else float(safe(gamma, 1 + eta, wanted))
    at = (lambda x: rate(x, gamma, eta)) if name != "exact" else (lambda x: rate(x, gamma, 1 + eta))
    assert at(min(lam, 1e9) * (1 - 1e-6)) <= wanted
    if lam < 1e6:
        assert at(lam * (1 + 1e-6)) > wanted
    elif lam == math.inf:
        assert at(math.inf) <= wanted * (1 + 1e-9)


@pytest.mark.parametrize("name", BOUNDS)
@quick
@given(lam=st.floats(0.01, 5), eta=st.floats(0, 3), wanted=st.floats(0.05, 1))
def test_the_smallest_gamma_is_the_first_that_serves(name, lam, eta, wanted):
    rate, _, smallest = BOUNDS[name]
    gamma = float(smallest(wanted, lam, eta))
    if gamma == math.inf:
        assert rate(lam, 1e12, eta) == math.inf
    else:
        assert rate(lam, gamma * (1 + 1e-9), eta) <= wanted * (1 + 1e-12)
        if gamma > 0:
            assert rate(lam, gamma * (1 - 1e-6), eta) > wanted


def test_well_specified_values_and_edges():
    np.testing.assert_allclose(rates.exact(np.array([0.5, 1, 2, 10]), 0.0), [1 / 3, 1 / 2, 2 / 3, 10 / 11], rtol=1e-15)
    np.testing.assert_allclose(rates.gillman(np.array([0.25, 0.5]), 0.0, 0.0), [1 / 3, 1], rtol=1e-15)
    # The table of eight models: u = lambda times 11.77, 2.878; thresholds .0425 and .0464, .174 and .266.
    np.testing.assert_allclose(rates.safe_lambda_gillman(0.0, np.array([10.77, 1.878])), [0.0425, 0.174], atol=5e-4)
    np.testing.assert_allclose(rates.safe_lambda_ferbach(0.0, np.array([10.77, 1.878])), [0.0464, 0.266], atol=5e-4)
    for f in (rates.exact, rates.sharper, rates.ferbach, rates.gillman):
        assert f(0.0, 1.0, 3.0) == 0
        assert f(0.2, math.inf, 1.0) == 0
    for f in (rates.exact, rates.sharper):
        assert f(math.inf, 1.0, 3.0) == 0.5
    assert rates.ferbach(math.inf, 1.0, 0.5) == 1.5
    assert rates.sharper(1.0, 1.0, math.inf) == 0.5
    assert rates.sharper(0.0, 1.0, math.inf) == 0
    assert rates.ferbach(1.0, 1.0, math.inf) == rates.gillman(1.0, 1.0, math.inf) == math.inf
    # With enough correction for the misfit the Ferbach-type bound holds for every lambda.
    assert rates.safe_lambda_ferbach(2.0, 0.5) == math.inf
    assert rates.safe_lambda_ferbach(2.0, 0.51) < 1e3


def test_rates_can_be_traced():
    lam, gamma = jnp.linspace(0.0, 3.0, 7), jnp.linspace(0.0, 2.0, 7)
    for f in (rates.exact, rates.sharper, rates.ferbach, rates.gillman):
        traced = jax.jit(jax.vmap(lambda x, y, f=f: f(x, y, 0.7)))(lam, gamma)
        np.testing.assert_allclose(traced, f(lam, gamma, 0.7), rtol=1e-14)
