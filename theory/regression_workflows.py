"""Linear regression on labels of its own: replacement adds up errors, accumulation bounds them by pi^2 / 6."""

import math

import numpy as np

from selfloop.stability.regression import one_fit, regression_accumulate, regression_replace
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import half_width
from theory.shared.regressions import GENERATIONS, NOISE, ROWS, D, accumulated, replaced


def check(effort: Effort) -> Finding:
    """Test errors of generations 1, 5, 10 in both workflows, the same design relabelled."""
    replace, keep = replaced(20 * effort.seeds)[0], accumulated(20 * effort.seeds)
    unit = float(one_fit(D, ROWS, NOISE))
    linear = np.asarray(regression_replace(D, ROWS, NOISE, GENERATIONS))
    bounded = np.asarray(regression_accumulate(D, ROWS, NOISE, GENERATIONS))
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "generation 0 is one fit: its error is sigma^2 d / (N - d - 1)": bool(
                abs(replace[:, 0].mean() - NOISE**2 * D / (ROWS - D - 1)) <= half_width(replace[:, 0])
            ),
        },
        comparisons=[
            *(mean(f"replace, t = {one}", linear[one], replace[:, one]) for one in (1, 5, 10)),
            *(mean(f"accumulate, t = {one}", bounded[one], keep[:, one]) for one in (1, 5, 10)),
            at_most(
                "accumulate, t = 200, beside pi^2 / 6 of one fit",
                math.pi**2 / 6 * unit,
                regression_accumulate(D, ROWS, NOISE, 200)[-1],
            )._replace(identity=True),
        ],
        control=Control(
            "accumulation's bound for replacement",
            mean("replace, t = 1", math.pi**2 / 6 * unit, replace[:, 1], "<="),
        ),
        figure=lines(
            [
                Line("replace", t, linear, replace.mean(0), half_width(replace)),
                Line("accumulate", t, bounded, keep.mean(0), half_width(keep)),
                Line("pi^2 / 6 of one fit", t, np.full(t.size, math.pi**2 / 6 * unit), dashed=True),
            ],
            "generation",
            "test error E |w - w*|^2",
        ),
        definitions=["rows N >= d + 2"],
    )


CLAIM = Claim(
    name="regression_workflows",
    source="Gerstgrasser et al. 2024 (arXiv 2404.01413), formulas read in notes on it; the exact sum derived here",
    statement="One design of N rows relabelled by every model: the test error of generation t is t + 1 times that of "
    "one fit, sigma^2 d / (N - d - 1), under replacement, and sum_{i=1}^{t+1} 1 / i^2 < pi^2 / 6 times it under "
    "accumulation.",
    check=check,
    slips=(
        Slip("N - d for N - d - 1", one_fit, lambda right, d, n, sigma: sigma**2 * d / (n - d)),
        Slip("N for N - d - 1: large N", one_fit, lambda right, d, n, sigma: sigma**2 * d / n),
        Slip("t for t + 1", regression_replace, early),
        Slip("one generation off in accumulation", regression_accumulate, early),
        Slip(
            "1 / i for 1 / i²",
            regression_accumulate,
            lambda right, d, n, sigma, t: right(d, n, sigma, 0)[0] * np.cumsum(1.0 / np.arange(1, t + 2)),
        ),
        Slip(
            "the limit pi² / 6 for the sum",
            regression_accumulate,
            lambda right, d, n, sigma, t: np.full(t + 1, right(d, n, sigma, 0)[0] * math.pi**2 / 6),
        ),
        Slip("a factor 2", regression_replace, scaled(2.0)),
    ),
)
