"""From the error s of a loop to the Wasserstein distance that its fits show."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.statistics import replacement_statistics
from selfloop.metrics.frechet import squared_w2_to_standard_plane
from selfloop.models.states import GaussianState
from selfloop.models.statistics import gaussian_statistics, record
from selfloop.protocols import Generation, Loop
from selfloop.stability import recursions
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N, M, D = 50, 25, 2
GENERATIONS = 12
SETTLED = 6
GAMMA = np.array([0.0, 0.3, 1.0, 5.0])


def w2_squared(result: Generation) -> jax.Array:
    """W2^2 to N(0, I)."""
    return squared_w2_to_standard_plane(result.state.mean, result.state.covariance)


def build(key: jax.Array, gamma: jax.Array) -> Loop:
    """The toy of Gillman et al. at the lambda it states, 0.5, with exact samples."""
    target = GaussianState(jnp.zeros(D), jnp.eye(D))
    real = sources.fixed(record(uniform(jax.random.normal(key, (N, D), jnp.float64))))
    corrector = replacement_statistics(target, gamma, M)
    return Loop(gaussian_statistics(D, M, jnp.float64), policies.augment(1.0), real, 1, corrector)


def widened(comparison: Comparison, remainder: float) -> Comparison:
    """The comparison with room for the remainder of the expansion on both sides."""
    return comparison._replace(low=comparison.low - remainder, high=comparison.high + remainder)


@cache
def measured(seeds: int) -> np.ndarray:
    """W2^2 [gammas, S, T + 1]."""
    return chains(build, GAMMA, seeds, GENERATIONS, w2_squared, seed=15)


def check(effort: Effort) -> Finding:
    """Stationary mean W2^2 of the toy at four gammas, and of one fit; the remainder allowed is (d + 1) s times it."""
    found = measured(20 * effort.seeds)
    s = np.array([float(recursions.reuse_limit(N, M, gamma, -1.0)) for gamma in GAMMA])
    predicted = np.asarray(recursions.gaussian_w2_squared(s, D))
    start = float(recursions.gaussian_w2_squared(1 / N, D))
    late = found[:, :, SETTLED:].mean(2)
    path = [np.asarray(recursions.reuse(N, M, gamma, -1.0, GENERATIONS)) for gamma in GAMMA]
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "s is small: measured W2^2 is below 0.1, so that the remainder allowed is below 8 %": bool(
                late.mean(1).max() < 0.1
            ),
        },
        comparisons=[
            widened(mean("one fit to 50 points", start, found[0, :, 0]), (D + 1) / N * start),
            *(
                widened(mean(f"gamma {gamma:g}", p, one), (D + 1) * each * p)
                for gamma, p, each, one in zip(GAMMA, predicted, s, late, strict=True)
            ),
            *(
                identity(
                    f"gamma {gamma:g}: the recursion from generation 6 on, over its limit",
                    1.0,
                    one[SETTLED:].mean() / end,
                    1e-3,
                )
                for gamma, one, end in zip(GAMMA, path, s, strict=True)
            ),
        ],
        control=Control(
            "d (d + 1) / 2 for d (d + 1) / 4: as if the covariance had all the error of its square root's square",
            widened(mean("gamma 0", s[0] * D * (D + 3) / 2, late[0]), (D + 1) * s[0] * predicted[0]),
        ),
        figure=lines(
            [
                Line(f"gamma {gamma:g}", t, recursions.gaussian_w2_squared(one, D), each.mean(0), half_width(each))
                for gamma, one, each in zip(GAMMA, path, found, strict=True)
            ],
            "generation",
            "E W2^2 to the truth",
        ),
    )


CLAIM = Claim(
    name="w2_readout",
    source="derived here (docs/stability.md)",
    statement="For Gaussian fits near N(mu*, I_d), E W2^2 = s (d + d (d + 1) / 4) to first order in s: 3.5 s in two "
    "dimensions, 0.07 for one fit to 50 points. Measured in the toy of Gillman et al. 2024 with lambda really 0.5.",
    check=check,
    slips=(
        Slip(
            "d (d + 1) / 2 for d (d + 1) / 4",
            recursions.gaussian_w2_squared,
            lambda right, s, d: s * (d + d * (d + 1) / 2),
        ),
        Slip("the mean's part alone", recursions.gaussian_w2_squared, lambda right, s, d: s * d),
        Slip("d / 4 for d (d + 1) / 4", recursions.gaussian_w2_squared, lambda right, s, d: s * (d + d / 4)),
        Slip("fresh data for the same", recursions.reuse_limit, lambda right, *args: recursions.fresh_limit(*args)),
        Slip("a factor 2", recursions.gaussian_w2_squared, scaled(2.0)),
    ),
)
