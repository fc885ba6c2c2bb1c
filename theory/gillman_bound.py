"""Theorem 4.3 of Gillman et al.: the bound on a corrected loop's error, how often it holds, and how loose it is.

The theorem is as recalled; it was not re-read in the paper.
"""

import jax
import numpy as np

from selfloop.stability import bounds, rates
from theory.frame.claim import RECALLED, Claim, Comparison, Control, Effort, Finding, Slip, at_most, fails, share
from theory.frame.drawing import Line, lines
from theory.shared import cases, mean_loop, student_loop

LAM, GAMMA = mean_loop.LAM[:4], mean_loop.GAMMA[:4]
TIMES = (4, 12)
DELTAS = (0.2, 0.05)
TIME = np.arange(mean_loop.GENERATIONS + 1)


def check(effort: Effort) -> Finding:
    """The share of chains inside the bound: of a normal mean, where L = 0, and of a misspecified Student's t."""
    seeds = 40 * effort.seeds
    error = abs(mean_loop.errors(seeds))[:4]
    limit = bound(LAM, GAMMA, error[:, :, 0])
    over = misspecified(effort.seeds)
    part, failing = student_loop.largest_failing(
        "t5, gamma 0: chains inside, generation 4, delta 0.05", float(bounds.coverage(0.05, 4)), over[0, 1, :, 4]
    )
    return Finding(
        hypotheses={
            "t5: lambda (1 + eps L / alpha) < (1 + gamma) / (2 + gamma)": bool(np.all(student_loop.rate() < 1)),
            "t5: misspecified, eps > 0.1 and L > 1": min(
                cases.constants(cases.student_on_skew()).eps / 0.1, cases.constants(cases.student_on_skew()).lipschitz
            )
            > 1,
            "t5: Assumption 4 holds for the first step": student_loop.assumption(effort.seeds, DELTAS),
            "normal mean: L = 0, the Hessian in theta does not depend on x": mean_loop.hessian_varies() < 1e-12,
            "normal mean: all generations of all chains stay in the neighbourhood": bool(error.max() < mean_loop.REACH),
            "normal mean: Assumption 4 holds for the first step": all(not fails(one) for one in assumption(seeds)),
        },
        comparisons=[
            *(
                share(
                    f"t5: chains inside, gamma {gamma:g}, generation {t}, delta {delta:g}",
                    bounds.coverage(delta, t),
                    over[i, j, :, t] <= 1,
                )
                for i, gamma in enumerate(student_loop.GAMMA)
                for j, delta in enumerate(DELTAS)
                for t in (1, 4)
            ),
            *(
                at_most(
                    f"t5: 95 % quantile of the error over the bound, gamma {gamma:g}, generation {t}, delta 0.05",
                    1,
                    np.quantile(over[i, 1, :, t], 0.95),
                )
                for i, gamma in enumerate(student_loop.GAMMA)
                for t in (1, 4)
            ),
            *(
                share(
                    f"normal mean: chains inside, lambda {lam:g}, gamma {gamma:g}, generation {t}, delta {delta:g}",
                    bounds.coverage(delta, t),
                    error[i, :, t] <= limit[i, j, :, t],
                )
                for i, (lam, gamma) in enumerate(zip(LAM, GAMMA, strict=True))
                for t in TIMES
                for j, delta in enumerate(DELTAS)
            ),
        ],
        control=Control(f"the largest part of the bound that fails: {part:g} of it", failing),
        figure=lines(
            [
                Line(
                    f"normal mean, lambda {lam:g}, gamma {gamma:g}",
                    TIME,
                    limit[i, 1].mean(0),
                    np.quantile(error[i], 0.95, axis=0),
                )
                for i, (lam, gamma) in enumerate(zip(LAM, GAMMA, strict=True))
            ],
            "generation",
            "bound, delta 0.05 (line), 95 % of chains (points)",
            yscale="log",
        ),
        definitions=["normal mean: lambda < (1 + gamma) / (2 + gamma), which is the condition where L = 0"],
    )


def misspecified(seeds: int) -> np.ndarray:
    """The error over the bound [G, deltas, S, T + 1] of the chains of Student's t."""
    size = np.linalg.norm(student_loop.measured(seeds), axis=-1)[:, None]
    rate = student_loop.rate()[:, None, None, None]
    step = np.array([student_loop.step(delta) for delta in DELTAS])[None, :, None, None]
    return size / np.asarray(bounds.gillman_bound(student_loop.TIME[None, None, None], rate, step, size[..., :1]))


def bound(lam: np.ndarray, gamma: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The bound [G, deltas, S, T + 1] of chains of the normal mean with first errors ``start`` [G, S]."""
    rate = np.asarray(rates.gillman(lam, gamma, 0.0))[:, None, None, None]
    step = np.stack([mean_loop.steps(delta, lam, gamma) for delta in DELTAS], 1)[:, :, None, None]
    return np.asarray(jax.jit(bounds.gillman_bound)(TIME[None, None, None], rate, step, start[:, None, :, None]))


def assumption(seeds: int) -> list[Comparison]:
    """How often |G^n(theta_0) - G^inf(theta_0)| is inside the fluctuation; G^inf(mu) = r mu, as the target is 0."""
    signed = mean_loop.errors(seeds)[:4]
    rate = np.asarray(rates.exact(LAM, GAMMA))
    off = abs(signed[:, :, 1] - rate[:, None] * signed[:, :, 0])
    return [
        share("", 1 - delta, off[i] <= step)
        for delta in DELTAS
        for i, step in enumerate(mean_loop.steps(delta, LAM, GAMMA))
    ]


CLAIM = Claim(
    name="gillman_bound",
    source=f"Gillman et al., ICML 2024 (arXiv 2402.07087), Theorem 4.3; {RECALLED}",
    statement="If lambda (1 + eps L / alpha) < (1 + gamma) / (2 + gamma), then with probability (1 - delta)^t "
    "|theta_t - theta*| <= (a / sqrt n) sqrt(log(b / delta)) sum_{i <= t} q^i + q^t |theta_0 - theta*|, where "
    "q = rho / (1 + gamma), rho = lambda (alpha + eps L) / (alpha - lambda (alpha + eps L)).",
    check=check,
    slips=(
        Slip("a / n for a / sqrt n", bounds.fluctuation, lambda right, n, *others: right(n**2, *others)),
        Slip(
            "the sampling error left out",
            bounds.gillman_bound,
            lambda right, t, q, step, start: right(t, q, 0 * step, start),
        ),
        Slip(
            "a quarter of the sampling error",
            bounds.gillman_bound,
            lambda right, t, q, step, start: right(t, q, step / 4, start),
        ),
        Slip(
            "variance for standard deviation: a²",
            bounds.fluctuation,
            lambda right, n, a, *others: right(n, a**2 / n**0.5, *others),
        ),
    ),
)
