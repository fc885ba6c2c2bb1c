"""Markov kernels as correctors: the strength that k steps buy, mode by mode, and what the loop makes of it.

A reversible kernel P with invariant law p* has eigenfunctions f_i with eigenvalues kappa_i, orthonormal in L2(p*). Of
a law p = p* (1 + sum_i a_i f_i), k steps leave p* (1 + sum_i kappa_i^k a_i f_i), so that

    chi2(p P^k | p*) = sum_i kappa_i^(2k) a_i^2,    gamma_i(k) = kappa_i^(-k) - 1,

gamma_i the idealised corrector's strength that leaves as much of mode i. Near the fixed point the loop's error in that
mode then shrinks by `rates.exact` at gamma_i, lam kappa_i^k / (1 + lam). For a diffusion kappa_i^k = e^(-t / tau_i) at
physics time t: a corrector is strong exactly in the modes that relax faster than its time. kappa in [0, 1); a negative
eigenvalue leaves |kappa|^k. Derived in docs/correctors.md, verified by theory/kernel_*.py.

Letters: k steps, C chains, T times, K lags.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.errors import DataError
from selfloop.metrics.autocorrelation import autocorrelation, relaxation_time, weights
from selfloop.metrics.estimates import LEVEL, Estimate, estimate
from selfloop.stability.precision import Number, floats


def kernel_gamma(kappa: Number, k: Number) -> Array:
    """``kappa^(-k) - 1``, exact near 0; inf where nothing is left, 0 after no step."""
    kappa, k = floats(kappa, k)
    return jnp.where(k == 0, 0, jnp.expm1(-k * jnp.log(kappa)))


def gamma_of_time(time: Number, tau: Number) -> Array:
    """``e^(t / tau) - 1``: the strength in a mode of relaxation time tau of a physics time t in the same unit."""
    time, tau = floats(time, tau)
    return jnp.expm1(time / tau)


def kernel_rate(lam: Number, kappa: Number, k: Number, m: Number = 1.0) -> Array:
    """The loop's local rate ``lam m kappa^k / (1 + lam m)`` in a mode: `rates.exact` at `kernel_gamma`."""
    lam, kappa, k, m = floats(lam, kappa, k, m)
    share = jnp.where(jnp.isinf(lam), 1, lam * m / (1 + jnp.where(jnp.isinf(lam), 0, lam) * m))
    return share * kappa**k


def chi_squared(amplitudes: Array, kappa: Array, k: Number) -> Array:
    """``sum_i kappa_i^(2k) a_i^2``: chi2(p P^k | p*) of p = p* (1 + sum_i a_i f_i), modes along the last axis."""
    amplitudes, kappa, k = floats(amplitudes, kappa, k)
    return jnp.sum((kappa**2) ** k * amplitudes**2, -1)


def mode_left(kappa: Number, k: Number) -> Array:
    """``kappa^k``: what k steps leave of E f - E* f for an eigenfunction f, sign included (k a whole number)."""
    kappa, k = floats(kappa, k)
    return jnp.where(kappa < 0, jnp.where(k % 2 == 0, 1, -1), 1) * jnp.abs(kappa) ** k


def unadjusted_variance(v: Number, h: Number, k: Number) -> Array:
    """Variance after k unadjusted Langevin steps at N(0, 1): ``v* + (1 - h^2/2)^(2k) (v - v*)``, v* = 1/(1 - h^2/4).

    Derived: v -> (1 - h^2/2)^2 v + h^2, whose fixed point is v* > 1. h below 2.
    """
    v, h, k = floats(v, h, k)
    settled = 1 / (1 - h**2 / 4)
    return settled + ((1 - h**2 / 2) ** 2) ** k * (v - settled)


def minimised_variance(v: Number, h: Number, k: Number) -> Array:
    """Variance after k steps of steepest descent at N(0, 1): ``(1 - h^2/2)^(2k) v``, to 0. Derived."""
    v, h, k = floats(v, h, k)
    return ((1 - h**2 / 2) ** 2) ** k * v


def mean_stationary(n: Number, m: Number, kappa: Number, k: Number) -> Array:
    """E |mu_t - mu*|^2 / tr V* in the end, of Gaussian means: n real points, m synthetic ones corrected by k steps.

        (1 - w)^2 / (n (1 - r)^2) + w^2 / (m (1 - r^2)),    w = m / (n + m), r = w kappa^k

    for a kernel that maps N(mu* + e, V*) to N(mu* + kappa^k e, V*) (Ornstein-Uhlenbeck's). Replacement of the same
    gamma adds tau (1 - tau) e e^T to a synthetic point's variance (`recursions`); a kernel does not. n = 0 is the loop
    without real data. Derived.
    """
    n, m, kappa, k = floats(n, m, kappa, k)
    w = m / (n + m)
    r = w * kappa**k
    real = jnp.where(n > 0, (1 - w) ** 2 / (jnp.where(n > 0, n, 1) * (1 - r) ** 2), 0)
    return real + w**2 / (m * (1 - r**2))


def variance_stationary(m: Number, kappa: Number, k: Number) -> Array:
    """E Sigma_t / Sigma* in the end, of Gaussians fitted by maximum likelihood to m corrected samples alone.

        (1 - 1/m) (1 - q) / (1 - (1 - 1/m) q),    q = kappa^(2k),

    for Ornstein-Uhlenbeck's kernel, which leaves q v + (1 - q) of a variance v: 0 at k = 0 (collapse), 1 - 1/m at
    k = inf. Derived.
    """
    m, kappa, k = floats(m, kappa, k)
    keep, q = 1 - 1 / m, kappa ** (2 * k)
    return keep * (1 - q) / (1 - keep * q)


def predicted_gamma(
    traces: np.ndarray, steps: Sequence[float], *, level: float = LEVEL, resamples: int = 400, seed: int = 0
) -> list[Estimate]:
    """gamma(k) = e^(k / tau) - 1 for each of the ``steps`` k, tau the relaxation time of a function along a kernel.

    ``traces`` [C, T]: the function along C chains that started in p* itself (`correctors.markov.trace`); k and tau in
    links of those. For a single decay it is the strength exactly; of several decays e^(k / tau) promises too much at
    large k, where the slowest is all that is left: see `gamma_at_lags`. The intervals are tau's.

    Raises:
        DataError: traces that are none (`metrics.autocorrelation.relaxation_time`).
    """
    tau = relaxation_time(traces, level=level, resamples=resamples, seed=seed)
    with np.errstate(over="ignore", divide="ignore"):
        return [
            Estimate(
                *(float(np.expm1(k / one)) if k > 0 else 0.0 for one in np.float64([tau.value, tau.high, tau.low]))
            )
            for k in steps
        ]


def gamma_at_lags(
    traces: np.ndarray, lags: Sequence[int], *, level: float = LEVEL, resamples: int = 400, seed: int = 0
) -> list[Estimate]:
    """gamma(k) = 1 / rho_k - 1 for each of the lags k, rho the function's autocorrelation along a kernel at k links.

    Of a small error of the law along f, p = p* (1 + a f), k steps leave rho_k of E f - E* f, whatever decays f is
    made of: the prediction of a measured strength without a single tau, within the length of the traces. Where rho_k
    cannot be told from 0, gamma has no upper limit.

    Raises:
        DataError: traces that are none, or a lag outside them.
    """
    traces = np.asarray(traces, np.float64)
    autocorrelation(traces)
    length = traces.shape[1]
    if not all(0 <= lag < length for lag in lags):
        raise DataError(f"the lags are {list(lags)}; traces of {length} times know lags 0 to {length - 1}")
    rho = np.asarray([autocorrelation(traces, w)[list(lags)] for w in weights(len(traces), resamples, seed)])
    gamma = np.where(rho > 0, 1 / np.where(rho > 0, rho, 1) - 1, np.inf)
    return [estimate(one, level) for one in gamma.T]
