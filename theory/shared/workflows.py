"""One Gaussian through five workflows, measured once and read by several claims.

A Gaussian of unknown mean and covariance in two dimensions, N real and N synthetic points a generation, corrected by
replacement; states are measured in the coordinates in which the target is N(0, I).
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies
from selfloop.batch import Batch, uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Generation, Loop, Model
from selfloop.stability import recursions
from theory.shared.chains import chains, renewed

N = 5
GAMMA = np.array([0.0, 0.5])
GENERATIONS = 10
MEAN = np.array([1.0, -2.0])
ROOT = np.array([[1.5, 0.0], [0.6, 0.4]])
WORKFLOWS = ("fresh", "reuse", "accumulate", "accumulate-subsample", "replace")
"""In the order of their errors."""


def draw(key: jax.Array, n: int) -> jax.Array:
    """n points of the target law N(MEAN, ROOT ROOT^T)."""
    return MEAN[None] + jax.random.normal(key, (n, 2), jnp.float64) @ ROOT.T


@cache
def workflows(seeds: int) -> dict[str, dict[str, np.ndarray]]:
    """The measures [2 gammas, S, T + 1, ...] of all workflows, on the same random numbers."""
    both = _run(policies.augment(1.0), seeds, new=(True, False))
    others = {
        "accumulate": policies.accumulate(),
        "accumulate-subsample": policies.accumulate_subsample(),
        "replace": policies.replace(),
    }
    return {
        "fresh": {name: one[: GAMMA.size] for name, one in both.items()},
        "reuse": {name: one[GAMMA.size :] for name, one in both.items()},
        **{name: _run(policy, seeds, new=(False,)) for name, policy in others.items()},
    }


def _run(policy: policies.Policy, seeds: int, *, new: tuple[bool, ...]) -> dict[str, np.ndarray]:
    """The measures of one policy with re-used or new real data, for each of the gammas."""

    def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
        source = renewed(lambda key: uniform(draw(key, N)), key, setting["new"])
        corrector = replacement(draw, setting["gamma"])
        return Loop(gaussian(2, jnp.float64), policy, source, N, corrector)

    settings = {"new": np.repeat(new, GAMMA.size), "gamma": np.tile(GAMMA, len(new))}
    return chains(build, settings, seeds, GENERATIONS, measured)


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
