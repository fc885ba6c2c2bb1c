"""Mixing times and the strengths that they predict, on autoregressions whose correlations are known."""

import numpy as np
import pytest

from selfloop.errors import DataError
from selfloop.metrics.autocorrelation import autocorrelation, integrated_time, relaxation_time
from selfloop.stability import mixing, rates


def autoregression(kappa, chains=200, times=400, seed=0):
    """Stationary chains x_(t+1) = kappa x_t + sqrt(1 - kappa^2) xi of correlation kappa^l."""
    rng = np.random.default_rng(seed)
    x = np.empty((chains, times))
    x[:, 0] = rng.normal(size=chains)
    for t in range(1, times):
        x[:, t] = kappa * x[:, t - 1] + np.sqrt(1 - kappa**2) * rng.normal(size=chains)
    return x


def test_autocorrelation_is_what_its_definition_says():
    x = autoregression(0.8, 5, 30)
    m = x.mean()
    for lag in (0, 1, 7, 29):
        cross = ((x[:, : 30 - lag] - m) * (x[:, lag:] - m)).mean()
        np.testing.assert_allclose(autocorrelation(x)[lag], cross / ((x - m) ** 2).mean(), rtol=1e-10)
    weight = np.asarray([1.0, 1, 0, 0, 2])
    repeated = x[[0, 1, 4, 4]]
    np.testing.assert_allclose(autocorrelation(x, weight), autocorrelation(repeated), rtol=1e-9, atol=1e-12)


def test_a_chain_that_stays_forgets_nothing():
    np.testing.assert_allclose(autocorrelation(np.tile([[1.0], [-1.0]], (1, 9))), 1)


def test_integrated_time_of_one_decay():
    np.testing.assert_allclose(integrated_time(0.9 ** np.arange(400)), 19, rtol=2 * 0.9**47)
    assert integrated_time(np.asarray([1.0, 0, 0, 0, 0, 0])) == 1


@pytest.mark.parametrize("kappa", [0.5, 0.9])
def test_relaxation_time_and_the_strength_it_predicts(kappa):
    traces = autoregression(kappa)
    tau = relaxation_time(traces)
    assert tau.low <= tau.value <= tau.high < 1.2 * tau.value
    # Standard errors: 2.5 to 5 % of tau (sqrt(2 (2 W + 1) / (C T)), W the window), 4 % of rho_3 at kappa = 0.5.
    np.testing.assert_allclose(tau.value, -1 / np.log(kappa), rtol=0.2)
    steps = [0, 1, 3]
    exact = np.asarray(mixing.kernel_gamma(kappa, np.asarray(steps, float)))
    for predicted in (mixing.predicted_gamma(traces, steps), mixing.gamma_at_lags(traces, steps)):
        assert predicted[0] == (0, 0, 0)
        np.testing.assert_allclose([one.value for one in predicted], exact, rtol=0.25)
        assert all(one.low <= one.value <= one.high for one in predicted)


def test_intervals_cover():
    """Of 60 sets of chains at least 50 intervals of 95 % hold the truth (probability of fewer: 2e-4)."""
    sets = [autoregression(0.8, 40, 200, seed) for seed in range(60)]
    held = [one.low <= -1 / np.log(0.8) <= one.high for one in (relaxation_time(x, resamples=200) for x in sets)]
    assert sum(held) >= 50


def test_of_two_decays_only_the_lags_tell():
    """f = a fast and a slow part: at a late lag the slow one is left, and a single time promises too much."""
    traces = autoregression(0.3, seed=1) + autoregression(0.95, seed=2)
    late = 40
    exact = 2 / (0.3**late + 0.95**late) - 1
    at_lag, by_time = mixing.gamma_at_lags(traces, [late])[0], mixing.predicted_gamma(traces, [late])[0]
    assert at_lag.low <= exact <= at_lag.high
    assert by_time.low > exact


def test_formulas():
    assert float(mixing.kernel_gamma(0.5, 3)) == pytest.approx(7)
    assert float(mixing.kernel_gamma(0.0, 0)) == 0
    assert np.isinf(mixing.kernel_gamma(0.0, 1))
    assert float(mixing.gamma_of_time(3.0, 3.0)) == pytest.approx(np.e - 1)
    for lam in (0.5, 2.0, np.inf):
        strength = float(mixing.kernel_gamma(0.8, 4))
        assert float(mixing.kernel_rate(lam, 0.8, 4)) == pytest.approx(float(rates.exact(lam, strength)))
    assert float(mixing.variance_stationary(10, 0.5, 0)) == 0
    assert float(mixing.mean_stationary(0, 10, 0.5, 1)) == pytest.approx(0.1 / 0.75)
    assert float(mixing.mean_stationary(10, 1e-9, 0.5, 1)) == pytest.approx(0.1)


def test_what_is_no_trace_is_refused():
    with pytest.raises(DataError, match="give \\[C, T\\]"):
        relaxation_time(np.zeros(5))
    with pytest.raises(DataError, match="nothing varies"):
        relaxation_time(np.zeros((3, 5)))
    with pytest.raises(DataError, match="lags 0 to 399"):
        mixing.gamma_at_lags(autoregression(0.5), [400])
