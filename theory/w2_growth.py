"""A Gaussian that trains on its own samples alone: its variance collapses while its distance from the truth grows."""

import math

import numpy as np

from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.replaced import GENERATIONS, N, gaussians

TIMES = (2, 5, 10)


def shrink(m: int) -> float:
    """c(m) = E s / sigma of the unbiased standard deviation of m points."""
    return math.sqrt(2 / (m - 1)) * math.exp(math.lgamma(m / 2) - math.lgamma((m - 1) / 2))


def check(effort: Effort) -> Finding:
    """Fits with unbiased variance, from the truth: W2 to the truth, mean variance and mean standard deviation."""
    chains = gaussians(5 * effort.seeds)
    spread, biased_spread = np.sqrt(chains["variance"][1]), np.sqrt(chains["variance"][0])
    w2 = chains["mean"][1] ** 2 + (spread - 1) ** 2
    biased = chains["mean"][0] ** 2 + (biased_spread - 1) ** 2
    t, c = np.arange(GENERATIONS + 1), shrink(N)
    exact = (t + 1) / N + 2 - 2 * c ** (t + 1)
    return Finding(
        hypotheses={
            "n = m = 10 points a generation, fits unbiased: E Sigma_0 = Sigma*": bool(
                abs(chains["variance"][1][:, 0].mean() - 1) <= half_width(chains["variance"][1][:, 0])
            ),
        },
        comparisons=[
            *(mean(f"E W2^2, t = {one}", exact[one], w2[:, one]) for one in TIMES),
            *(mean(f"E sigma, t = {one}", c ** (one + 1), spread[:, one]) for one in (5, 20)),
            mean("E Sigma, t = 5", 1.0, spread[:, 5] ** 2),
            equal("first order: m (dE W2^2 / dt) at m = 1e6", 1.5, 1e6 * (1e-6 + 2 - 2 * shrink(1_000_000)), 1e-3),
        ],
        control=Control(
            "the same formula for maximum likelihood fits, whose variance is biased",
            mean("E W2^2, t = 10", exact[10], biased[:, 10]),
        ),
        figure=lines(
            [
                Line("E W2^2", t[:13], exact[:13], w2.mean(0)[:13], half_width(w2)[:13]),
                Line("E sigma", t[:13], c ** (t + 1)[:13], spread.mean(0)[:13], half_width(spread)[:13]),
                Line("first order 3 (t + 1) / (2 m)", t[:13], 1.5 * (t + 1)[:13] / N, dashed=True),
            ],
            "generation",
            "in units of sigma*",
        ),
    )


CLAIM = Claim(
    name="w2_growth",
    source="Shumailov et al., Nature 2024 (arXiv 2305.17493): first order; the exact form is derived here",
    statement="Fully synthetic, unbiased mean and variance of m points: E W2^2 / sigma^2 = k / m + 2 - 2 c(m)^k after "
    "k fits, c(m) = sqrt(2 / (m - 1)) Gamma(m / 2) / Gamma((m - 1) / 2), to first order 3 k / (2 m); E sigma = c^k "
    "falls to 0 while E Sigma stays.",
    check=check,
)
