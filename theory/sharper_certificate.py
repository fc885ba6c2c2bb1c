"""A sharper certificate from the published constants: a plus sign where Theorem 4.3 has a minus, valid everywhere."""

import numpy as np

from selfloop.stability import rates
from selfloop.stability.constants import eta
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.1, 1.0, 10.0, 100.0])
GAMMA = np.array([0.0, 0.0, 0.0, 1.0])
DIGITS = 1e-6
"""To which a rate is measured, relatively."""
CASES = {
    "t5, well specified": cases.student_on_itself,
    "t5 on a skew mixture": cases.student_on_skew,
    "t5 on two humps": cases.student_on_humps,
    "logistic on skew normal": cases.logistic_on_skew_normal,
}


def check(effort: Effort) -> Finding:
    """The measured rate of the slowest direction beside the certificate; m_max beside 1 + eta for random H and F."""
    built = {name: build() for name, build in CASES.items()}
    etas = {name: float(eta(cases.constants(case))) if "well" not in name else 0.0 for name, case in built.items()}
    found = {
        name: cases.mean_ratio(cases.decay(case, LAM, GAMMA, 1e-3 * cases.directions(case)[-1:]))[:, 0]
        for name, case in built.items()
    }
    bound = {name: np.asarray(rates.sharper(LAM, GAMMA, one)) for name, one in etas.items()}
    skew = "t5 on a skew mixture"
    return Finding(
        hypotheses={
            **{f"{name}: H is positive definite": cases.concave(case) for name, case in built.items()},
            "t5: neither Theorem 4.3 nor the Ferbach-type factor certifies lambda 10": not any(
                f(10.0, 0.0, etas[skew]) for f in (rates.gillman_condition, rates.ferbach_condition)
            ),
        },
        comparisons=[
            *(
                at_most(f"{name}: rate, lambda {lam:g}, gamma {gamma:g}", limit * (1 + DIGITS), one)
                for name in built
                for lam, gamma, limit, one in zip(LAM, GAMMA, bound[name], found[name], strict=True)
            ),
            *(
                at_most(f"{name}: largest m beside 1 + eta", 1 + etas[name], case.m[-1])._replace(identity=True)
                for name, case in built.items()
            ),
            at_most(
                "random H and perturbations of norm eta alpha: largest m / (1 + eta)", 1, _random(50 * effort.cases)
            )._replace(identity=True),
            at_most("the certificate itself beside 1 / (1 + gamma), all of the above", 1, _largest(bound))._replace(
                identity=True
            ),
        ],
        control=Control(
            "with 0.16 of eta it is no bound (with 0.161, m_max - 1 over eta, it still is one)",
            at_most(
                "t5 on a skew mixture: rate, lambda 1, gamma 0",
                rates.sharper(1.0, 0.0, 0.16 * etas[skew]),
                found[skew][1],
            ),
        ),
        figure=lines(
            [Line(name, LAM[:3], bound[name][:3], found[name][:3]) for name in built],
            "lambda, gamma 0",
            "rate per generation: certified, measured",
            xscale="log",
        ),
    )


def _largest(bound: dict[str, np.ndarray]) -> float:
    return max(float((limit * (1 + GAMMA)).max()) for limit in bound.values())


def _random(count: int) -> float:
    """The largest m / (1 + eta) where F = H + E >= 0, the norm of E is eta times the least eigenvalue of H."""
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(count):
        h, e = (a @ a.T for a in rng.normal(size=(2, 3, 4)))
        e = e * rng.uniform(0.1, 3) * np.linalg.eigvalsh(h)[0] / np.linalg.norm(e, 2)
        eta = np.linalg.norm(e, 2) / np.linalg.eigvalsh(h)[0]
        worst = max(worst, np.linalg.eigvals(np.linalg.solve(h, h + e)).real.max() / (1 + eta))
    return worst


CLAIM = Claim(
    name="sharper_certificate",
    source="derived here (docs/stability.md): F <= H + eps L I <= (1 + eta) H",
    statement="With the constants of Theorem 4.3 alone, for every lambda and gamma, the rate is at most "
    "lambda (1 + eta) / (1 + lambda (1 + eta)) / (1 + gamma), eta = eps L / alpha: always below 1 / (1 + gamma).",
    check=check,
    slips=(
        Slip("half the rate", rates.sharper, scaled(0.5)),
        Slip("eps L / alpha left out", rates.sharper, lambda right, lam, gamma, eta: right(lam, gamma, 0.0)),
        Slip("tau squared", rates.sharper, lambda right, lam, gamma, eta: right(lam, gamma, eta) / (1 + gamma)),
        Slip(
            "1 + eta left out of the numerator",
            rates.sharper,
            lambda right, lam, gamma, eta: right(lam, gamma, eta) / (1 + eta),
        ),
    ),
)
