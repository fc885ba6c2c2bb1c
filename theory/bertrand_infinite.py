"""Bertrand et al.'s infinite-sample theorem: a norm below 1, and decay at the published factor or faster.

The statement is as recalled; it was not re-read in the paper.
"""

import numpy as np

from selfloop.stability import rates
from selfloop.stability.constants import eta
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, at_most
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.03, 0.06, 0.1, 0.15])


def check(effort: Effort) -> Finding:
    """Student's t on skew data, for lambdas that the theorem allows; its L is over all x, as the t's is bounded.

    And on data of its own law, where eps = 0 and the bound is nearly sharp at small lambda.
    """
    case, itself = cases.student_on_skew(), cases.student_on_itself()
    known = cases.constants(case)
    factor = np.asarray(rates.gillman(LAM, 0.0, eta(known)))
    without = np.asarray(rates.gillman(LAM, 0.0, 0.0))
    error = cases.decay(case, LAM, 0 * LAM, 1e-3 * np.array([*cases.directions(case), [1.0, 0.0], [0.0, 1.0]]))
    size = np.linalg.norm(error, axis=-1)
    grown = (size[..., 1:4] / size[..., :3]).max((1, 2))
    norms = [np.linalg.norm(one, 2) for one in error[:, 2:, 1] / 1e-3]
    sharp = cases.mean_ratio(cases.decay(itself, LAM, 0 * LAM, 1e-3 * cases.directions(itself)[-1:]))[:, 0]
    return Finding(
        hypotheses={
            "H is positive definite (Assumption 2)": cases.concave(case),
            "L is finite: twice as far out it is the same (Assumption 1)": bool(
                np.isclose(cases.constants(case, 80.0).lipschitz, known.lipschitz, rtol=1e-2)
            ),
            "lambda (1 + eps L / alpha) < 1/2": bool(np.all(rates.gillman_condition(LAM, 0.0, eta(known)))),
            "the data are misspecified: eps > 0.1": known.eps > 0.1,
        },
        comparisons=[
            *(
                at_most(f"largest growth of an error in a generation, lambda {lam:g}", bound, one)
                for lam, bound, one in zip(LAM, factor, grown, strict=True)
            ),
            *(
                at_most(f"well specified: growth of an error in a generation, lambda {lam:g}", bound, one)
                for lam, bound, one in zip(LAM, without, sharp, strict=True)
            ),
            *(
                at_most(f"norm of the measured Jacobian, lambda {lam:g}", 1, norm)
                for lam, norm in zip(LAM, norms, strict=True)
            ),
        ],
        control=Control(
            "the same factor without its eps L / alpha is no bound",
            at_most("largest growth, lambda 0.1, beside lambda / (1 - lambda)", without[2], grown[2]),
        ),
        figure=lines(
            [
                Line("published factor", LAM, factor),
                Line("exact rate, and measured", LAM, rates.exact(LAM, 0.0, case.m[-1]), grown),
                Line("factor with eps = 0", LAM, without, dashed=True),
            ],
            "lambda",
            "largest growth of an error in a generation",
        ),
    )


CLAIM = Claim(
    name="bertrand_infinite",
    source=f"Bertrand et al., ICLR 2024 (arXiv 2310.00429), the infinite-sample theorem; {RECALLED}",
    statement="If lambda (1 + eps L / alpha) < 1/2 the Jacobian of the uncorrected infinite-sample loop has a norm "
    "below 1, and near theta* errors shrink by lambda (alpha + eps L) / (alpha - lambda (alpha + eps L)) or faster.",
    check=check,
    slips=(
        Slip("half the factor", rates.gillman, scaled(0.5)),
        Slip("eps L / alpha left out", rates.gillman, lambda right, lam, gamma, eta: right(lam, gamma, 0.0)),
        Slip(
            "eps L / alpha left out of the numerator",
            rates.gillman,
            lambda right, lam, gamma, eta: right(lam, gamma, eta) / (1 + eta),
        ),
        Slip("a plus for the minus", rates.gillman, lambda right, lam, gamma, eta: lam / (1 + lam)),
    ),
)
