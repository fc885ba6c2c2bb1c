"""Linear regressions whose design every generation labels anew, measured once and read by two claims."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import Batch
from selfloop.correctors.labels import shrink_labels
from selfloop.models.regression import labelled, regression
from selfloop.protocols import Loop
from theory.shared.chains import chains

D = 3
ROWS = 10
NOISE = 1.0
GENERATIONS = 10
GAMMA = np.array([0.0, 0.5, 1.0])
TRUTH = np.array([1.0, -0.5, 2.0])


def real_rows(key: jax.Array, rule: np.ndarray = TRUTH) -> Batch:
    """A normal design [ROWS, D] with labels by a rule."""
    of_design, of_noise = jax.random.split(key)
    design = jax.random.normal(of_design, (ROWS, D), jnp.float64)
    return labelled(design, design @ rule + NOISE * jax.random.normal(of_noise, (ROWS,), jnp.float64))


def squared_error(result) -> jax.Array:
    """|w - w*|^2, the test error without noise."""
    return jnp.sum((result.state.weights - TRUTH) ** 2)


def errors(build: Callable[..., Loop], settings, seeds: int) -> np.ndarray:
    """Squared errors [G, S, T + 1]."""
    return chains(build, settings, seeds, GENERATIONS, squared_error, seed=9)


@cache
def replaced(seeds: int) -> np.ndarray:
    """Squared errors [gammas, S, T + 1]: labels of the last model alone, pulled to the truth."""

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        model, real = regression(D, NOISE, jnp.float64), sources.fixed(real_rows(key))
        return Loop(model, policies.replace(), real, ROWS, shrink_labels(TRUTH, gamma))

    return errors(build, GAMMA, seeds)


@cache
def accumulated(seeds: int) -> np.ndarray:
    """Squared errors [S, T + 1]: the real labels and those of all models so far."""

    def build(key: jax.Array, setting: jax.Array) -> Loop:
        model, real = regression(D, NOISE, jnp.float64), sources.fixed(real_rows(key))
        return Loop(model, policies.accumulate(), real, ROWS)

    return errors(build, np.zeros(1), seeds)[0]
