"""Theorem 4.3 of Gillman et al.: the bound on a corrected loop's error, and how often it holds."""

import jax
import numpy as np

from selfloop.stability import bounds, rates
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, fails, share
from theory.frame.drawing import Line, lines
from theory.shared import mean_loop

LAM, GAMMA = mean_loop.LAM[:4], mean_loop.GAMMA[:4]
TIMES = (5, 30)
DELTAS = (0.05, 0.01)
TIME = np.arange(mean_loop.GENERATIONS + 1)


def check(effort: Effort) -> Finding:
    """The share of chains inside the bound, for a normal mean, at two generations and two confidence levels."""
    seeds = 2 * effort.seeds
    error = abs(mean_loop.errors(seeds))[:4]
    limit = bound(LAM, GAMMA, error[:, :, 0])
    alone = abs(mean_loop.errors_without_real(seeds))
    around = bound(LAM[:1], GAMMA[:1], alone[None, :, 0])[0, 1]
    compared = [
        share(
            f"chains inside, lambda {lam:g}, gamma {gamma:g}, generation {t}, delta {delta:g}",
            bounds.coverage(delta, t),
            error[i, :, t] <= limit[i, j, :, t],
        )
        for i, (lam, gamma) in enumerate(zip(LAM, GAMMA, strict=True))
        for t in TIMES
        for j, delta in enumerate(DELTAS)
    ]
    return Finding(
        hypotheses={
            "lambda (1 + eps L / alpha) < (1 + gamma) / (2 + gamma)": bool(
                np.all(rates.gillman_condition(LAM, GAMMA, 0.0))
            ),
            "L = 0: the Hessian in theta does not depend on x": mean_loop.hessian_varies() < 1e-12,
            "all generations of all chains stay in the neighbourhood": bool(error.max() < mean_loop.REACH),
            "Assumption 4: the first step's error is inside the fluctuation with probability 1 - delta": all(
                not fails(one) for one in assumption(seeds)
            ),
        },
        comparisons=compared,
        control=Control(
            "without real data, with the synthetic points of lambda 0.3, the error leaves the bound",
            share(
                "chains inside, real data discarded, generation 30, delta 0.01", 0.99**30, alone[:, 30] <= around[:, 30]
            ),
        ),
        figure=lines(
            [
                Line(
                    f"lambda {lam:g}, gamma {gamma:g}",
                    TIME,
                    limit[i, 0].mean(0),
                    np.quantile(error[i], 0.95, axis=0),
                )
                for i, (lam, gamma) in enumerate(zip(LAM, GAMMA, strict=True))
            ],
            "generation",
            "bound, delta 0.05 (line), 95 % of chains (points)",
            yscale="log",
        ),
    )


def bound(lam: np.ndarray, gamma: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The bound [G, deltas, S, T + 1] of chains with first errors ``start`` [G, S]."""
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
    source="Gillman et al., ICML 2024 (arXiv 2402.07087), Theorem 4.3",
    statement="If lambda (1 + eps L / alpha) < (1 + gamma) / (2 + gamma), then with probability (1 - delta)^t "
    "|theta_t - theta*| <= (a / sqrt n) sqrt(log(b / delta)) sum_{i <= t} q^i + q^t |theta_0 - theta*|, where "
    "q = rho / (1 + gamma), rho = lambda (alpha + eps L) / (alpha - lambda (alpha + eps L)).",
    check=check,
)
