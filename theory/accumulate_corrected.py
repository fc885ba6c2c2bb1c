"""With correction, a loop that keeps all its data forgets its error as a power of the generation."""

import math

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import SIGMAS, Claim, Comparison, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared import slips
from theory.shared.accumulated import GAMMA, GENERATIONS, SEEDS, N, gaussians
from theory.shared.chains import half_width

EARLY = 5


def exponent(gamma: float) -> float:
    """-min(1, 2 gamma / (1 + gamma))."""
    return -min(1.0, 2 * gamma / (1 + gamma))


def slope(s: np.ndarray, early: int, late: int) -> float:
    """d log s / d log t between two generations."""
    return math.log(s[late] / s[early]) / math.log(late / early)


def measured_slope(label: str, predicted: float, squares: np.ndarray) -> Comparison:
    """The slope of the mean squares [S, T + 1], its standard error by the delta method."""
    level = squares.mean(0)
    influence = squares[:, -1] / level[-1] - squares[:, EARLY] / level[EARLY]
    error = influence.std(ddof=1) / math.sqrt(len(squares)) / math.log(GENERATIONS / EARLY)
    found = slope(level, EARLY, GENERATIONS)
    return Comparison(label, "=", predicted, found, found - SIGMAS * error, found + SIGMAS * error)


def check(effort: Effort) -> Finding:
    """Slopes between generations 5 and 24 at three gammas; the recursion's own slope much later."""
    alone, *squares = gaussians(SEEDS * effort.seeds)["mean"] ** 2
    theory = [np.asarray(recursions.accumulate(N, N, gamma, -1.0, 200_000)) for gamma in GAMMA[1:]]
    t = np.arange(GENERATIONS + 1)
    shown = np.unique(np.geomspace(1, GENERATIONS, 16).astype(int))
    return Finding(
        hypotheses={
            "generation 0 is one fit to 2 points: s_0 = 1/2": bool(
                abs(alone[:, 0].mean() - 0.5) <= half_width(alone[:, 0])
            ),
        },
        comparisons=[
            *(
                measured_slope(f"slope, gamma {gamma:g}", slope(s, EARLY, GENERATIONS), one)
                for s, gamma, one in zip(theory, GAMMA[1:], squares, strict=True)
            ),
            *(
                mean(f"s at t = {at}, gamma {gamma:g}", s[at], one[:, at])
                for s, gamma, one in zip(theory, GAMMA[1:], squares, strict=True)
                for at in (1, 5, GENERATIONS)
            ),
            *(
                identity(f"slope of the recursion, t = 20,000 to 200,000, gamma {gamma:g}", exponent(gamma), one, 0.01)
                for s, gamma in zip(theory, GAMMA[1:], strict=True)
                for one in [slope(s, 20_000, 200_000)]
            ),
        ],
        control=Control(
            "with c = 0, as if a synthetic point's variance did not depend on the model's error",
            mean("s at t = 1, gamma 0.25", _flat(0.25), squares[0][:, 1]),
        ),
        figure=lines(
            [
                Line(f"gamma {gamma:g}", t[shown], s[shown], one.mean(0)[shown], half_width(one)[shown])
                for s, gamma, one in zip(theory, GAMMA[1:], squares, strict=True)
            ],
            "generation",
            "s = E |e|^2 / tr Sigma*",
            xscale="log",
            yscale="log",
        ),
    )


def _flat(gamma: float) -> float:
    """s_1 with c = 0: (1 - (1 - tau) / 2)^2 / n + 1 / (4 n)."""
    return ((1 - gamma / (1 + gamma) / 2) ** 2 + 0.25) / N


CLAIM = Claim(
    name="accumulate_corrected",
    source="derived here (docs/stability.md)",
    statement="All data kept and corrected: s_t -> 0 as t^-min(1, 2 gamma / (1 + gamma)), where without correction it "
    "stays at a constant.",
    check=check,
    slips=(
        *slips.SLOPE,
        Slip("one generation off", recursions.accumulate, early),
        Slip("a factor 2", recursions.accumulate, scaled(2.0)),
        Slip(
            "tau² for tau in what the pool keeps",
            recursions.accumulate,
            lambda right, n, m, gamma, *others: right(n, m, 2 * gamma + gamma**2, *others),
        ),
    ),
)
