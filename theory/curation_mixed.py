"""Curation beside real data: the reward rises by a known amount, and the law stays near the data."""

from functools import cache

import numpy as np

from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, at_least, at_most, equal
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.curation import REWARD, START, gain, path, spread

LAM = np.array([0.02, 0.3, 0.5, 0.9, 2.0, np.inf])
CHOICES, T = 2, 60


def rise(lam: np.ndarray) -> np.ndarray:
    """lambda (K - 1) Var(e^r) / ((1 + lambda)^3 K e^r_max)."""
    return lam / (1 + lam) ** 3 * (1 - 1 / CHOICES) * spread(START) / np.exp(REWARD.max())


def divergence(lam: np.ndarray) -> np.ndarray:
    """-log(1 - lambda (K - 1))."""
    return -np.log(1 - lam * (CHOICES - 1))


@cache
def populations() -> np.ndarray:
    """p_t [lambdas, T + 1, 5]."""
    return path(CHOICES, LAM, T)


def check(effort: Effort) -> Finding:
    """The population loop over five symbols, K = 2, for lambdas on both sides of 1 / (K - 1) = 1."""
    p = populations()
    reached, near = gain(p), LAM < 1 / (CHOICES - 1)
    kl = np.sum(p[:, 1:] * np.log(np.maximum(p[:, 1:], 1e-300) / START), -1).max(1)
    bound = divergence(LAM[near])
    times = np.arange(T + 1)
    return Finding(
        hypotheses={
            "the loop starts at the data": bool(np.allclose(p[:, 0], START)),
        },
        comparisons=[
            *(
                at_least(
                    f"least rise of E e^r above the data's, all generations, lambda {lam:g}",
                    one,
                    row[1:].min() - gain(START),
                )
                for lam, one, row in zip(LAM[:-1], rise(LAM[:-1]), reached, strict=False)
            ),
            *(
                at_most(f"largest KL(p_t || p_data) of all generations, lambda {lam:g}", one, found)
                for lam, one, found in zip(LAM, bound, kl, strict=False)
            ),
            *(
                equal(f"E e^r where it settles, lambda {lam:g}, beside the map written out", one, row[-1], 1e-9)
                for lam, one, row in zip(LAM, map(_settled, LAM), reached, strict=True)
            ),
        ],
        control=Control(
            "without real data it goes farther from them than any lambda of 0.75 would",
            at_most("KL(p_t || p_data), no real data, beside the bound of lambda 0.75", divergence(0.75), kl[-1]),
        ),
        figure=lines(
            [
                *(Line(f"lambda {lam:g}", times[:21], row[:21]) for lam, row in zip(LAM, reached, strict=True)),
                Line("data", times[:21], np.full(21, gain(START)), dashed=True),
            ],
            "generation",
            "E e^r, K = 2",
        ),
        definitions=["lambda < 1 / (K - 1) = 1 where the divergence is bounded"],
    )


def _settled(lam: float) -> float:
    """E e^r where q -> (p + lam q H_2) / (1 + lam) settles, H_2 summed over the five symbols of the other choice."""
    wins = 2 / (1 + np.exp(REWARD[None] - REWARD[:, None]))
    q, real = START, 1 / (1 + lam)
    for _ in range(T):
        q = real * START + (1 - real) * q * (wins @ q)
        q = q / q.sum()
    return float(gain(q))


CLAIM = Claim(
    name="curation_mixed",
    source="Ferbach et al., NeurIPS 2024 (arXiv 2407.09499), Theorems 2.3 and 2.4, from a note that quotes them; "
    f"{RECALLED}",
    statement="With real data, E_t e^r >= E_data e^r + lambda (K - 1) Var_data(e^r) / ((1 + lambda)^3 K e^r_max), and "
    "if lambda < 1 / (K - 1), KL(p_t || p_data) <= -log(1 - lambda (K - 1)).",
    check=check,
    slips=(
        Slip("a factor 2", rise, scaled(2.0)),
        Slip("(1 + lambda)^3 left out", rise, lambda right, lam: right(lam) * (1 + lam) ** 3),
        Slip("e^r_max left out", rise, lambda right, lam: right(lam) * np.exp(REWARD.max())),
        Slip("the law of two choices without its factor 2", _settled, lambda right, lam: right(lam / 2)),
        Slip("K = 2 curation of no real data", _settled, lambda right, lam: right(np.inf)),
    ),
)
