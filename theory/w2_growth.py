"""A Gaussian that trains on its own samples alone: its variance collapses while its distance from the truth grows."""

import math

import numpy as np

from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.replaced import GENERATIONS, N, gaussians

TIMES = (0, 1, 3)


def shrink(m: int) -> float:
    """c(m) = E s / sigma of the unbiased standard deviation of m points."""
    return math.sqrt(2 / (m - 1)) * math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2))


def distance(m: int, k: np.ndarray) -> np.ndarray:
    """E W2^2 / sigma^2 after k fits: k / m + 2 - 2 c(m)^k."""
    return k / m + 2 - 2 * shrink(m) ** k


def deviation(m: int, k: np.ndarray) -> np.ndarray:
    """E sigma after k fits: c(m)^k."""
    return shrink(m) ** k


def check(effort: Effort) -> Finding:
    """Fits with unbiased variance, from the truth: W2 to the truth, mean variance and mean standard deviation."""
    chains = gaussians(200 * effort.seeds)
    spread = np.sqrt(chains["variance"][1])
    w2 = chains["mean"][1] ** 2 + (spread - 1) ** 2
    t = np.arange(GENERATIONS + 1)
    exact, narrow = distance(N, t + 1), deviation(N, t + 1)
    return Finding(
        hypotheses={
            "fits are unbiased: E Sigma_0 = Sigma*": bool(
                abs(chains["variance"][1][:, 0].mean() - 1) <= half_width(chains["variance"][1][:, 0])
            ),
        },
        comparisons=[
            *(mean(f"E W2^2, t = {one}", exact[one], w2[:, one]) for one in TIMES),
            *(mean(f"E sigma, t = {one}", narrow[one], spread[:, one]) for one in (0, 1, 3)),
            mean("E Sigma, t = 1", 1.0, spread[:, 1] ** 2),
            identity("first order: m E W2^2 after one fit at m = 1e6", 1.5, 1e6 * distance(1_000_000, 1), 1e-3),
        ],
        control=Control(
            "to first order, 3 k / (2 m)",
            mean("E W2^2, t = 1", 3 / N, w2[:, 1]),
        ),
        figure=lines(
            [
                Line("E W2^2", t[:13], exact[:13], w2.mean(0)[:13], half_width(w2)[:13]),
                Line("E sigma", t[:13], narrow[:13], spread.mean(0)[:13], half_width(spread)[:13]),
                Line("first order 3 (t + 1) / (2 m)", t[:13], 1.5 * (t + 1)[:13] / N, dashed=True),
            ],
            "generation",
            "in units of sigma*",
        ),
    )


CLAIM = Claim(
    name="w2_growth",
    source=f"Shumailov et al., Nature 2024 (arXiv 2305.17493), {RECALLED}: first order; the exact form is derived here",
    statement="Fully synthetic, unbiased mean and variance of m points: E W2^2 / sigma^2 = k / m + 2 - 2 c(m)^k after "
    "k fits, c(m) = sqrt(2 / (m - 1)) Gamma(m / 2) / Gamma((m - 1) / 2), to first order 3 k / (2 m); E sigma = c^k "
    "falls to 0 while E Sigma stays.",
    check=check,
    slips=(
        Slip("first order: 3 k / (2 m)", distance, lambda right, m, k: 1.5 * k / m if m < 1e5 else right(m, k)),
        Slip("m - 1 for m", distance, lambda right, m, k: right(m, k) + k / (m - 1) - k / m),
        Slip("one fit off", distance, lambda right, m, k: right(m, k - 1)),
        Slip("c² for c", deviation, lambda right, m, k: right(m, 2 * k)),
        Slip("c = 1 - 1 / (4 m), to first order", deviation, lambda right, m, k: (1 - 1 / (4 * m)) ** k),
        Slip("one fit off in E sigma", deviation, lambda right, m, k: right(m, k - 1)),
    ),
)
