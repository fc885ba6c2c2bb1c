"""There is no largest lambda: the loop contracts for every one, also where the published theorems say nothing."""

import numpy as np

from selfloop.stability import rates
from theory.frame.claim import Claim, Control, Effort, Finding, at_most, equal
from theory.frame.drawing import Line, lines
from theory.shared import cases

LAM = np.array([0.1, 0.5, 1.0, 2.0, 10.0, 100.0])


def check(effort: Effort) -> Finding:
    """Student's t on skew data, its slower direction, at lambdas up to 100."""
    case = cases.student_on_skew()
    slow = 1e-3 * cases.directions(case)[-1:]
    measured = cases.mean_ratio(cases.decay(case, LAM, 0 * LAM, slow))[:, 0]
    predicted = np.asarray(rates.exact(LAM, 0.0, case.m[-1]))
    naive = LAM / np.where(
        LAM == 1, np.nan, 1 - LAM
    )  # the factor of Theorem 4.3 without its condition, at its best, eps = 0
    beyond = LAM >= 0.5
    return Finding(
        hypotheses={
            "H is positive definite": cases.concave(case),
            "Theorem 4.3 certifies no lambda from 0.5 on, even for eps = 0": not np.any(
                rates.gillman_condition(LAM[beyond], 0.0, 0.0)
            ),
            "where u >= 1 the library's factor is infinite": bool(
                np.isinf(rates.gillman(LAM[LAM >= 1], 0.0, 0.0)).all()
            ),
        },
        comparisons=[
            *(
                equal(f"rate, lambda {lam:g}", one, found, 1e-6)
                for lam, one, found in zip(LAM, predicted, measured, strict=True)
            ),
            at_most("slowest rate of all", 1, measured.max()),
        ],
        control=Control(
            "the sign trap: beyond lambda = 1 the published formula is negative, hence below 1, and bounds nothing",
            at_most("rate, lambda 2, beside lambda / (1 - lambda)", naive[LAM == 2][0], measured[LAM == 2][0]),
        ),
        figure=lines(
            [
                Line("exact", LAM, predicted, measured),
                Line("published factor, eps = 0", LAM[:2], naive[:2], dashed=True),
            ],
            "lambda",
            "rate per generation, gamma 0",
            xscale="log",
        ),
    )


CLAIM = Claim(
    name="no_lambda_threshold",
    source="derived here (docs/stability.md): B = -F is negative semi-definite, so F v = m H v has only m >= 0",
    statement="If H is positive definite, the infinite-sample loop is locally stable for every lambda and gamma: its "
    "rate stays below 1 / (1 + gamma). The published conditions on lambda come from their proofs.",
    check=check,
)
