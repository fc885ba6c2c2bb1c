"""Four rates in order: exact, sharper, Ferbach-type, Theorem 4.3; and a real loop below all of them.

The published two are as recalled; they were not re-read in the papers.
"""

import numpy as np

from selfloop.stability import rates
from selfloop.stability.constants import eta
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, equal
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.6, 2.0])


def check(effort: Effort) -> Finding:
    """The four rates of Student's t on skew data beside the measured one, and random constants."""
    case, itself = cases.student_on_skew(), cases.student_on_itself()
    one_eta = float(eta(cases.constants(case)))
    four = four_rates(LAM, 0.0, one_eta, case.m[-1])
    found = cases.mean_ratio(cases.decay(case, LAM, 0 * LAM, 1e-3 * cases.directions(case)[-1:]))[:, 0]
    sharp = four_rates(LAM, 0.0, 0.0, 1.0)
    right = cases.mean_ratio(cases.decay(itself, LAM, 0 * LAM, 1e-3 * cases.directions(itself)[-1:]))[:, 0]
    rng = np.random.default_rng(0)
    lam, gamma, etas = (np.exp(rng.normal(0, 1.5, 200 * effort.cases)) for _ in range(3))
    m = rng.uniform(0, 1, lam.size) * (1 + etas)
    random = four_rates(lam, gamma, etas, m)
    names = ("exact", "sharper", "Ferbach-type", "Theorem 4.3")
    return Finding(
        hypotheses={
            "H is positive definite": cases.concave(case),
            "m_max <= 1 + eta": bool(case.m[-1] <= 1 + one_eta),
            "each of the published two certifies some of the lambdas and not others": all(
                0 < np.isfinite(rate).sum() < LAM.size for rate in four[2:]
            ),
        },
        comparisons=[
            *(
                equal(f"exact rate and measured, lambda {lam:g}", exact, one, 1e-6)
                for lam, exact, one in zip(LAM, four[0], found, strict=True)
            ),
            *(
                at_most(
                    f"{low} above {high}: share of random constants",
                    0,
                    np.mean(random[i] > random[i + 1] * (1 + 1e-12)),
                )._replace(identity=True)
                for i, (low, high) in enumerate(zip(names, names[1:], strict=False))
            ),
            *(
                at_most(f"measured rate beside {name}, lambda {lam:g}", bound, one)
                for name, row in zip(names[1:], four[1:], strict=True)
                for lam, bound, one in zip(LAM, row, found, strict=True)
            ),
            *(
                at_most(f"well specified: measured rate beside {name}, lambda {lam:g}", bound * (1 + 1e-6), one)
                for name, row in zip(names[2:], sharp[2:], strict=True)
                for lam, bound, one in zip(LAM[:3], row, right, strict=False)
            ),
        ],
        control=Control(
            "none of them is below the rate of a well specified model, m = 1",
            at_most("measured rate beside lambda / (1 + lambda), lambda 2", rates.exact(2.0, 0.0), found[-1]),
        ),
        figure=lines(
            [
                Line(name, LAM[keep], rate[keep], found if name == "exact" else None, dashed=i > 1)
                for i, (name, rate) in enumerate(zip(names, four, strict=True))
                for keep in [rate < 2]
            ],
            "lambda, gamma 0, t5 on a skew mixture",
            "rate per generation",
            xscale="log",
        ),
    )


def four_rates(lam: np.ndarray, gamma: np.ndarray, eta: np.ndarray, m: np.ndarray) -> np.ndarray:
    """The four rates [4, ...] in the order of `certify`."""
    pairs = ((rates.exact, m), (rates.sharper, eta), (rates.ferbach, eta), (rates.gillman, eta))
    return np.stack([np.asarray(rate(lam, gamma, last)) for rate, last in pairs])


CLAIM = Claim(
    name="hierarchy",
    source="derived here (docs/stability.md)",
    statement="exact <= sharper <= Ferbach-type <= Theorem 4.3's factor, whatever lambda, gamma and eta >= m_max - 1; "
    "infinite where a formula says nothing. The loop itself follows the first.",
    check=check,
    slips=(
        Slip("m left out", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, 1 + 0 * m)),
        Slip("lambda m / (1 + lambda)", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, 1 + 0 * m) * m),
        Slip("half the sharper rate", rates.sharper, scaled(0.5)),
        Slip(
            "eps L / alpha left out of the sharper",
            rates.sharper,
            lambda right, lam, gamma, eta: right(lam, gamma, 0.0),
        ),
        Slip("half the Ferbach-type factor", rates.ferbach, scaled(0.5)),
        Slip(
            "eps L / alpha left out of the Ferbach-type",
            rates.ferbach,
            lambda right, lam, gamma, eta: right(lam, gamma, 0 * eta),
        ),
        Slip("half of Theorem 4.3's factor", rates.gillman, scaled(0.5)),
        Slip(
            "eps L / alpha left out of Theorem 4.3's",
            rates.gillman,
            lambda right, lam, gamma, eta: right(lam, gamma, 0 * eta),
        ),
    ),
)
