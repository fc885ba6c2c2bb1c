"""The spread of a misspecified model's parameters in the loop: a sandwich, as that of one fit."""

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from selfloop.stability import rates, sandwich
from selfloop.stability.curvature import Curvature
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.cases import student_on_skew
from theory.shared.chains import half_width
from theory.shared.student_loop import errors

N = 60
GENERATIONS = 9
SETTLED = 7
LAM = np.array([1.0, 6.0])
GAMMA = np.array([0.0, 0.5])


def expected(c: Curvature, lam: float, gamma: float) -> np.ndarray:
    """n Cov(theta_t) [P, P] as t grows."""
    return np.asarray(sandwich.stationary_covariance(c, lam, gamma, 1.0))


def check(effort: Effort) -> Finding:
    """Student's t with 5 degrees of freedom on D1, generations 7 to 9: lambda 1, and lambda 6 with correction.

    At lambda 6 and gamma 0.5 most of the spread is the synthetic points', carried on from generation to generation.
    """
    case = student_on_skew()
    c, fisher = case.curvature, np.asarray(case.curvature.F)
    error = np.concatenate(
        [errors(N, (lam,), (gamma,), GENERATIONS, 3 * effort.seeds) for lam, gamma in zip(LAM, GAMMA, strict=True)]
    )
    products = N * error[..., :, None] * error[..., None, :]
    excess = (products * fisher).sum((-2, -1)) / 2
    theory = [expected(c, lam, gamma) for lam, gamma in zip(LAM, GAMMA, strict=True)]
    divergence = [float(sandwich.excess_divergence(c, jnp.asarray(one))) for one in theory]
    names = [f"lambda {lam:g}, gamma {gamma:g}" for lam, gamma in zip(LAM, GAMMA, strict=True)]
    right = c._replace(H=c.F, C=c.F)
    naive = float(sandwich.excess_divergence(right, sandwich.stationary_covariance(right, 1.0, 0.0, 1.0)))
    t, compared = np.arange(GENERATIONS + 1), []
    for name, one, kl, covariance, total in zip(names, theory, divergence, products, excess, strict=True):
        late = covariance[:, SETTLED:].mean(1)
        compared.append(mean(f"{name}: n E KL", kl, total[:, SETTLED:].mean(1)))
        for entry, i, j in (("Var location", 0, 0), ("Cov", 0, 1), ("Var log s", 1, 1)):
            compared.append(mean(f"{name}: n {entry}", one[i, j], late[:, i, j]))
    return Finding(
        hypotheses={
            "H is positive definite": bool(np.linalg.eigvalsh(np.asarray(c.H)).min() > 0),
            "misspecified: the scores' covariance is not the Fisher information": bool(
                abs(np.asarray(c.C) - fisher).max() > 0.1
            ),
            "generation 0 is centred at theta*, up to the bias of order 1 / n": bool(
                abs(error[0][:, 0].mean(0)).max() < 5 / N
            ),
        },
        comparisons=compared,
        control=Control(
            "the covariance of a well specified model (H and C taken for the Fisher information)",
            mean(f"{names[0]}: n E KL", naive, excess[0][:, SETTLED:].mean(1)),
        ),
        figure=lines(
            [
                Line(name, t, np.full(t.size, one), total.mean(0), half_width(total))
                for name, one, total in zip(names, divergence, excess, strict=True)
            ]
            + [Line(f"if it were well specified, {names[0]}", t, np.full(t.size, naive), dashed=True)],
            "generation",
            "n E KL(p*, model) to second order",
        ),
    )


def _changed(right: Any, c: Curvature, lam: float, gamma: float, *, of: str) -> np.ndarray:
    """`expected` with a slip in one of its pieces."""
    m, basis = (np.asarray(one) for one in sandwich.eigenbasis(c))
    j = np.asarray(rates.exact(lam, 0.0 if of == "tau" else gamma, m))
    anchor = 1 / (1 + lam * (1.0 if of == "anchor" else gamma / (1 + gamma)) * m)
    carried = 1.0 if of == "series" else 1 - (j if of == "square" else j**2)
    drawn = lam * m / (1 + lam * m) ** 2 / carried
    real = basis.T @ np.asarray(c.F if of == "scores" else c.C) @ basis * anchor[:, None] * anchor[None]
    return basis @ (real + np.diag(drawn)) @ basis.T


CLAIM = Claim(
    name="sandwich_covariance",
    source="derived here (docs/stability.md), after Huber 1967 for one fit",
    statement="Re-used data, any smooth model: n Cov(theta_t) -> G C G + V, G = (H + lambda (1 - tau) F)^-1, "
    "V = J V J^T + lambda K^-1 F K^-1, K = H + lambda F, to first order in 1 / n.",
    check=check,
    slips=(
        Slip("tau left out of J", expected, partial(_changed, of="tau")),
        Slip("1 / (1 - J²) left out", expected, partial(_changed, of="series")),
        Slip("J for J²", expected, partial(_changed, of="square")),
        Slip("lambda for lambda (1 - tau) in G", expected, partial(_changed, of="anchor")),
        Slip("F for the scores' covariance", expected, partial(_changed, of="scores")),
        Slip("a factor 2", expected, scaled(2.0)),
    ),
)
