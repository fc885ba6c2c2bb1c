"""One Gaussian through five workflows, measured once and read by several claims.

A Gaussian of unknown mean and covariance in two dimensions, N real and N synthetic points a generation, corrected by
replacement; states are measured in the coordinates in which the target is N(0, I).
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.correctors.idealized import replacement
from selfloop.loop import Generation, Loop, Model
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.stability import recursions
from theory.chains import chains

N = 10
GAMMA = np.array([0.0, 0.5])
GENERATIONS = 20
MEAN = jnp.array([1.0, -2.0])
ROOT = jnp.array([[1.5, 0.0], [0.6, 0.4]])
POLICIES = {
    "fresh": lambda: policies.augment(1.0),
    "reuse": lambda: policies.augment(1.0),
    "accumulate": policies.accumulate,
    "accumulate-subsample": policies.accumulate_subsample,
    "replace": policies.replace,
}


def draw(key: jax.Array, n: int) -> jax.Array:
    """n points of the target law N(MEAN, ROOT ROOT^T)."""
    return MEAN + jax.random.normal(key, (n, 2), jnp.float64) @ ROOT.T


def _workflow(name: str, seeds: int) -> dict[str, np.ndarray]:
    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        source = sources.fixed(uniform(draw(key, N)))
        if name == "fresh":
            source = sources.fresh(lambda key: uniform(draw(key, N)))
        corrector = replacement(draw, gamma)
        return Loop(gaussian(2, jnp.float64), POLICIES[name](), source, N, corrector, capacity=N * GENERATIONS)

    return chains(build, GAMMA, seeds, GENERATIONS, measured)


@cache
def workflows(seeds: int) -> dict[str, dict[str, np.ndarray]]:
    """The measures [2 gammas, S, T + 1, ...] of all workflows, on the same random numbers."""
    return {name: _workflow(name, seeds) for name in POLICIES}


def measured(result: Generation) -> dict[str, jax.Array]:
    """s = |e|^2 / d, the covariance's trace / d, and the three entries of Sigma + e e^T."""
    whiten = jnp.array([[1 / ROOT[0, 0], 0.0], [-ROOT[1, 0] / (ROOT[0, 0] * ROOT[1, 1]), 1 / ROOT[1, 1]]])
    error = whiten @ (result.state.mean - MEAN)
    covariance = whiten @ result.state.covariance @ whiten.T
    second = covariance + error[:, None] * error[None]
    return {
        "error": jnp.sum(error**2) / 2,
        "trace": jnp.trace(covariance) / 2,
        "second": second[jnp.tril_indices(2)],
    }


def predicted(name: str, gamma: float, generations: int = GENERATIONS) -> np.ndarray:
    """s_t [T + 1] of a workflow, by the recursions of `selfloop.stability`."""
    if name == "accumulate-subsample":
        return np.asarray(recursions.accumulate_subsample(N, gamma, generations)[1])
    return np.asarray(getattr(recursions, name)(N, N, gamma, -1.0, generations))


def unbiased(model: Model, correction: jax.Array | float = 1.0) -> Model:
    """A Gaussian model whose covariance divides by the sum of weights less ``correction``: 1 is Bessel's."""

    def fit(key: jax.Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
        fitted, info = model.fit(key, batch, state)
        count = jnp.sum(batch.weight)
        return fitted._replace(covariance=fitted.covariance * count / (count - correction)), info

    return model._replace(fit=fit)
