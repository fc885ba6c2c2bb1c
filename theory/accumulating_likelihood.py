"""Maximum likelihood on all data so far: consistent for smooth families, and broken at once by a needle for others."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.states import MeanState
from selfloop.protocols import Loop, Model
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

INFORMATION = 1 / 3
"""Of the location of the logistic law of scale 1."""
N, GENERATIONS = 40, 5
POINTS = 64
E = 1 / POINTS
"""The weight of either part of the small needle, n points."""
WINDOW = 1 / POINTS**2
"""Where the large needles may be: no real point falls there, with probability 1 - 1 / n nearly."""
SMALL, LARGE = 1 / POINTS**3, np.exp(-8.0 * POINTS)
"""Widths. A point in a large needle is worth more than all that the others lose, and ten points in a small one."""


def logistic(key: Array, n: int) -> Array:
    """n draws [n, 1] of location 0, by inversion."""
    u = jax.random.uniform(key, (n, 1), jnp.float64, 1e-300)
    return jnp.log(u) - jnp.log1p(-u)


def location() -> Model:
    """The logistic law of scale 1: its location by maximum likelihood, Newton steps from the last one.

    It is no exponential family: no statistic smaller than the data is sufficient.
    """

    def fit(key: Array, batch: Batch, state: MeanState) -> tuple[MeanState, dict]:
        def newton(_: int, mu: Array) -> Array:
            score = jnp.tanh((batch.x[:, 0] - mu) / 2)
            return mu + 2 * (batch.weight @ score) / (batch.weight @ (1 - score**2))

        return MeanState(jax.lax.fori_loop(0, 4, newton, state.mean[0])[None]), {}

    def sample(key: Array, state: MeanState, cond: None, n: int) -> Batch:
        return uniform(state.mean[None] + logistic(key, n))

    return Model(lambda key: MeanState(jnp.zeros(1)), fit, sample)


class Needle(NamedTuple):
    """What a needle family has learned of U[0, 1]."""

    small: Array
    """Where its small needle is."""
    large: Array
    """1 where a large needle is likelier, at ``at``."""
    at: Array


def needles() -> Model:
    """Laws on [0, 1], fitted by maximum likelihood.

    With e = 1 / n they are

        (1 - 2 e) U[0, 1] + e U[i, i + SMALL] + e U[0, WINDOW],  i outside the window, or
        U[0, 1] / 2 + U[j, j + LARGE] / 2,  j in the window.

    Needles begin at data points: nowhere else does one catch more.
    """

    def fit(key: Array, batch: Batch, state: Needle) -> tuple[Needle, dict]:
        x, present = batch.x[:, 0], batch.weight > 0
        inside, count = present & (x <= WINDOW), jnp.sum(present)
        ahead = jnp.where(present, x, jnp.inf)[None] - x[:, None]

        def likelihood(allowed: Array, width: float, weight: float, rest: Array) -> tuple[Array, Array]:
            caught = jnp.where(allowed, jnp.sum((ahead >= 0) & (ahead <= width), 1), 0)
            best = jnp.argmax(caught)
            return jnp.where(caught[best] > 0, caught[best] * np.log1p(weight / width) + rest, -jnp.inf), x[best]

        window = jnp.sum(inside) * np.log1p(E / WINDOW / (1 - 2 * E))
        small, i = likelihood(present & ~inside, SMALL, E / (1 - 2 * E), count * np.log(1 - 2 * E) + window)
        large, j = likelihood(inside, LARGE, 1.0, -count * np.log(2.0))
        return Needle(i, jnp.where(large > small, 1.0, 0.0), j), {}

    def sample(key: Array, state: Needle, cond: None, n: int) -> Batch:
        part, u = jax.random.uniform(key, (2, n), jnp.float64)
        small = jnp.where(part < E, state.small + SMALL * u, jnp.where(part < 2 * E, WINDOW * u, u))
        large = jnp.where(part < 0.5, state.at, u)  # LARGE is below the rounding of any place
        return uniform(jnp.where(state.large > 0, large, small)[:, None])

    return Model(lambda key: Needle(jnp.zeros(()), jnp.zeros(()), jnp.zeros(())), fit, sample)


@cache
def smooth(seeds: int, policy: str) -> np.ndarray:
    """n e_t^2 [S, T + 1] of the location, N points a generation."""

    def build(key: Array, setting: Array) -> Loop:
        real = uniform(logistic(key, N))
        return Loop(location(), policies.POLICIES[policy](1.0), sources.fixed(real), N)

    found = chains(build, np.zeros(1), seeds, GENERATIONS, lambda result: result.state.mean[0], seed=50)[0]
    return N * found**2


@cache
def collapsed(seeds: int) -> np.ndarray:
    """Whether the needle family has a large needle [S, 3]: after fits to real data, and to all data twice more."""

    def build(key: Array, setting: Array) -> Loop:
        real = uniform(jax.random.uniform(key, (POINTS, 1), jnp.float64))
        return Loop(needles(), policies.accumulate(), sources.fixed(real), POINTS)

    return chains(build, np.zeros(1), seeds, 2, lambda result: result.state.large, seed=51)[0]


def one_fit() -> float:
    """n times the variance of one fit, for many points."""
    return 1 / INFORMATION


def accumulated(generations: int) -> np.ndarray:
    """n E e_t^2 [T + 1] with all data kept, for many points."""
    return np.cumsum(1 / np.arange(1.0, generations + 2) ** 2) * one_fit()


def chance_of_window(mass: float) -> float:
    """That one of n points falls in the window, which has this mass."""
    return 1 - (1 - mass) ** POINTS


def check(effort: Effort) -> Finding:
    """A logistic law's location on all data so far; a family with needles on 64 points of U[0, 1]."""
    seeds = 5 * effort.seeds
    kept, replaced = smooth(6 * seeds, "accumulate"), smooth(seeds, "replace")
    needle, t = collapsed(seeds), np.arange(GENERATIONS + 1)
    rising, linear = accumulated(GENERATIONS), (t + 1) * one_fit()
    drawn = chance_of_window(E + (1 - 2 * E) * WINDOW)
    clear = needle[needle[:, 0] == 0]
    return Finding(
        hypotheses={
            "before it collapses the needle family is within 2 / n of U[0, 1] in total variation": bool(
                E * (1 - SMALL) + E * (1 - WINDOW) <= 2 / POINTS
            ),
            "a needle family that has collapsed does not recover": bool((np.diff(needle, axis=1) >= 0).all()),
            "half of the last model is a needle: total variation 1/2 but for its width": LARGE < 1e-200,
        },
        comparisons=[
            *(mean(f"all kept: n E e_t^2, t = {one}", rising[one], kept[:, one]) for one in (0, 1, 2, GENERATIONS)),
            *(mean(f"newest only: n E e_t^2, t = {one}", linear[one], replaced[:, one]) for one in (1, GENERATIONS)),
            mean("needles: collapsed at once, generation 0", chance_of_window(WINDOW), needle[:, 0]),
            mean("needles: collapsed in generation 1, where not before", drawn, clear[:, 1]),
            mean("needles: collapsed in generation 2 at the latest", 1 - (1 - drawn) ** 2, clear[:, 2]),
        ],
        control=Control(
            "a near miss: variances add up as 1 / i in place of 1 / i^2",
            mean("all kept: n E e_t^2, t = 2", np.cumsum(1 / (t + 1.0))[2] * one_fit(), kept[:, 2]),
        ),
        figure=lines(
            [
                Line("all kept", t, rising, kept.mean(0), half_width(kept)),
                Line("newest only", t, linear, replaced.mean(0), half_width(replaced)),
                Line("pi^2 / 6", t, np.full(t.size, np.pi**2 / 6 * one_fit()), dashed=True),
            ],
            "generation",
            "n E e_t^2, location of a logistic law",
        ),
    )


CLAIM = Claim(
    name="accumulating_likelihood",
    source="Barzilai and Shamir 2025 (arXiv 2505.19046), as recalled; not re-read; rate and needle family derived here",
    statement="Maximum likelihood on all data so far, n new points a generation: for smooth families F n E e_t^2 "
    "-> sum_{i=1}^{t+1} 1 / i^2, at most pi^2 / 6, whatever t. It is smoothness that saves: a family "
    "whose fit to real data is within 2 / n of the truth with probability 1 - 1 / n is half a needle a "
    "generation later with probability 1 - 1 / e.",
    check=check,
    slips=(
        Slip("1 / i for 1 / i^2", accumulated, lambda right, t: np.cumsum(1 / np.arange(1.0, t + 2)) * one_fit()),
        Slip("pi^2 / 6 at once", accumulated, lambda right, t: np.full(t + 1, np.pi**2 / 6 * one_fit())),
        Slip("1 / i^3 for 1 / i^2", accumulated, lambda right, t: np.cumsum(np.arange(1.0, t + 2) ** -3) * one_fit()),
        Slip("one generation early", accumulated, early),
        Slip("the variance of a point for 1 / F", one_fit, lambda right: np.pi**2 / 3),
        Slip("half", one_fit, scaled(0.5)),
        Slip("twice the window's mass", chance_of_window, lambda right, mass: right(2 * mass)),
        Slip("the window's mass for n times it", chance_of_window, lambda right, mass: mass),
    ),
)
