"""The exact Jacobian for misspecified data: its eigenvalues are the rates at which a loop's errors shrink."""

import numpy as np

from selfloop.stability import jacobian
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, Slip, equal, identity
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.5, 2.0, 2.0])
GAMMA = np.array([0.0, 0.0, 1.0])
CASES = {
    "Gaussian on a skew mixture": cases.gaussian_on_skew,
    "t5 on a skew mixture": cases.student_on_skew,
    "t5 on two humps": cases.student_on_humps,
    "logistic on skew normal": cases.logistic_on_skew_normal,
}


def check(effort: Effort) -> Finding:
    """The decay of small errors along every eigenvector: a Gaussian, whose m are 1, and three that are not so."""
    built = {name: build() for name, build in CASES.items()}
    measured = {
        name: cases.mean_ratio(cases.decay(case, LAM, GAMMA, 1e-3 * cases.directions(case)))
        for name, case in built.items()
    }
    compared = [one for name, case in built.items() for one in _rates(name, case, measured[name])]
    t5 = built["t5 on a skew mixture"]
    by_condition = np.linalg.eigvals(
        np.asarray(jacobian.autodiff_jacobian(t5.model, t5.star, t5.data, t5.nodes, 2.0, 1.0))
    )
    worst = measured["t5 on a skew mixture"][:, 1]
    return Finding(
        hypotheses={f"{name}: H is positive definite": cases.concave(case) for name, case in built.items()},
        comparisons=[
            *compared,
            identity(
                "t5 on a skew mixture, lambda 2, gamma 1: slower rate, by differentiating the first-order condition",
                jacobian.rates(t5.m, 2.0, 1.0)[-1],
                by_condition.real.max(),
                1e-9,
            ),
        ],
        control=Control(
            "the well specified rate, m = 1, is not that of misspecified data",
            equal("slower rate, t5 on a skew mixture, lambda 0.5, gamma 0", 1 / 3, worst[0], 1e-6),
        ),
        figure=lines(
            [
                Line("equal", [0.25, 0.75], [0.25, 0.75], dashed=True),
                *(Line(name, _predicted(case).ravel(), None, measured[name].ravel()) for name, case in built.items()),
            ],
            "predicted",
            "rates along both eigenvectors, measured",
        ),
    )


def _predicted(case: cases.Case) -> np.ndarray:
    """The rates [settings, P]."""
    return np.stack([np.asarray(jacobian.rates(case.m, *setting)) for setting in zip(LAM, GAMMA, strict=True)])


def _rates(name: str, case: cases.Case, measured: np.ndarray) -> list[Comparison]:
    return [
        equal(f"{name}, lambda {lam:g}, gamma {gamma:g}, m{i} = {m:.4f}", one, found, 1e-6)
        for lam, gamma, row, row_found in zip(LAM, GAMMA, _predicted(case), measured, strict=True)
        for i, (m, one, found) in enumerate(zip(case.m, row, row_found, strict=True), 1)
    ]


CLAIM = Claim(
    name="jacobian_misspecified",
    source="derived here (docs/stability.md)",
    statement="The Jacobian of the infinite-sample loop is (lambda / (1 + gamma)) (H + lambda F)^-1 F, H = -E_data "
    "Hess log p and F the Fisher information at theta*: along the eigenvector of F v = m H v errors shrink by "
    "lambda m / (1 + lambda m) / (1 + gamma).",
    check=check,
    slips=(
        Slip("m left out", jacobian.rates, lambda right, m, lam, gamma: right(1 + 0 * m, lam, gamma)),
        Slip("m left out of the denominator", jacobian.rates, lambda right, m, lam, gamma: m * right(1.0, lam, gamma)),
        Slip("1 / m for m", jacobian.rates, lambda right, m, lam, gamma: right(1 / m, lam, gamma)),
        Slip("a factor 2", jacobian.rates, scaled(2.0)),
        Slip("tau squared", jacobian.rates, lambda right, m, lam, gamma: right(m, lam, gamma) / (1 + gamma)),
    ),
)
