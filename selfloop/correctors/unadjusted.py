"""Ablations of Langevin correction: without its Metropolis step (it heats), and without its noise (it minimises).

Both know the gradient of the law's log density, as `markov` does, and neither leaves the law invariant.
Letters: N samples, k steps, h step size.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, finite_rows
from selfloop.correctors.fallback import fallback
from selfloop.correctors.markov import LogDensity, at, check, drift, normal, push, scales
from selfloop.correctors.strength import report
from selfloop.protocols import Corrector


def unadjusted_langevin(
    log_density: LogDensity, steps: Array | int, step_size: Array | float, scale: Any = None
) -> Corrector:
    """k steps x -> x + h^2/2 s^2 grad log p*(x) + h s xi, xi ~ N(0, I), all of them taken.

    The Euler-Maruyama scheme of the Langevin diffusion. Where p* = N(0, 1) and s = 1, one step turns a variance v into
    (1 - h^2/2)^2 v + h^2: samples of p* are hotter after one step (1 + h^4/4), and settle at 1 / (1 - h^2/4).
    ``scale`` is that of `markov.hmc`. Raises ConfigError for k < 0 or h not above 0.
    """
    return _follow(log_density, steps, step_size, scale, noise=1.0)


def minimisation(log_density: LogDensity, steps: Array | int, step_size: Array | float, scale: Any = None) -> Corrector:
    """k steps x -> x + h^2/2 s^2 grad log p*(x): steepest descent of the energy -log p*, to the nearest mode.

    The support of a law without its spread: of N(0, 1) the variance falls by (1 - h^2/2)^2 a step, so that the
    effective gamma is below 0 in every space that sees spread. Raises ConfigError for k < 0 or h not above 0.
    """
    return _follow(log_density, steps, step_size, scale, noise=0.0)


def _follow(log_density: LogDensity, steps: Any, step_size: Any, scale: Any, noise: float) -> Corrector:
    check(steps, step_size)

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        dtype, n = batch.weight.dtype, batch.capacity
        h, lengths = jnp.full(n, jnp.asarray(step_size, dtype)), scales(scale, batch.x)

        def step(i: Array, x: Any) -> Any:
            chance = jax.tree.map(lambda leaf: noise * leaf, normal(jax.random.fold_in(key, i), x))
            half = drift(at(log_density, x), lengths, h / 2)
            return push(x, jax.tree.map(jnp.add, half, chance), lengths, h)

        x = jax.lax.fori_loop(0, steps, step, batch.x)
        start = at(log_density, batch.x)
        work = {"work": jnp.full(n, jnp.asarray(steps, dtype))}
        return batch._replace(x=x), report(batch, x) | work | {"failed": ~finite_rows((start.value, start.slope), n)}

    return correct
