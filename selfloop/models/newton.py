"""Maximum likelihood by Newton's method, in a fixed number of steps that `jit` and `vmap` can run. P parameters."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.models.linalg import solve


def maximise(objective: Callable[[Array], Array], theta: Array, steps: int) -> Array:
    """The theta [P] to which ``steps`` of Levenberg and Marquardt's damped Newton method climb from ``theta``.

        theta <- theta + (H + damping diag |H|)^-1 grad,    H = -(second derivative)

    A step that does not climb is not taken and makes the next one shorter (damping times 10); one that does makes the
    next one longer (damping / 10), so that the end is quadratic. The value never falls by more than rounding.
    Source: Marquardt, SIAM J. Appl. Math. 11 (1963).
    """
    slope = jax.grad(objective)

    def step(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        theta, value, damping = carry
        curvature = -jax.jacfwd(slope)(theta)
        scale = jnp.diag(jnp.abs(jnp.diagonal(curvature)))
        trial = theta + solve(curvature + damping * scale, slope(theta)[:, None])[:, 0]
        reached = objective(trial)
        better = reached >= value - 8 * jnp.finfo(value.dtype).eps * (1 + jnp.abs(value))
        theta, value = jnp.where(better, trial, theta), jnp.where(better, reached, value)
        return (theta, value, damping * jnp.where(better, 0.1, 10).astype(damping.dtype)), None

    start = theta, objective(theta), jnp.full((), 0.01, theta.dtype)
    return jax.lax.scan(step, start, None, steps)[0][0]
