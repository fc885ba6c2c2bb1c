"""With correction, a loop that keeps all its data forgets its error as a power of the generation."""

import math

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import SIGMAS, Claim, Comparison, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.accumulated import GAMMA, GENERATIONS, N, gaussians
from theory.shared.chains import half_width

EARLY = 20


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
    """Slopes between generations 20 and 160 at three gammas; the recursion's own slope much later."""
    squares = gaussians(5 * effort.seeds)["mean"][1:] ** 2
    theory = [np.asarray(recursions.accumulate(N, N, gamma, -1.0, 200_000)) for gamma in GAMMA[1:]]
    t = np.arange(GENERATIONS + 1)
    shown = np.unique(np.geomspace(1, GENERATIONS, 16).astype(int))
    return Finding(
        hypotheses={
            "late slopes of the recursion (generations 20,000 to 200,000) are the exponents, within 0.01": all(
                abs(slope(s, 20_000, 200_000) - exponent(gamma)) < 0.01
                for s, gamma in zip(theory, GAMMA[1:], strict=True)
            ),
        },
        comparisons=[
            *(
                measured_slope(f"slope, gamma {gamma:g}", slope(s, EARLY, GENERATIONS), one)
                for s, gamma, one in zip(theory, GAMMA[1:], squares, strict=True)
            ),
            *(
                mean(f"s at t = 160, gamma {gamma:g}", s[GENERATIONS], one[:, -1])
                for s, gamma, one in zip(theory, GAMMA[1:], squares, strict=True)
            ),
        ],
        control=Control(
            "without correction the error falls as with gamma 0.5 (it does not fall)",
            measured_slope(
                "slope, gamma 0", slope(theory[1], EARLY, GENERATIONS), gaussians(5 * effort.seeds)["mean"][0] ** 2
            ),
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


CLAIM = Claim(
    name="accumulate_corrected",
    source="derived here (docs/stability.md)",
    statement="All data kept and corrected: s_t -> 0 as t^-min(1, 2 gamma / (1 + gamma)), where without correction it "
    "stays at a constant.",
    check=check,
)
