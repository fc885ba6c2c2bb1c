"""Exact finite-sample recursions of loops over families whose variance is quadratic in the mean.

    s_t = E |mu_t - mu*|^2 / tr V*        the error of generation t in units of one sample's variance

A model is the mean parameter mu of a natural exponential family with Var = v0 + v1 mu + v2 mu^2 (Morris 1982), fitted
by maximum likelihood; correction is replacement with probability gamma / (1 + gamma) by draws of p*. A synthetic point
has expected variance V* (1 + c s_t), because Var(pi_gamma p) = tau V(mu) + (1 - tau) V* + tau (1 - tau) e e^T:

    c = v2 tau + tau (1 - tau),        tau = 1 / (1 + gamma)

v2 is 0 for Poisson and for a Gaussian of known covariance, -1 for Bernoulli and categorical, 1 for exponential,
1 / k for gamma of shape k. A Gaussian of unknown covariance counts as v2 = -1, c = -tau^2, in any dimension: there
E[Sigma_t + e_t e_t^T] = Sigma*, so that E Sigma_t = (1 - s_t) Sigma*.

Every trajectory is an array s [T + 1], T = ``generations``, entry 0 the fit on n real points; m is the actual number
of synthetic points (floor(lam n)). ``excess`` is Var_data / V* where the data are not of the family. All but T may be
traced.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def variance_slope(gamma: Number, v2: Number) -> Array:
    """``c = v2 tau + tau (1 - tau)``: how a synthetic point's variance answers to the model's error."""
    gamma, v2 = floats(gamma, v2)
    tau = 1 / (1 + gamma)
    return v2 * tau + tau * (1 - tau)


@partial(jax.jit, static_argnames="generations")
def reuse(n: Number, m: Number, gamma: Number, v2: Number, generations: int, excess: Number = 1.0) -> Array:
    """n real points, the same every generation, and the newest m synthetic ones (policy `augment`).

        s' = (1 - w)^2 / n + 2 (1 - w) r a + r^2 s + w^2 / m (1 + c s),    a' = (1 - w) / n + r a,    s_0 = a_0 = 1 / n

    a_t is the covariance of the model's error with that of the real points' mean; each 1 / n is multiplied by excess.
    """
    one_fit, w, r, draw, c = _shares(n, m, gamma, v2, excess)

    def step(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        s, a = carry
        s = (1 - w) ** 2 * one_fit + 2 * (1 - w) * r * a + r**2 * s + draw * (1 + c * s)
        return s, (1 - w) * one_fit + r * a

    return _iterate(step, (one_fit, one_fit), generations)[0]


@partial(jax.jit, static_argnames="generations")
def fresh(n: Number, m: Number, gamma: Number, v2: Number, generations: int, excess: Number = 1.0) -> Array:
    """n new real points every generation, and the newest m synthetic ones.

    s' = (1 - w)^2 / n + r^2 s + w^2 / m (1 + c s),    s_0 = 1 / n
    """
    one_fit, w, r, draw, c = _shares(n, m, gamma, v2, excess)
    return _iterate(lambda s: (1 - w) ** 2 * one_fit + r**2 * s + draw * (1 + c * s), one_fit, generations)


@partial(jax.jit, static_argnames="generations")
def replace(n: Number, m: Number, gamma: Number, v2: Number, generations: int, excess: Number = 1.0) -> Array:
    """The newest m synthetic points alone; real data are seen by generation 0 only.

    s' = tau^2 s + (1 + c s) / m,    s_0 = 1 / n
    """
    n, m, gamma, excess = floats(n, m, gamma, excess)
    c = variance_slope(gamma, v2)
    return _iterate(lambda s: s / (1 + gamma) ** 2 + (1 + c * s) / m, excess / n, generations)


@partial(jax.jit, static_argnames="generations")
def accumulate(n: Number, m: Number, gamma: Number, v2: Number, generations: int, excess: Number = 1.0) -> Array:
    """The real points and every synthetic one so far, m new a generation.

    s' = (1 - (1 - tau) c_t)^2 s + c_t^2 / m (1 + c s),    c_t = m / (n + (t + 1) m),    s_0 = 1 / n
    """
    n, m, gamma, excess = floats(n, m, gamma, excess)
    c, shrink = variance_slope(gamma, v2), 1 - 1 / (1 + gamma)

    def step(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        s, total = carry
        share = m / (total + m)
        return (1 - shrink * share) ** 2 * s + share**2 / m * (1 + c * s), total + m

    return _iterate(step, (excess / n, n), generations)[0]


@partial(jax.jit, static_argnames="generations")
def accumulate_subsample(n: Number, gamma: Number, generations: int) -> tuple[Array, Array]:
    """Each fit on n points drawn without replacement from a pool that grows by n a generation (v2 = -1).

    B_t and E_t, the errors of the pool's mean and of the fit's, with N = (t + 1) n and share = n / (N + n):

        E = B + (1 - B) (N - n) / ((N - 1) n),    B_0 = 1 / n
        B' = (1 - share)^2 B + 2 share (1 - share) tau B + share^2 (tau^2 E + (1 - tau^2 E) / n)
    """
    n, gamma = floats(n, gamma)
    tau = 1 / (1 + gamma)

    def fit(pool: Array, total: Array) -> Array:
        return pool + (1 - pool) * (total - n) / ((total - 1) * n)

    def step(carry: tuple[Array, Array]) -> tuple[Array, Array]:
        pool, total = carry
        share, drawn = n / (total + n), tau**2 * fit(pool, total)
        old = (1 - share) ** 2 * pool + 2 * share * (1 - share) * tau * pool
        return old + share**2 * (drawn + (1 - drawn) / n), total + n

    pool, total = _iterate(step, (1 / n, n), generations)
    return pool, fit(pool, total)


def reuse_limit(n: Number, m: Number, gamma: Number, v2: Number, excess: Number = 1.0) -> Array:
    """``(b^2 (1 - r^2) / n + w^2 / m) / (1 - r^2 - c w^2 / m)``, b = (1 - w) / (1 - r); inf where it diverges."""
    one_fit, w, r, draw, c = _shares(n, m, gamma, v2, excess)
    return _ratio(((1 - w) / (1 - r)) ** 2 * (1 - r**2) * one_fit + draw, 1 - r**2 - c * draw)


def fresh_limit(n: Number, m: Number, gamma: Number, v2: Number, excess: Number = 1.0) -> Array:
    """``((1 - w)^2 / n + w^2 / m) / (1 - r^2 - c w^2 / m)``; inf where the mean square diverges."""
    one_fit, w, r, draw, c = _shares(n, m, gamma, v2, excess)
    return _ratio((1 - w) ** 2 * one_fit + draw, 1 - r**2 - c * draw)


def replace_limit(m: Number, gamma: Number, v2: Number) -> Array:
    """``(1 / m) / (1 - tau^2 - c / m)``; inf where the mean square diverges (gamma = 0 with v2 >= 0)."""
    m, gamma = floats(m, gamma)
    return _ratio(1 / m, 1 - 1 / (1 + gamma) ** 2 - variance_slope(gamma, v2) / m)


def accumulate_limit(n: Number, v2: Number) -> Array:
    """The limit of `accumulate` at gamma = 0 and m = n; for gamma > 0 the limit is 0.

        1 + v2 s = prod_{i>=1} (1 + v2 / (n i^2)) = sinh(z) / z,    z = pi sqrt(v2 / n)

    sin in place of sinh for v2 < 0; s = pi^2 / (6 n) for v2 = 0.
    """
    n, v2 = floats(n, v2)
    z = jnp.pi * jnp.sqrt(jnp.where(v2 == 0, 1, jnp.abs(v2)) / n)
    product = jnp.where(v2 > 0, jnp.sinh(z), jnp.sin(z)) / z
    return jnp.where(v2 == 0, jnp.pi**2 / (6 * n), (product - 1) / jnp.where(v2 == 0, 1, v2))


def gaussian_w2_squared(s: Number, d: int) -> Array:
    """``s (d + d (d + 1) / 4)``: E W2^2(fit, N(mu, I_d)) to first order in s, mean and covariance fitted."""
    (s,) = floats(s)
    return s * (d + d * (d + 1) / 4)


def _shares(
    n: Number, m: Number, gamma: Number, v2: Number, excess: Number
) -> tuple[Array, Array, Array, Array, Array]:
    """excess / n, w, r, w^2 / m, c."""
    n, m, gamma, excess = floats(n, m, gamma, excess)
    w = m / (n + m)
    return excess / n, w, w / (1 + gamma), m / (n + m) ** 2, variance_slope(gamma, v2)


def _ratio(top: Array, bottom: Array) -> Array:
    """The fixed point top / bottom of s' = (1 - bottom) s + top, inf where there is none."""
    return jnp.where(bottom > 0, top / jnp.where(bottom > 0, bottom, 1), jnp.inf)


def _iterate(step: Callable, start: Array | tuple[Array, ...], generations: int) -> Array | tuple[Array, ...]:
    """The start and what T steps make of it, stacked [T + 1, ...]."""
    _, path = jax.lax.scan(lambda carry, _: (step(carry), carry), start, length=generations + 1)
    return path


def replace_sizes(n: Number, sizes: Array, gamma: Number, v2: Number) -> Array:
    """`replace` with another number of synthetic points in every generation: s [T + 1] for sizes m_1 .. m_T [T].

    s' = tau^2 s + (1 + c s) / m_t,    s_0 = 1 / n

    At gamma = 0 the error stays bounded where sum 1 / m_t does: sizes must grow faster than t (`policies.growing` with
    a power above 1). Source: superlinear sample growth, arXiv 2505.13947, as recalled; not re-read; exact here.
    """
    n, gamma = floats(n, gamma)
    c, sizes = variance_slope(gamma, v2), floats(sizes)[0]

    def step(s: Array, m: Array) -> tuple[Array, Array]:
        after = s / (1 + gamma) ** 2 + (1 + c * s) / m
        return after, after

    return jnp.concatenate([(1 / n)[None], jax.lax.scan(step, 1 / n, sizes)[1]])
