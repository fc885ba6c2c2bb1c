"""The exact Jacobian of Gaussian mixtures, where the published certificate is nearly empty."""

import numpy as np

from selfloop.stability import jacobian, rates
from selfloop.stability.constants import eta
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, Slip, at_most, equal
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.5, 2.0])


def check(effort: Effort) -> Finding:
    """All five parameters of two normals on three, and the two locations alone on two others."""
    full, located = cases.mixture_on_three(), cases.locations_on_two()
    found = {
        case: cases.mean_ratio(cases.decay(built, LAM, 0 * LAM, 1e-3 * cases.directions(built)))
        for case, built in (("five parameters", full), ("locations", located))
    }
    published = float(rates.safe_lambda_gillman(0.0, eta(cases.constants(full, 6.0))))
    return Finding(
        hypotheses={
            "five parameters: H is positive definite": cases.concave(full),
            "locations: H is positive definite": cases.concave(located),
        },
        comparisons=[
            *_rates("five parameters", full, found["five parameters"]),
            *_rates("locations", located, found["locations"]),
            at_most("largest lambda of Theorem 4.3, five parameters, |x| <= 6", 0.002, published)._replace(
                identity=True
            ),
        ],
        control=Control(
            "the well specified rate, m = 1, is not that of misspecified data",
            equal("slower rate, locations, lambda 0.5", 1 / 3, found["locations"][0, 1], 1e-5),
        ),
        figure=lines(
            [
                Line(f"{name}, lambda {lam:g}", case.m, jacobian.rates(case.m, lam, 0.0), found[name][i])
                for name, case in (("five parameters", full), ("locations", located))
                for i, lam in enumerate(LAM)
            ],
            "m",
            "rate per generation",
        ),
    )


def _rates(name: str, case: cases.Case, found: np.ndarray) -> list[Comparison]:
    return [
        equal(f"{name}, lambda {lam:g}, m{i} = {m:.4f}", one, measured, 1e-5)
        for lam, row in zip(LAM, found, strict=True)
        for i, (m, one, measured) in enumerate(
            zip(case.m, np.asarray(jacobian.rates(case.m, lam, 0.0)), row, strict=True), 1
        )
    ]


CLAIM = Claim(
    name="jacobian_mixture",
    source="derived here (docs/stability.md)",
    statement="For Gaussian mixtures too errors along the eigenvectors of F v = m H v shrink by "
    "lambda m / (1 + lambda m) a generation; the m stay near 1, though Theorem 4.3 certifies no lambda above 0.002.",
    check=check,
    slips=(
        Slip("m left out", jacobian.rates, lambda right, m, lam, gamma: right(1 + 0 * m, lam, gamma)),
        Slip("m left out of the denominator", jacobian.rates, lambda right, m, lam, gamma: m * right(1.0, lam, gamma)),
        Slip("1 / m for m", jacobian.rates, lambda right, m, lam, gamma: right(1 / m, lam, gamma)),
        Slip("a factor 2", jacobian.rates, scaled(2.0)),
    ),
)
