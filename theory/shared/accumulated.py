"""A Gaussian that keeps all its data, for many generations, in sufficient statistics; read by two claims."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import sources
from selfloop.batch import uniform
from selfloop.correctors.statistics import replacement_statistics
from selfloop.models.states import GaussianState
from selfloop.models.statistics import gaussian_statistics, record, running_total
from selfloop.protocols import Loop
from theory.shared.chains import chains

N = 2
GENERATIONS = 24
GAMMA = np.array([0.0, 0.25, 0.5, 3.0])
SEEDS = 100
"""Chains per seed of an effort: of few points each, where what is of higher order in 1 / n shows."""


@cache
def gaussians(seeds: int) -> dict[str, np.ndarray]:
    """Mean and variance [gammas, S, T + 1] of a one-dimensional Gaussian, N real points and N new ones a generation."""
    target = GaussianState(jnp.zeros(1), jnp.eye(1))

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        real = record(uniform(jax.random.normal(key, (N, 1), jnp.float64)))
        model, corrector = gaussian_statistics(1, N, jnp.float64), replacement_statistics(target, gamma, N)
        return Loop(model, running_total(), sources.fixed(real), 1, corrector)

    return chains(
        build,
        GAMMA,
        seeds,
        GENERATIONS,
        lambda result: {"mean": result.state.mean[0], "variance": result.state.covariance[0, 0]},
        seed=6,
    )
