"""Stable on average, unstable in the mean square: a threshold on gamma that no Jacobian shows."""

import math
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.exponential import exponential
from selfloop.models.states import MeanState
from selfloop.protocols import Loop
from selfloop.stability import rates, recursions
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared import slips
from theory.shared.chains import chains, half_width

M = 2
GENERATIONS = 3
GAMMA = np.array([0.1, 0.25, 0.75, 1.5])


def growth(gamma: float) -> float:
    """kappa = tau^2 + c / m, by which the mean square error is multiplied every generation."""
    return (1 + gamma) ** -2 + float(recursions.variance_slope(gamma, 1.0)) / M


def threshold() -> float:
    """The gamma of kappa = 1: (1 + gamma)^2 = 1 + (1 + 2 gamma) / m."""
    return -(1 - 1 / M) + math.sqrt((1 - 1 / M) ** 2 + 1 / M)


def draw(key: jax.Array, n: int) -> jax.Array:
    """n points of the exponential law of mean 1."""
    return jax.random.exponential(key, (n, 1), jnp.float64)


def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
    """An exponential law that trains on m of its own samples, from a given mean."""

    def start(key, batch, state):
        return MeanState(setting["start"][None]), {}

    real, corrector = sources.fixed(uniform(draw(key, M))), replacement(draw, setting["gamma"])
    return Loop(exponential(jnp.float64), policies.replace(), real, M, corrector, start)


def falls(gamma: float, t: int) -> float:
    """tau^t, the mean distance after t generations."""
    return (1 + gamma) ** -t


@cache
def measured(seeds: int) -> np.ndarray:
    """The distance [gammas, S, T + 1] of two loops that start at 1 and 2."""
    settings = {"gamma": np.repeat(GAMMA, 2), "start": np.tile([1.0, 2.0], GAMMA.size)}
    means = chains(build, settings, seeds, GENERATIONS, lambda result: result.state.mean[0], seed=5)
    return means[1::2] - means[::2]


def check(effort: Effort) -> Finding:
    """The distance of two loops that start apart and share all random numbers: its mean and its mean square."""
    distance = measured(50 * effort.seeds)
    kappa, t = np.array([growth(gamma) for gamma in GAMMA]), np.arange(GENERATIONS + 1)
    compared = []
    for gamma, k, one in zip(GAMMA, kappa, distance, strict=True):
        compared.append(mean(f"gamma {gamma:g}: mean distance after 3 generations", falls(gamma, 3), one[:, 3]))
        compared.append(mean(f"gamma {gamma:g}: its mean square after 1", k, one[:, 1] ** 2))
        relation = ">=" if gamma < threshold() else "<="
        compared.append(
            mean(f"gamma {gamma:g}: 1 is crossed at gamma {threshold():.3f}", 1.0, one[:, 1] ** 2, relation)
        )
    return Finding(
        hypotheses={
            "the chains have gammas on both sides of the threshold": bool(GAMMA.min() < threshold() < GAMMA.max()),
        },
        comparisons=[
            *compared,
            identity(
                "the recursion has no limit below the threshold, and one above it: share of the gammas",
                1.0,
                np.mean(np.isinf(recursions.replace_limit(M, GAMMA, 1.0)) == (threshold() > GAMMA)),
                0.0,
            ),
            at_most(
                "the Jacobian's spectral radius at all gammas", 1, np.max(np.asarray(rates.exact(np.inf, GAMMA)))
            )._replace(identity=True),
        ],
        control=Control(
            "the coin's variance tau (1 - tau) left out",
            mean("gamma 1.5: mean square after 1", 2.5**-2 + 1 / 2.5 / M, distance[-1][:, 1] ** 2),
        ),
        figure=lines(
            [
                Line(f"gamma {gamma:g}", t, k**t, (one**2).mean(0), half_width(one**2))
                for gamma, k, one in zip(GAMMA, kappa, distance, strict=True)
            ],
            "generation",
            "mean square of the distance",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="mean_square",
    source="derived here (docs/stability.md)",
    statement="Exponential laws under replacement: errors fall by tau on average, but their mean square is multiplied "
    "by tau^2 + c / m, c = v2 tau + tau (1 - tau): below gamma of about v2 / (2 m) it diverges although rho(J) < 1.",
    check=check,
    slips=(
        *slips.SLOPE,
        Slip("tau for tau²", growth, lambda right, gamma: right(gamma) + gamma / (1 + gamma) ** 2),
        Slip("m left out", growth, lambda right, gamma: (1 + gamma) ** -2 + 2 * (right(gamma) - (1 + gamma) ** -2)),
        Slip("tau² for tau in the mean", falls, lambda right, gamma, t: right(gamma, 2 * t)),
        Slip("one generation off in the mean", falls, lambda right, gamma, t: right(gamma, t - 1)),
    ),
)
