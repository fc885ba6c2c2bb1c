"""The exact Jacobian of a loop's population map at its fixed point, and the norm in which it contracts.

        J = lam tau (H + lam F)^-1 F,    eigenvalues tau lam m / (1 + lam m),    F v = m H v

All are real and in [0, tau): the loop is locally stable for every lam and gamma, wherever H is positive definite. J
is self-adjoint for <u, v>_K, K = H + lam F, so that ||J||_K is its largest eigenvalue: errors shrink at once in that
norm, though the Euclidean ||J|| may exceed 1. The m are the same in all coordinates. Derivation: docs/stability.md.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.linalg import solve_triangular

from selfloop.batch import Batch
from selfloop.protocols import Model
from selfloop.stability import quadrature
from selfloop.stability import rates as rate
from selfloop.stability.curvature import Curvature, columns, coordinates
from selfloop.stability.precision import Number, floats


def jacobian(c: Curvature, lam: Number, gamma: Number) -> Array:
    """``lam tau (H + lam F)^-1 F`` [P, P], lam a scalar; lam = inf where F is invertible."""
    lam, gamma = floats(lam, gamma)
    real, synthetic = 1 / (1 + lam), 1 / (1 + 1 / lam)
    return synthetic / (1 + gamma) * jnp.linalg.solve(real * c.H + synthetic * c.F, c.F)


def spectrum(c: Curvature) -> Array:
    """The m [P] of ``F v = m H v``, ascending; all 1 for data of the model and for exponential families.

    NaN where H is not positive definite: theta* is then no isolated optimum.
    """
    root = jnp.linalg.cholesky(c.H)
    half = solve_triangular(root, c.F, lower=True)
    return jnp.linalg.eigvalsh(solve_triangular(root, half.T, lower=True))


def rates(m: Array, lam: Number, gamma: Number) -> Array:
    """The eigenvalues of J [P] from those of the curvature: ``tau lam m / (1 + lam m)``."""
    return rate.exact(lam, gamma, m)


def k_matrix(c: Curvature, lam: Number) -> Array:
    """``K = H + lam F`` [P, P], whose norm ``sqrt(e^T K e)`` every generation shrinks."""
    (lam,) = floats(lam)
    return c.H + lam * c.F


def k_norm(matrix: Array, k: Array) -> Array:
    """The operator norm of a matrix [P, P] in the norm of K: ``||L^T M L^-T||_2``, K = L L^T."""
    root = jnp.linalg.cholesky(k)
    return jnp.linalg.norm(solve_triangular(root, (root.T @ matrix).T, lower=True).T, 2)


@partial(jax.jit, static_argnums=0)
def autodiff_jacobian(model: Model, star: Any, data: Batch, nodes: Batch, lam: Number, gamma: Number) -> Array:
    """J by differentiating the first-order condition of the loop itself, with neither H nor F: a check of `jacobian`.

        g(theta, theta') = E_data s + lam tau E_{p_theta} s + lam (1 - tau) E_{p*} s = 0,    s the score at theta'

    J = -(dg/dtheta')^-1 dg/dtheta at theta = theta' = theta*.
    """
    chart = coordinates(model, star)
    theta = chart.theta(star)
    lam, gamma = floats(lam, gamma)
    tau = 1 / (1 + gamma)

    def condition(now: Array, after: Array) -> Array:
        def mean_score(law: Batch) -> Array:
            return jax.grad(lambda t: quadrature.expect(law, lambda x: model.log_prob(chart.state(t), x)))(after)

        sampled, target = (mean_score(quadrature.own(model, chart.state(t), nodes)) for t in (now, theta))
        return mean_score(data) + lam * (tau * sampled + (1 - tau) * target)

    by_now = columns(lambda t: condition(t, theta), theta)
    by_after = columns(lambda t: condition(theta, t), theta)
    return -jnp.linalg.solve(by_after, by_now)
