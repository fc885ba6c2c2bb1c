"""Data more spread than the family can be: only what the real points contribute grows, by Var_data / V*."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies
from selfloop.batch import Batch, uniform
from selfloop.correctors.idealized import replacement
from selfloop.models import exponential as natural
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared import slips
from theory.shared.chains import chains, half_width, renewed
from theory.shared.families import poisson

N, M = 1, 2
MEAN = 2.0
EXCESS = 2.0
GENERATIONS = 14
SETTLED = 8
GAMMA = np.array([0.0, 1.0, np.inf])
COUNTS = natural.POISSON._replace(draw=poisson)


def counts(key: jax.Array) -> Batch:
    """N real counts, 0 or 4 with equal chance: mean 2, variance 4, where the Poisson law of mean 2 has variance 2."""
    return uniform(4 * jax.random.bernoulli(key, 0.5, (N, 1)).astype(jnp.float64))


def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
    """A Poisson model on them, corrected by the Poisson law of mean 2, the best of its kind."""

    def draw(key: jax.Array, n: int) -> jax.Array:
        return poisson(key, jnp.asarray(MEAN), (n, 1), jnp.float64)

    model, source = natural.natural_family(COUNTS, jnp.float64), renewed(counts, key, setting["new"])
    return Loop(model, policies.augment(M / N), source, M, replacement(draw, setting["gamma"]))


@cache
def measured(seeds: int) -> np.ndarray:
    """e^2 / V* [2 kinds of data x gammas, S, T + 1]."""
    return chains(
        build,
        {"new": np.repeat([False, True], GAMMA.size), "gamma": np.tile(GAMMA, 2)},
        seeds,
        GENERATIONS,
        lambda result: (result.state.mean[0] - MEAN) ** 2 / MEAN,
        seed=16,
    )


def check(effort: Effort) -> Finding:
    """Stationary errors with re-used and with new data, at gamma 0, 1 and infinity."""
    new, gammas = np.repeat([False, True], GAMMA.size), np.tile(GAMMA, 2)
    square = measured(100 * effort.seeds)
    paths = [
        np.asarray((recursions.fresh if one else recursions.reuse)(N, M, gamma, 0.0, GENERATIONS, EXCESS))
        for one, gamma in zip(new, gammas, strict=True)
    ]
    limits = [
        float((recursions.fresh_limit if one else recursions.reuse_limit)(N, M, gamma, 0.0, EXCESS))
        for one, gamma in zip(new, gammas, strict=True)
    ]
    labels = [f"{'new' if one else 're-used'} data, gamma {gamma:g}" for one, gamma in zip(new, gammas, strict=True)]
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "misspecified: one fit's error is Var_data / V* = 2 times 1 / n": bool(
                abs(square[0][:, 0].mean() - EXCESS / N) <= half_width(square[0][:, 0])
            ),
        },
        comparisons=[
            mean(label, limit, one[:, SETTLED:].mean(1))
            for label, limit, one in zip(labels, limits, square, strict=True)
        ]
        + [
            identity(
                "the recursion's mean over the generations measured, over its limit: farthest from 1",
                1.0,
                max(
                    (path[SETTLED:].mean() / one for path, one in zip(paths, limits, strict=True)),
                    key=lambda x: abs(x - 1),
                ),
                0.003,
            )
        ],
        control=Control(
            "the excess for the synthetic points too",
            mean(labels[1], EXCESS * recursions.reuse_limit(N, M, 1.0, 0.0), square[1][:, SETTLED:].mean(1)),
        ),
        figure=lines(
            [
                Line(label, t, path, one.mean(0), half_width(one))
                for label, path, one in zip(labels, paths, square, strict=True)
            ],
            "generation",
            "s = E (mu - mu*)^2 / V*",
        ),
    )


CLAIM = Claim(
    name="stationary_misspecified",
    source="derived here (docs/stability.md)",
    statement="Where the data are not of the family, p* is the member of their mean, and every 1 / n of the recursions "
    "is multiplied by Var_data / V*; what synthetic points add stays. At gamma = infinity the fit pools n real points "
    "and m draws of p*: s = (1 - w)^2 Var_data / (V* n) + w^2 / m.",
    check=check,
    slips=(
        *slips.SLOPE,
        *slips.PIECES,
        Slip(
            "the excess left out",
            recursions.reuse_limit,
            lambda right, n, m, gamma, v2, excess=1.0: right(n, m, gamma, v2),
        ),
        Slip(
            "the excess for the synthetic points too",
            recursions.reuse_limit,
            lambda right, n, m, gamma, v2, excess=1.0: excess * right(n, m, gamma, v2),
        ),
        Slip(
            "the root of the excess",
            recursions.fresh_limit,
            lambda right, n, m, gamma, v2, excess=1.0: right(n, m, gamma, v2, excess**0.5),
        ),
    ),
)
