"""There is no largest lambda: the loop contracts for every one, also where the published theorems say nothing."""

import numpy as np

from selfloop.stability import rates
from theory.frame.claim import Claim, Control, Effort, Finding, at_most, equal
from theory.frame.drawing import Line, lines
from theory.shared import cases
from theory.shared.slips import RATE

LAM = np.array([0.1, 0.5, 1.0, 2.0, 10.0, 100.0])


def check(effort: Effort) -> Finding:
    """Student's t on skew data, its slower direction, at lambdas up to 100."""
    case = cases.student_on_skew()
    slow = 1e-3 * cases.directions(case)[-1:]
    measured = cases.mean_ratio(cases.decay(case, LAM, 0 * LAM, slow))[:, 0]
    predicted = np.asarray(rates.exact(LAM, 0.0, case.m[-1]))
    naive = LAM[:2] / (1 - LAM[:2])  # the factor of Theorem 4.3 at its best, eps = 0; beyond lambda = 1 it is negative
    return Finding(
        hypotheses={
            "H is positive definite": cases.concave(case),
            "the data are misspecified: m is not 1": abs(case.m[-1] - 1) > 0.1,
        },
        comparisons=[
            *(
                equal(f"rate, lambda {lam:g}", one, found, 1e-6)
                for lam, one, found in zip(LAM, predicted, measured, strict=True)
            ),
            at_most("slowest rate of all", 1, measured.max()),
        ],
        control=Control(
            "the bound of a well specified model, lambda / (1 + lambda), is none for this one",
            at_most("rate, lambda 2", rates.exact(2.0, 0.0), measured[LAM == 2][0]),
        ),
        figure=lines(
            [
                Line("exact", LAM, predicted, measured),
                Line("published factor, eps = 0", LAM[:2], naive, dashed=True),
            ],
            "lambda",
            "rate per generation, gamma 0",
            xscale="log",
        ),
        definitions=["Theorem 4.3 certifies no lambda from 0.5 on, even for eps = 0: four of the six lie beyond"],
    )


CLAIM = Claim(
    name="no_lambda_threshold",
    source="derived here (docs/stability.md): B = -F is negative semi-definite, so F v = m H v has only m >= 0",
    statement="If H is positive definite, the infinite-sample loop is locally stable for every lambda and gamma: its "
    "rate stays below 1 / (1 + gamma). The published conditions on lambda come from their proofs.",
    check=check,
    slips=RATE,
)
