"""Keeping all data bounds the loss of a Gaussian's variance: a sinc in place of 0."""

import math

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early
from theory.shared.accumulated import GENERATIONS, SEEDS, N, gaussians
from theory.shared.chains import half_width


def limit(n: float) -> float:
    """sinc(pi / sqrt n)."""
    return math.sin(math.pi / math.sqrt(n)) / (math.pi / math.sqrt(n))


def kept(n: float) -> np.ndarray:
    """prod_{i=1}^{t+1} (1 - 1 / (n i^2)) [T + 1]."""
    return np.cumprod(1 - 1 / (n * np.arange(1, GENERATIONS + 2) ** 2.0))


def check(effort: Effort) -> Finding:
    """Expected covariance and squared error of the mean after 24 generations of 2 points."""
    chains = gaussians(SEEDS * effort.seeds)
    variance, square = chains["variance"][0], chains["mean"][0] ** 2
    level, end = kept(N), limit(N)
    t, shown = np.arange(GENERATIONS + 1), slice(0, None, 4)
    # of the limit's product the factors i > T + 1 are missing: between 1 - 1 / (n (T + 1)) and 1 - 1 / (n (T + 2))
    rest = 1 - 1 / (N * (GENERATIONS + 1)), 1 - 1 / (N * (GENERATIONS + 2))
    measured = mean("E Sigma in the limit", end, variance[:, -1])
    return Finding(
        hypotheses={
            "generation 0 is one fit to 2 points: E Sigma_0 = Sigma* / 2": bool(
                abs(variance[:, 0].mean() - 0.5) <= half_width(variance[:, 0])
            ),
        },
        comparisons=[
            *(mean(f"E Sigma, t = {one}", level[one], variance[:, one]) for one in (1, 10, GENERATIONS)),
            *(mean(f"E e^2, t = {one}", 1 - level[one], square[:, one]) for one in (1, 10, GENERATIONS)),
            measured._replace(low=measured.low * rest[0], high=measured.high * rest[1]),
            identity(
                "the product over the recursion, t = 24",
                1.0,
                level[-1] / (1 - recursions.accumulate(N, N, 0.0, -1.0, GENERATIONS)[-1]),
                1e-12,
            ),
        ],
        control=Control(
            "the pi² / 6 of a Gaussian whose covariance is known",
            mean("E e^2, t = 24", np.sum(1.0 / (t + 1) ** 2) / N, square[:, -1]),
        ),
        figure=lines(
            [
                Line("E Sigma", t[shown], level[shown], variance.mean(0)[shown], half_width(variance)[shown]),
                Line("sinc(pi / sqrt n)", t[shown], np.full(t[shown].size, end), dashed=True),
                Line("replacement", t[shown], (1 - 1 / N) ** (t[shown] + 1), dashed=True),
            ],
            "generation",
            "E Sigma / Sigma*",
        ),
    )


CLAIM = Claim(
    name="accumulate_gaussian",
    source=f"Kazdan et al. 2024 (arXiv 2410.16713; {RECALLED})",
    statement="All data kept, n real points and n new synthetic ones a generation: E Sigma_t = Sigma* "
    "prod_{i=1}^{t+1} (1 - 1 / (n i^2)) -> sinc(pi / sqrt n) Sigma*, and E |e_t|^2 -> (1 - sinc(pi / sqrt n)) "
    "tr Sigma*, where replacement loses all.",
    check=check,
    slips=(
        Slip("pi² / (6 n) for the sinc", limit, lambda right, n: 1 - math.pi**2 / (6 * n)),
        Slip("n + 1 for n in the sinc", limit, lambda right, n: right(n + 1)),
        Slip(
            "first order: the sum of 1 / (n i²)",
            kept,
            lambda right, n: 1 - np.cumsum(1 / (n * np.arange(1, GENERATIONS + 2) ** 2.0)),
        ),
        Slip("one generation off", kept, early),
        Slip("n + 1 for n", kept, lambda right, n: right(n + 1)),
        Slip("1 / (n i)", kept, lambda right, n: np.cumprod(1 - 1 / (n * np.arange(1, GENERATIONS + 2)))),
    ),
)
