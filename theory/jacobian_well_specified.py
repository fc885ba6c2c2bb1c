"""The exact Jacobian where the data are of the model: lambda / ((1 + lambda) (1 + gamma)), a third at lambda 1/2."""

import numpy as np

from selfloop.stability import rates
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, equal
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.1, 0.25, 0.5, 1.0, 2.0, 10.0])
GAMMA = (0.0, 1.0)


def check(effort: Effort) -> Finding:
    """Student's t on data of its own law: small errors of the population loop, along both eigenvectors."""
    case = cases.student_on_itself()
    lam, gamma = np.tile(LAM, 2), np.repeat(GAMMA, LAM.size)
    measured = cases.mean_ratio(cases.decay(case, lam, gamma, 1e-3 * cases.directions(case)))
    predicted, published = np.asarray(rates.exact(lam, gamma)), np.asarray(rates.gillman(LAM, 0.0, 0.0))
    below = LAM < 0.5
    return Finding(
        hypotheses={
            "H is positive definite": cases.concave(case),
            "the data are of the model: H = F": bool(np.allclose(case.curvature.H, case.curvature.F, atol=1e-9)),
        },
        comparisons=[
            equal(f"rate, lambda {lam:g}, gamma {gamma:g}, direction {i + 1}", one, both[i], 1e-6)
            for lam, gamma, one, both in zip(lam, gamma, predicted, measured, strict=True)
            for i in range(2)
        ],
        control=Control(
            "the factor of Theorem 4.3 is a bound and not the rate",
            equal("rate, lambda 0.1, gamma 0", published[0], measured[0, 0], 1e-6),
        ),
        figure=lines(
            [
                Line("gamma 0", LAM, predicted[gamma == 0], measured[gamma == 0, 0]),
                Line("gamma 1", LAM, predicted[gamma == 1], measured[gamma == 1, 0]),
                Line("Theorem 4.3, gamma 0", LAM[below], published[below], dashed=True),
            ],
            "lambda",
            "rate per generation",
            xscale="log",
        ),
    )


CLAIM = Claim(
    name="jacobian_well_specified",
    source="derived here (docs/stability.md); for gamma = 0 the rate of Bertrand et al. 2024 without its Neumann bound",
    statement="Where p_data is in the model, every small error of the infinite-sample loop shrinks by exactly "
    "lambda / ((1 + lambda) (1 + gamma)) a generation: 1/3 at lambda = 1/2, where the published factor is 1.",
    check=check,
    slips=(
        Slip("a factor 2", rates.exact, scaled(2.0)),
        Slip("lambda for lambda / (1 + lambda)", rates.exact, lambda right, lam, gamma, m=1.0: lam * m / (1 + gamma)),
        Slip("tau squared", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, m) / (1 + gamma)),
        Slip(
            "the published factor for the rate",
            rates.exact,
            lambda right, lam, gamma, m=1.0: rates.gillman(lam, gamma, 0.0),
        ),
    ),
)
