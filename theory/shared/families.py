"""Six families through the augmented loop, measured once and read by several claims.

All are corrected by replacement with draws of the truth. What is measured is the error of the mean parameter in units
of one sample's standard deviation, e_t = (mu_t - mu*) / sqrt(tr V*), so that s_t = E |e_t|^2.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies
from selfloop.batch import Batch, uniform
from selfloop.correctors.idealized import replacement
from selfloop.models import exponential as natural
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Generation, Loop, Model
from theory.shared.chains import chains, renewed

RATIO = 2
"""lambda: synthetic points per real one."""
NEW = np.array([False, False, True, True])
"""Whether real points are new in every generation, or the same."""
GAMMA = np.array([0.0, 1.0, 0.0, 1.0])
GENERATIONS = 15
SETTLED = 9
"""The generation from which all settings are stationary."""


class Case(NamedTuple):
    """A family and its truth."""

    model: Model
    draw: Callable[[jax.Array, int], jax.Array]
    """``draw(key, n)``: n points of the truth."""
    mean: jax.Array
    """mu* [k]."""
    variance: float
    """tr V*."""
    v2: float
    n: int
    """Real points: few, so that what c adds, of order 1 / n, is seen."""

    @property
    def m(self) -> int:
        """Synthetic points."""
        return RATIO * self.n


def one_mean(family: natural.Family, mean: float, n: int = 1) -> Case:
    """A family on the line."""

    def draw(key: jax.Array, n: int) -> jax.Array:
        return family.draw(key, jnp.asarray(mean), (n, 1), jnp.float64)

    model = natural.natural_family(family, jnp.float64)
    return Case(model, draw, jnp.full(1, mean), float(family.variance(mean)), family.v2, n)


def standard_normal(model: Model, d: int, v2: float, n: int) -> Case:
    """A model of Gaussians whose truth is N(0, I_d)."""

    def draw(key: jax.Array, n: int) -> jax.Array:
        return jax.random.normal(key, (n, d), jnp.float64)

    return Case(model, draw, jnp.zeros(d), float(d), v2, n)


def poisson(key: jax.Array, mean: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
    """Poisson counts below 48 by inversion: one pass where JAX's own draw loops until the slowest chain is done.

    At the means that these loops reach, a count of 48 or more has a probability far below 1e-16.
    """
    count = jnp.arange(48, dtype=dtype)
    below = jnp.cumsum(jnp.exp(jax.scipy.special.xlogy(count, mean) - mean - jax.lax.lgamma(count + 1)))
    return jnp.searchsorted(below, jax.random.uniform(key, shape, dtype), side="right").astype(dtype)


def cases() -> dict[str, Case]:
    """The families by name."""
    return {
        "Gaussian, known variance": standard_normal(natural.gaussian_mean(np.eye(1), jnp.float64), 1, 0.0, 1),
        "Gaussian, d = 1": standard_normal(gaussian(1, jnp.float64), 1, -1.0, 3),
        "Gaussian, d = 2": standard_normal(gaussian(2, jnp.float64), 2, -1.0, 4),
        "Poisson": one_mean(natural.POISSON._replace(draw=poisson), 1.0),
        "Bernoulli": one_mean(natural.BERNOULLI, 0.3),
        "exponential": one_mean(natural.EXPONENTIAL, 1.0, 3),
    }


@cache
def augmented(seeds: int) -> dict[str, np.ndarray]:
    """e_t [settings, S, T + 1, k] of each family in the loop of n real and the newest m synthetic points.

    S is ``seeds`` where n is 1, and a quarter of it for families that need more points and take longer.
    """
    settings = {"new": NEW, "gamma": GAMMA}
    return {
        name: chains(
            partial(_augmented, case),
            settings,
            seeds if case.n == 1 else seeds // 4,
            GENERATIONS,
            partial(error, case),
        )
        for name, case in cases().items()
    }


def _augmented(case: Case, key: jax.Array, setting: Any) -> Loop:
    source = renewed(partial(points, case), key, setting["new"])
    return Loop(case.model, policies.augment(float(RATIO)), source, case.m, replacement(case.draw, setting["gamma"]))


def points(case: Case, key: jax.Array) -> Batch:
    """n real points."""
    return uniform(case.draw(key, case.n))


def error(case: Case, result: Generation) -> jax.Array:
    """e_t [k]."""
    return (result.state.mean - case.mean) / math.sqrt(case.variance)
