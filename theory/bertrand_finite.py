"""Bertrand et al.'s finite-sample theorem: one bound for all generations at once, by a union bound."""

import jax
import numpy as np

from selfloop.stability import bounds, rates
from theory.frame.claim import Claim, Control, Effort, Finding, share
from theory.frame.drawing import Line, lines
from theory.shared import mean_loop

LAM = mean_loop.LAM[:2]
DELTAS = (0.2, 0.05)
TIMES = np.arange(mean_loop.GENERATIONS + 1)


def check(effort: Effort) -> Finding:
    """The share of uncorrected chains that never leave the bound in 30 generations."""
    error = abs(mean_loop.errors(2 * effort.seeds))[:2]
    inside = bound(mean_loop.N, error[:, :, 0])
    return Finding(
        hypotheses={
            "lambda (1 + eps L / alpha) < 1/2": bool(np.all(rates.gillman_condition(LAM, 0.0, 0.0))),
            "L = 0: the Hessian in theta does not depend on x": mean_loop.hessian_varies() < 1e-12,
            "gamma = 0": not mean_loop.GAMMA[:2].any(),
        },
        comparisons=[
            share(
                f"chains never outside, lambda {lam:g}, delta {delta:g}",
                1 - delta,
                (error[i] <= inside[i, j]).all(1),
            )
            for i, lam in enumerate(LAM)
            for j, delta in enumerate(DELTAS)
        ],
        control=Control(
            "the bound of a hundred times as many points does not hold for these",
            share(
                "chains never outside the bound of 4,000 points, delta 0.05",
                0.95,
                (error[0] <= bound(100 * mean_loop.N, error[:, :, 0])[0, 1]).all(1),
            ),
        ),
        figure=lines(
            [
                Line("bound, delta 0.05", TIMES, inside[0, 1].mean(0)),
                Line("largest error of all chains", TIMES, None, error[0].max(0)),
                Line("root mean square error", TIMES, None, np.sqrt((error[0] ** 2).mean(0))),
            ],
            "generation, lambda 0.3",
            "error of the mean",
            yscale="log",
        ),
    )


def bound(n: int, start: np.ndarray) -> np.ndarray:
    """The bound [lambdas, deltas, S, T + 1] of chains of n points with first errors ``start`` [lambdas, S]."""
    a, b = bounds.gaussian_mean_constants(1.0, LAM, 1)
    rate, a = (np.asarray(value)[:, None, None, None] for value in (rates.gillman(LAM, 0.0, 0.0), a))
    time, delta = TIMES[None, None, None], np.array(DELTAS)[None, :, None, None]
    return np.asarray(jax.jit(bounds.bertrand_bound)(time, rate, n, a, b, delta, start[:, None, :, None]))


CLAIM = Claim(
    name="bertrand_finite",
    source="Bertrand et al., ICLR 2024 (arXiv 2310.00429), the finite-sample theorem",
    statement="If lambda (1 + eps L / alpha) < 1/2, then with probability 1 - delta, for all t at once, "
    "|theta_t - theta*| <= (a / sqrt n) sqrt(log(b t / delta)) sum_{i <= t} rho^i + rho^t |theta_0 - theta*|.",
    check=check,
)
