"""Covariances of a loop's parameters for any smooth model, misspecified or not, to first order in 1 / n.

    e_{t+1} = J e_t + K^-1 (g_real + g_synthetic),    Cov g_real = C / n,    Cov g_synthetic = lam F / n

with K = H + lam F and J of `jacobian`; the gradient of the synthetic points, m = lam n of law p*, is independent anew
every generation. In the basis v of ``F v = m H v`` with ``v^T H v = 1`` both H and F are diagonal and the stationary
equations solve themselves. Letters: P coordinates.
"""

import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular

from selfloop.stability import rates
from selfloop.stability.curvature import Curvature
from selfloop.stability.precision import Number, floats


def stationary_covariance(c: Curvature, lam: Number, gamma: Number, n: Number) -> Array:
    """Cov(theta_t - theta*) [P, P] as t grows, the same n real points every generation.

    G C G / n + V,    G = (H + lam (1 - tau) F)^-1,    V = J V J^T + lam K^-1 F K^-1 / n
    """
    lam, gamma, n = floats(lam, gamma, n)
    m, basis = eigenbasis(c)
    anchored = 1 / (1 + lam * (1 - 1 / (1 + gamma)) * m)
    real = basis.T @ c.C @ basis * anchored[:, None] * anchored[None]
    drawn = lam * m / (1 + lam * m) ** 2 / (1 - rates.exact(lam, gamma, m) ** 2)
    return basis @ (real + jnp.diag(drawn)) @ basis.T / n


def stationary_covariance_fresh(c: Curvature, lam: Number, gamma: Number, n: Number) -> Array:
    """Cov(theta_t - theta*) [P, P] as t grows, n new real points every generation.

    X = J X J^T + K^-1 (C + lam F) K^-1 / n
    """
    lam, gamma, n = floats(lam, gamma, n)
    m, basis = eigenbasis(c)
    k, j = 1 / (1 + lam * m), rates.exact(lam, gamma, m)
    step = (basis.T @ c.C @ basis + lam * jnp.diag(m)) * k[:, None] * k[None]
    return basis @ (step / (1 - j[:, None] * j[None])) @ basis.T / n


def stationary_covariance_replace(c: Curvature, gamma: Number, m: Number) -> Array:
    """Cov(theta_t - theta*) [P, P] as t grows, m synthetic points and nothing else: ``F^-1 / m / (1 - tau^2)``."""
    gamma, m = floats(gamma, m)
    return jnp.linalg.inv(c.F) / m / (1 - 1 / (1 + gamma) ** 2)


def one_fit_covariance(c: Curvature, n: Number) -> Array:
    """``H^-1 C H^-1 / n`` [P, P]: the covariance of one fit to n real points (Huber 1967)."""
    (n,) = floats(n)
    inverse = jnp.linalg.inv(c.H)
    return inverse @ c.C @ inverse / n


def excess_divergence(c: Curvature, covariance: Array) -> Array:
    """``tr(F Cov) / 2``: the expected KL divergence from p* to the model, in nats; the same in all coordinates."""
    return jnp.sum(c.F * covariance) / 2


def eigenbasis(c: Curvature) -> tuple[Array, Array]:
    """m [P], ascending, and V [P, P] with ``V^T H V = I``, ``V^T F V = diag(m)``."""
    root = jnp.linalg.cholesky(c.H)
    half = solve_triangular(root, c.F, lower=True)
    m, vectors = jnp.linalg.eigh(solve_triangular(root, half.T, lower=True))
    return m, solve_triangular(root, vectors, lower=True, trans=1)
