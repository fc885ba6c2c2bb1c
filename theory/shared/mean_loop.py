"""Chains of the loop for which every constant of the finite-sample theorems is known: a normal mean, variance 1 known.

N real points of N(0, 1), the same in every generation, and floor(lambda N) corrected points of the model. Letters: G
settings, S seeds, T generations; e the mean's error.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Loop, Model
from selfloop.stability import bounds
from theory.shared.chains import chains

N, GENERATIONS, SLOTS = 10, 12, 9
LAM = np.array([0.3, 0.4, 0.6, 0.9, 0.4, 0.4])
GAMMA = np.array([0.0, 0.0, 1.0, 10.0, 1.0, 3.0])
REACH = 2.0
"""Radius of the neighbourhood U of theta* in which Assumption 4 is taken: six standard errors of the first fit."""


def model() -> Model:
    """N(mu, 1), mu unknown."""
    return gaussian_mean(np.eye(1), jnp.float64)


def draw(key: Array, n: int) -> Array:
    """n points of the target."""
    return jax.random.normal(key, (n, 1), jnp.float64)


@cache
def errors(seeds: int) -> np.ndarray:
    """e_t [G, S, T + 1] under the settings LAM, GAMMA."""

    def build(key: Array, setting: dict[str, Array]) -> Loop:
        source = sources.fixed(uniform(draw(key, N)))
        corrector = replacement(draw, setting["gamma"])
        return Loop(model(), policies.augment(setting["lam"]), source, SLOTS, corrector)

    return chains(build, {"lam": LAM, "gamma": GAMMA}, seeds, GENERATIONS, lambda result: result.state.mean[0])


@cache
def errors_without_real(seeds: int) -> np.ndarray:
    """e_t [S, T + 1] of the fully synthetic loop with as many points as the first setting has synthetic ones."""

    def build(key: Array, setting: Array) -> Loop:
        return Loop(model(), policies.replace(), sources.fixed(uniform(draw(key, N))), int(LAM[0] * N))

    return chains(build, np.zeros(1), seeds, GENERATIONS, lambda result: result.state.mean[0])[0]


def steps(delta: float, lam: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """The fluctuation (a / sqrt N) sqrt(log(b / delta)) of each setting; a corrected one mixes laws REACH apart."""
    a, b = bounds.gaussian_mean_constants(1.0, lam, 1, np.where(gamma > 0, REACH, 0.0))
    return np.asarray(bounds.fluctuation(N, a, b, delta))


def hessian_varies() -> float:
    """How much the Hessian in mu of log p differs between x = -50 and x = 50: 0 means L = 0."""

    def curvature(x: Array) -> Array:
        made = model()
        log_prob = lambda mu: made.log_prob(made.init(jax.random.key(0))._replace(mean=mu), x[None, None])[0]  # noqa: E731
        return jax.hessian(log_prob)(jnp.zeros(1))

    low, high = jax.jit(jax.vmap(curvature))(np.array([-50.0, 50.0]))
    return float(abs(low - high).max())
