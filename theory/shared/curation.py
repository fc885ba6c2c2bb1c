"""Five symbols with rewards, and the loop of populations that curates them: shared by the two claims on curation."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.correctors.curation import curation_by_weights
from selfloop.models.discrete import DiscreteState, discrete
from selfloop.stability import quadrature
from theory.shared.population import population, trajectory

REWARD = np.array([0.0, 0.3, 0.5, 1.0, 1.0])
START = np.array([0.3, 0.3, 0.2, 0.15, 0.05])


def reward(x: jax.Array) -> jax.Array:
    """The rewards [N] of symbols [N]."""
    return jnp.asarray(REWARD)[x]


def path(choices: float, lam: np.ndarray, generations: int) -> np.ndarray:
    """p_t [G, T + 1, 5] from START, K-choice curation, lam [G] curated samples per real one (inf: no real data)."""
    model, nodes = discrete(5, jnp.float64), quadrature.symbols(5)
    data = Batch(nodes.x, jnp.asarray(START))

    def one(lam: jax.Array) -> jax.Array:
        loop = population(model, nodes, data, lam, curation_by_weights(reward, choices))
        return trajectory(loop, DiscreteState(jnp.asarray(START)), generations, lambda state: state.probs)

    return np.asarray(jax.jit(jax.vmap(one))(np.asarray(lam, float)))


def gain(p: np.ndarray) -> np.ndarray:
    """E e^r."""
    return p @ np.exp(REWARD)


def spread(p: np.ndarray) -> np.ndarray:
    """Var e^r."""
    return p @ np.exp(2 * REWARD) - gain(p) ** 2
