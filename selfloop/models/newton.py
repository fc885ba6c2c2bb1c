"""Maximum likelihood by Newton's method, in a fixed number of steps that `jit` and `vmap` can run. P parameters."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.models.linalg import root, solve_root


def maximise(objective: Callable[[Array], Array], theta: Array, steps: int) -> Array:
    """The theta [P] to which ``steps`` of Levenberg and Marquardt's damped Newton method climb from ``theta``.

        theta <- theta + (H + damping D)^-1 gradient,    H = -(second derivative),    D_ii = sum_j |H_ij|

    A step is taken where H + damping D is positive definite (at damping 2 at the latest) and the step climbs; then the
    damping falls to a quarter, so that the end is all but quadratic, else it rises fourfold. The value never falls by
    more than rounding. Source: Marquardt, SIAM J. Appl. Math. 11 (1963).
    """

    def twice(theta: Array) -> tuple[Array, Array]:
        slope = jax.grad(objective)(theta)
        return slope, slope

    def step(carry: tuple[Array, Array, Array], _: None) -> tuple[tuple[Array, Array, Array], None]:
        theta, value, damping = carry
        bend, slope = jax.jacfwd(twice, has_aux=True)(theta)
        lower = root(damping * jnp.diag(jnp.sum(jnp.abs(bend), 1)) - bend)
        trial = theta + solve_root(lower, slope[:, None])[:, 0]
        reached = objective(trial)
        climbs = reached >= value - 8 * jnp.finfo(value.dtype).eps * (1 + jnp.abs(value))
        better = climbs & jnp.all(jnp.diagonal(lower) > 0)
        theta, value = jnp.where(better, trial, theta), jnp.where(better, reached, value)
        return (theta, value, damping * jnp.where(better, 0.25, 4).astype(damping.dtype)), None

    start = theta, objective(theta), jnp.full((), 0.01, theta.dtype)
    return jax.lax.scan(step, start, None, steps)[0][0]
