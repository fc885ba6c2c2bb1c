"""The better constant of Ferbach et al., with and without correction, read in the divergence that they bound.

The theorem is as recalled, from a note that quotes it; it was not re-read in the paper.
"""

from functools import partial

import jax
import numpy as np

from selfloop.stability import quadrature, rates
from selfloop.stability.constants import eta
from theory.frame.claim import RECALLED, Claim, Comparison, Control, Effort, Finding, Slip, at_most
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases

LAM = np.array([0.5, 0.8, 2.0, 4.0])
GAMMA = np.array([0.0, 0.0, 1.0, 3.0])
SECOND = 1e-3
"""Relative room for what is left of the second order: the theorem is one about the limit."""
CASES = {
    "t5, well specified": cases.student_on_itself,
    "t5, nearly right": cases.student_nearly_right,
    "logistic on skew normal": cases.logistic_on_skew_normal,
}


def check(effort: Effort) -> Finding:
    """How KL(p* || p_t) falls from a start beside theta*, at lambdas where Theorem 4.3 certifies nothing."""
    built = {name: build() for name, build in CASES.items()}
    etas = {name: float(eta(cases.constants(case))) if "well" not in name else 0.0 for name, case in built.items()}
    falls = {name: _falls(case) for name, case in built.items()}
    bounds = {name: np.asarray(rates.ferbach(LAM, GAMMA, one)) for name, one in etas.items()}
    right = built["t5, nearly right"]
    return Finding(
        hypotheses={
            **{f"{name}: H is positive definite": cases.concave(case) for name, case in built.items()},
            **{f"{name}: L eps < alpha": one < 1 for name, one in etas.items()},
            **{
                f"{name}: lambda ((2 + gamma) eta - gamma) < 1 + gamma": bool(
                    np.all(rates.ferbach_condition(LAM, GAMMA, one))
                )
                for name, one in etas.items()
            },
            "misspecified, Theorem 4.3 certifies none of these": not any(
                np.any(rates.gillman_condition(LAM, GAMMA, one)) for one in list(etas.values())[1:]
            ),
        },
        comparisons=[one for name in built for one in _compared(name, bounds[name], falls[name])],
        control=Control(
            "the factor with eps = 0, lambda / (1 + lambda), is no bound for misspecified data",
            at_most(
                f"fall of KL, t5, m = {right.m[-1]:.4f}, lambda 0.8, gamma 0",
                rates.exact(0.8, 0.0) ** 2,
                falls["t5, nearly right"][1],
            ),
        ),
        figure=lines(
            [
                Line("equal", [0, 1], [0, 1], dashed=True),
                *(Line(name, bounds[name] ** 2, None, falls[name]) for name in built),
            ],
            "bound",
            "KL(p* || p_t+1) / KL(p* || p_t), measured",
        ),
    )


def _falls(case: cases.Case) -> np.ndarray:
    """KL(p* || p_t+1) / KL(p* || p_t), [settings], at the last t whose divergence is above rounding."""
    start = np.asarray(case.chart.theta(case.star)) + 0.05 * cases.directions(case)[-1:]
    theta = cases.paths(case, LAM, GAMMA, start)[:, 0]
    kl = np.asarray(_divergence(case.model, case.own, case.star, theta.reshape(-1, theta.shape[-1])))
    kl = kl.reshape(len(LAM), -1)
    last = np.maximum((kl > 1e-9).sum(1) - 1, 1)
    return kl[np.arange(len(LAM)), last] / kl[np.arange(len(LAM)), last - 1]


@partial(jax.jit, static_argnums=0)
def _divergence(model: object, own: object, star: object, theta: jax.Array) -> jax.Array:
    """KL(p* || p_theta) of coordinates [R, P]."""
    chart = cases.coordinates(model, star)
    best = model.log_prob(star, own.x)
    return jax.lax.map(
        lambda one: quadrature.average(own.weight, best - model.log_prob(chart.state(one), own.x)), theta
    )


def _compared(name: str, bound: np.ndarray, fall: np.ndarray) -> list[Comparison]:
    return [
        at_most(f"{name}: fall of KL, lambda {lam:g}, gamma {gamma:g}", limit**2 * (1 + SECOND), one)
        for lam, gamma, limit, one in zip(LAM, GAMMA, bound, fall, strict=True)
    ]


CLAIM = Claim(
    name="ferbach_constant",
    source=f"Ferbach et al., NeurIPS 2024 (arXiv 2407.09499), Theorem 2.2, {RECALLED}; with correction: derived here",
    statement="If L eps < alpha and lambda < alpha / (2 L eps), KL(p* || p_t) falls at least as fast as q^2t, "
    "q = lambda (alpha + eps L) / (alpha + lambda (alpha - eps L)); with correction q / (1 + gamma), below 1 where "
    "lambda ((2 + gamma) eta - gamma) < 1 + gamma, eta = eps L / alpha.",
    check=check,
    slips=(
        Slip("half the factor", rates.ferbach, scaled(0.5)),
        Slip("eps L / alpha left out", rates.ferbach, lambda right, lam, gamma, eta: right(lam, gamma, 0.0)),
        Slip(
            "a plus for the minus in the denominator, and eps L / alpha left out of the numerator",
            rates.ferbach,
            lambda right, lam, gamma, eta: lam / (1 + lam * (1 + eta)) / (1 + gamma),
        ),
        Slip("tau squared", rates.ferbach, lambda right, lam, gamma, eta: right(lam, gamma, eta) / (1 + gamma)),
    ),
)
