"""Autocorrelation of stationary chains, and the relaxation time that follows from it.

A time is counted in links of the chain (one row of a trace). Arrays are NumPy float64.
Letters: C chains, T times, L lags, B resamples.
"""

import numpy as np

from selfloop.errors import DataError
from selfloop.metrics.estimates import LEVEL, Estimate, estimate

WINDOW = 2.5
"""Lags are added up to the first that is this many times 1 + 2 sum rho (Sokal's rule: 5 times half of it)."""


def autocorrelation(traces: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Correlation rho [T] at lags 0 to T - 1 of a function along C stationary chains of one law.

        rho_l = mean_{c, t} (f_{c, t} - m)(f_{c, t + l} - m) / mean_{c, t} (f_{c, t} - m)^2,

    m the mean of all chains: a function that stays put in each chain has correlation 1, as it must. ``weight`` [C]
    counts chains (a bootstrap's). Raises DataError for what are no finite traces [C, T] that vary.
    """
    traces = _checked(traces)
    weight = np.ones(len(traces)) if weight is None else weight
    return _correlation(traces, np.asarray(weight, float)[None])[0]


def integrated_time(rho: np.ndarray) -> float:
    """1 + 2 sum_l rho_l up to Sokal's window, the first L >= 2.5 times the sum so far; the last lag where none is."""
    sums = 2 * np.cumsum(rho) - 1
    enough = np.arange(len(rho)) >= WINDOW * sums
    return float(sums[np.argmax(enough)] if enough.any() else sums[-1])


def relaxation_time(traces: np.ndarray, *, level: float = LEVEL, resamples: int = 400, seed: int = 0) -> Estimate:
    """The time tau over which a function along stationary chains [C, T] forgets, in links, with its interval.

        kappa = (I - 1) / (I + 1),    tau = -1 / log kappa,    I = 1 + 2 sum_l rho_l,

    which is exact for a single decay rho_l = kappa^l = e^(-l / tau); of several it is a mean that the slow ones lead.
    0 where nothing is remembered. The interval is the percentile one of the Bayesian bootstrap over chains, which
    must have been started independently, in the law itself. A chain should be some 50 tau long: of a shorter one the
    tail of rho is lost, and tau with it.

    Raises:
        DataError: what are no finite traces [C, T] that vary, of 2 chains or more.

    Source: Sokal, Monte Carlo methods in statistical mechanics, 1997; Rubin, 1981 (the bootstrap).
    """
    traces = _checked(traces)
    draws = [_time(integrated_time(rho)) for rho in _correlation(traces, weights(len(traces), resamples, seed))]
    return estimate(np.asarray(draws), level)


def weights(chains: int, resamples: int, seed: int) -> np.ndarray:
    """Weights [B + 1, C] of a Bayesian bootstrap over chains; the first row counts all alike."""
    draws = np.random.default_rng(seed).dirichlet(np.ones(chains), resamples)
    return np.concatenate([np.full((1, chains), 1 / chains), draws])


def _time(integrated: float) -> float:
    kappa = (integrated - 1) / (integrated + 1)
    return -1 / np.log(kappa) if kappa > 0 else 0.0


def _correlation(traces: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """rho [B, T] for weights [B, C]; sums over time by Fourier transform, in O(C T log T)."""
    length = traces.shape[1]
    count = length - np.arange(length)
    centre = traces.mean()  # near each resample's own mean, so that what follows does not cancel
    x = traces - centre
    wave = np.fft.rfft(x, 2 * length, axis=1)
    products = np.fft.irfft(abs(wave) ** 2, axis=1)[:, :length] / count[None]
    running = np.cumsum(x, axis=1)
    heads, tails = running[:, ::-1] / count[None], (running[:, -1:] - running + x) / count[None]
    share = weight / weight.sum(1, keepdims=True)
    m = (share @ x.mean(1))[:, None]
    found = share @ products - m * (share @ heads + share @ tails) + m**2
    return found / found[:, :1]


def _checked(traces: np.ndarray) -> np.ndarray:
    traces = np.asarray(traces, np.float64)
    if traces.ndim != 2 or traces.shape[0] < 2 or traces.shape[1] < 2:
        raise DataError(f"the traces are {list(traces.shape)}; give [C, T], a row a chain, 2 chains and times or more")
    if not np.isfinite(traces).all() or not traces.std() > 0:
        raise DataError("the traces are not finite, or nothing varies in them: there is no correlation to see")
    return traces
