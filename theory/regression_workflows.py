"""Linear regression on labels of its own: replacement adds up errors, accumulation bounds them by pi^2 / 6."""

import math

import numpy as np

from selfloop.stability.regression import one_fit, regression_accumulate, regression_replace
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.regressions import GENERATIONS, NOISE, ROWS, D, accumulated, replaced


def check(effort: Effort) -> Finding:
    """Test errors of generations 1, 5, 10 in both workflows, the same design relabelled."""
    replace, keep = replaced(5 * effort.seeds)[0], accumulated(5 * effort.seeds)
    unit = float(one_fit(D, ROWS, NOISE))
    linear = np.asarray(regression_replace(D, ROWS, NOISE, GENERATIONS))
    bounded = np.asarray(regression_accumulate(D, ROWS, NOISE, GENERATIONS))
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "rows N >= d + 2": ROWS >= D + 2,
            "replacement's prediction is (t + 1) sigma^2 d / (N - d - 1)": bool(np.allclose(linear, unit * (t + 1))),
            "accumulation's is below pi^2 / 6 of one fit's error": bool(bounded[-1] < math.pi**2 / 6 * unit),
        },
        comparisons=[
            *(mean(f"replace, t = {one}", linear[one], replace[:, one]) for one in (1, 5, 10)),
            *(mean(f"accumulate, t = {one}", bounded[one], keep[:, one]) for one in (1, 5, 10)),
        ],
        control=Control(
            "accumulation's bound for replacement",
            mean("replace, t = 10", math.pi**2 / 6 * unit, replace[:, -1], "<="),
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
    )


CLAIM = Claim(
    name="regression_workflows",
    source="Gerstgrasser et al. 2024 (arXiv 2404.01413); the exact sum derived here",
    statement="One design of N rows relabelled by every model: the test error of generation t is t + 1 times that of "
    "one fit, sigma^2 d / (N - d - 1), under replacement, and sum_{i=1}^{t+1} 1 / i^2 < pi^2 / 6 times it under "
    "accumulation.",
    check=check,
)
