"""Bertrand et al.'s finite-sample theorem: one bound for all generations at once, by a union bound.

The theorem is as recalled; it was not re-read in the paper.
"""

import jax
import numpy as np

from selfloop.stability import bounds, rates
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, at_most, share
from theory.frame.drawing import Line, lines
from theory.shared import cases, mean_loop, student_loop

LAM = mean_loop.LAM[:2]
DELTAS = (0.5, 0.05)
TIMES = np.arange(mean_loop.GENERATIONS + 1)


def check(effort: Effort) -> Finding:
    """The share of uncorrected chains that never leave the bound: of a normal mean, of a misspecified Student's t."""
    error = abs(mean_loop.errors(40 * effort.seeds))[:2]
    inside = bound(error[:, :, 0])
    over = misspecified(effort.seeds)
    part, failing = student_loop.largest_failing("t5: chains never outside, delta 0.05", 0.95, over[1])
    return Finding(
        hypotheses={
            "t5: lambda (1 + eps L / alpha) < 1/2": bool(student_loop.rate()[0] < 1),
            "t5: misspecified, eps > 0.1": cases.constants(cases.student_on_skew()).eps > 0.1,
            "t5: Assumption 4 holds for the first step": student_loop.assumption(effort.seeds, (0.2, 0.05)),
            "normal mean: L = 0, the Hessian in theta does not depend on x": mean_loop.hessian_varies() < 1e-12,
        },
        comparisons=[
            *(
                share(f"t5: chains never outside, delta {delta:g}", 1 - delta, (over[j] <= 1).all(1))
                for j, delta in enumerate(DELTAS)
            ),
            at_most(
                "t5: 95 % quantile over chains of the largest error over the bound, delta 0.05",
                1,
                np.quantile(over[1].max(1), 0.95),
            ),
            *(
                share(
                    f"normal mean: chains never outside, lambda {lam:g}, delta {delta:g}",
                    1 - delta,
                    (error[i] <= inside[i, j]).all(1),
                )
                for i, lam in enumerate(LAM)
                for j, delta in enumerate(DELTAS)
            ),
        ],
        control=Control(f"the largest part of the bound that fails: {part:g} of it", failing),
        figure=lines(
            [
                Line("bound, delta 0.05", TIMES, inside[0, 1].mean(0)),
                Line("largest error of all chains", TIMES, None, error[0].max(0)),
                Line("root mean square error", TIMES, None, np.sqrt((error[0] ** 2).mean(0))),
            ],
            "generation, normal mean, lambda 0.3",
            "error of the mean",
            yscale="log",
        ),
        definitions=["gamma = 0; normal mean: lambda < 1/2, which is the condition where L = 0"],
    )


def misspecified(seeds: int) -> np.ndarray:
    """The error over the bound [deltas, S, T] of the chains of Student's t, from generation 1 on."""
    size = np.linalg.norm(student_loop.measured(seeds)[0], axis=-1)[None]
    rate, delta = student_loop.rate()[0], np.array(DELTAS)[:, None, None]
    time = student_loop.TIME[None, None]
    limit = bounds.bertrand_bound(time, rate, student_loop.N, student_loop.spread(), 2.0, delta, size[..., :1])
    return (size / np.asarray(limit))[..., 1:]


def bound(start: np.ndarray) -> np.ndarray:
    """The bound [lambdas, deltas, S, T + 1] of chains of the normal mean with first errors ``start`` [lambdas, S]."""
    a, b = bounds.gaussian_mean_constants(1.0, LAM, 1)
    rate, a = (np.asarray(value)[:, None, None, None] for value in (rates.gillman(LAM, 0.0, 0.0), a))
    time, delta = TIMES[None, None, None], np.array(DELTAS)[None, :, None, None]
    return np.asarray(jax.jit(bounds.bertrand_bound)(time, rate, mean_loop.N, a, b, delta, start[:, None, :, None]))


CLAIM = Claim(
    name="bertrand_finite",
    source=f"Bertrand et al., ICLR 2024 (arXiv 2310.00429), the finite-sample theorem; {RECALLED}",
    statement="If lambda (1 + eps L / alpha) < 1/2, then with probability 1 - delta, for all t at once, "
    "|theta_t - theta*| <= (a / sqrt n) sqrt(log(b t / delta)) sum_{i <= t} rho^i + rho^t |theta_0 - theta*|.",
    check=check,
    slips=(
        Slip("n for sqrt n", bounds.bertrand_bound, lambda right, t, q, n, *others: right(t, q, n**2, *others)),
        Slip(
            "the sampling error left out",
            bounds.bertrand_bound,
            lambda right, t, q, n, a, *others: right(t, q, n, 0 * a, *others),
        ),
        Slip(
            "a quarter of the sampling error",
            bounds.bertrand_bound,
            lambda right, t, q, n, a, *others: right(t, q, n, a / 4, *others),
        ),
    ),
)
