"""Loops without real data after generation 0, of few points a generation, measured once and read by several claims."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.shared.chains import chains
from theory.shared.families import Case, cases, error
from theory.shared.workflows import unbiased

M = 4
"""Points a generation of the families."""
N = 3
"""Points a generation of the Gaussian."""
GENERATIONS = 16
GAMMA = np.array([0.0, 0.5, 1.0])
FAMILIES = ("Bernoulli", "Gaussian, known variance", "exponential")


@cache
def families(seeds: int) -> dict[str, np.ndarray]:
    """s = e_t^2 [gammas, S, T + 1] of three families with v2 = -1, 0, 1, corrected by replacement."""
    table = cases()
    return {
        name: chains(partial(_family, table[name]), GAMMA, seeds, GENERATIONS, partial(_square, table[name]), seed=1)
        for name in FAMILIES
    }


def predicted(name: str, gamma: float) -> np.ndarray:
    """s_t [T + 1] of a family, by the recursion."""
    return np.asarray(recursions.replace(M, M, gamma, cases()[name].v2, GENERATIONS))


@cache
def gaussians(seeds: int) -> dict[str, np.ndarray]:
    """Mean and variance [2, S, T + 1] of a Gaussian without correction: fits by maximum likelihood, and unbiased."""

    def build(key: jax.Array, share: jax.Array) -> Loop:
        real = uniform(jax.random.normal(key, (N, 1), jnp.float64))
        return Loop(unbiased(gaussian(1, jnp.float64), share), policies.replace(), sources.fixed(real), N)

    return chains(
        build,
        np.array([0.0, 1.0]),
        seeds,
        GENERATIONS,
        lambda result: {"mean": result.state.mean[0], "variance": result.state.covariance[0, 0]},
        seed=2,
    )


def _family(case: Case, key: jax.Array, gamma: jax.Array) -> Loop:
    real = sources.fixed(uniform(case.draw(key, M)))
    return Loop(case.model, policies.replace(), real, M, replacement(case.draw, gamma))


def _square(case: Case, result) -> jax.Array:
    return jnp.sum(error(case, result) ** 2)
