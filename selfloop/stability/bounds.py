"""Bounds on the error of a finite-sample loop after t generations, every constant explicit.

Their shape: a step's sampling error (`fluctuation`), summed geometrically at the loop's rate, plus what is left of the
first model's error. Sources: Gillman et al., ICML 2024, Theorem 4.3; Bertrand et al., ICLR 2024, Theorem 2. Rates
come from `rates`; t is a number or an array, n the real points.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def fluctuation(n: Number, a: Number, b: Number, delta: Number, eps_opt: Number = 0.0) -> Array:
    """``eps_opt + a / sqrt(n) sqrt(log(b / delta))``: a step's error, exceeded with probability delta at most.

    a, b, eps_opt are those of the papers' Assumption 4, uniform over a neighbourhood of theta*.
    """
    n, a, b, delta, eps_opt = floats(n, a, b, delta, eps_opt)
    return eps_opt + a * jnp.sqrt(jnp.log(b / delta) / n)


def geometric(rate: Number, t: Number) -> Array:
    """``sum_{i=0}^{t} rate^i``, t + 1 terms; inf for an infinite rate."""
    rate, t = floats(rate, t)
    near_one = jnp.abs(1 - rate) < 1e-12
    series = -jnp.expm1((t + 1) * jnp.log(rate)) / jnp.where(near_one, 1, 1 - rate)
    return _beyond(rate, t, jnp.where(t == 0, 1, jnp.where(near_one, t + 1, series)))


def gillman_bound(t: Number, rate: Number, step: Number, start: Number) -> Array:
    """Theorem 4.3: ``|theta_t - theta*| <= step sum_{i=0}^{t} rate^i + rate^t start`` with probability (1 - delta)^t.

    Args:
        t: The generation, 0 or more.
        rate: rho / (1 + gamma) of the theorem, `rates.gillman`; a sharper valid rate may stand in its place.
        step: `fluctuation` at delta.
        start: ``|theta_0 - theta*|``.
    """
    t, rate, step, start = floats(t, rate, step, start)
    return _beyond(rate, t, step * geometric(rate, t) + _left(rate, t) * start)


def contraction_bound(t: Number, rate: Number, step: Number, start: Number) -> Array:
    """``step sum_{i=0}^{t-1} rate^i + rate^t start``: t steps make t errors, not t + 1.

    With the exact rate, in the norm of K = H + lam F (`jacobian.k_matrix`), this needs no bound on lam.
    """
    t, rate, step, start = floats(t, rate, step, start)
    steps = jnp.where(t == 0, 0, step * geometric(rate, jnp.maximum(t - 1, 0)))
    return _beyond(rate, t, steps + _left(rate, t) * start)


def bertrand_bound(
    t: Number, rate: Number, n: Number, a: Number, b: Number, delta: Number, start: Number, eps_opt: Number = 0.0
) -> Array:
    """Theorem 2 of Bertrand et al.: `gillman_bound` with ``log(b t / delta)``, for all t at once.

    A union bound: it holds with probability 1 - delta where `gillman_bound` has (1 - delta)^t.
    """
    t, b = floats(t, b)
    return gillman_bound(t, rate, fluctuation(n, a, b * jnp.maximum(t, 1), delta, eps_opt), start)


def coverage(delta: Number, t: Number) -> Array:
    """``(1 - delta)^t``, the probability with which Theorem 4.3 holds at generation t.

    Generations share their real points, yet the power stands: given those points the steps are independent, and
    E P(X)^t >= (E P(X))^t by Jensen.
    """
    delta, t = floats(delta, t)
    return (1 - delta) ** t


def gaussian_mean_constants(sigma: Number, lam: Number, d: int, spread: Number = 0.0) -> tuple[Array, Array]:
    """a and b of `fluctuation` for the mean of N(mu, sigma^2 I_d), sigma known, MLE on n real and lam n other points.

    The step's error is sub-Gaussian with parameter s^2 / (n (1 + lam)) in every direction, where
    ``s^2 = sigma^2 + w spread^2 / 4``, w = lam / (1 + lam), and ``spread`` is the largest ``|mu - mu*|`` in the
    neighbourhood where a corrector with gamma > 0 mixes two laws (Hoeffding), 0 for gamma = 0. Then

        d = 1:   a = s sqrt(2 / (1 + lam)),   b = 2
        d > 1:   a = 2 s / sqrt(1 + lam),     b = 2^(d / 2)      (Markov on exp(|Z|^2 / 4 Var))
    """
    sigma, lam, spread = floats(sigma, lam, spread)
    s = jnp.sqrt(sigma**2 + lam / (1 + lam) * spread**2 / 4)
    a, b = (jnp.sqrt(2 / (1 + lam)), 2.0) if d == 1 else (2 / jnp.sqrt(1 + lam), 2.0 ** (d / 2))
    return s * a, *floats(b)


def _left(rate: Array, t: Array) -> Array:
    """rate^t, 1 at t = 0 whatever the rate."""
    return jnp.where(t == 0, 1, rate**t)


def _beyond(rate: Array, t: Array, bound: Array) -> Array:
    """The bound, inf where an infinite rate has acted."""
    return jnp.where(jnp.isinf(rate) & (t > 0), jnp.inf, bound)
