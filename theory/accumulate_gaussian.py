"""Keeping all data bounds the loss of a Gaussian's variance: a sinc in place of 0."""

import math

import numpy as np

from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.accumulated import GENERATIONS, N, gaussians
from theory.shared.chains import half_width

Z = math.pi / math.sqrt(N)
SINC = math.sin(Z) / Z


def check(effort: Effort) -> Finding:
    """Expected covariance and squared error of the mean after 160 generations of 10 points."""
    chains = gaussians(5 * effort.seeds)
    variance, square = chains["variance"][0], chains["mean"][0] ** 2
    s = np.asarray(recursions.accumulate(N, N, 0.0, -1.0, GENERATIONS))
    t = np.arange(GENERATIONS + 1)
    shown = slice(0, None, 10)
    return Finding(
        hypotheses={
            "the recursion is the product prod (1 - 1 / (n i^2))": bool(
                np.allclose(1 - s, np.cumprod(1 - 1 / (N * np.arange(1, GENERATIONS + 2) ** 2.0)), rtol=1e-12)
            ),
            "at generation 160 it is within 0.001 of its limit sinc(pi / sqrt n)": bool(abs(1 - s[-1] - SINC) < 1e-3),
        },
        comparisons=[
            *(mean(f"E Sigma, t = {one}", 1 - s[one], variance[:, one]) for one in (1, 10, GENERATIONS)),
            *(mean(f"E e^2, t = {one}", s[one], square[:, one]) for one in (1, 10, GENERATIONS)),
        ],
        control=Control(
            "the loss that as many generations of replacement make",
            mean("E Sigma, t = 160", (1 - 1 / N) ** (GENERATIONS + 1), variance[:, -1]),
        ),
        figure=lines(
            [
                Line("E Sigma", t[shown], 1 - s[shown], variance.mean(0)[shown], half_width(variance)[shown]),
                Line("sinc(pi / sqrt n)", t[shown], np.full(t[shown].size, SINC), dashed=True),
                Line("replacement", t[shown], (1 - 1 / N) ** (t[shown] + 1), dashed=True),
            ],
            "generation",
            "E Sigma / Sigma*",
        ),
    )


CLAIM = Claim(
    name="accumulate_gaussian",
    source="Kazdan et al. 2024 (arXiv 2410.16713)",
    statement="All data kept, n real points and n new synthetic ones a generation: E Sigma_t = Sigma* "
    "prod_{i=1}^{t+1} (1 - 1 / (n i^2)) -> sinc(pi / sqrt n) Sigma*, and E |e_t|^2 -> (1 - sinc(pi / sqrt n)) "
    "tr Sigma*, where replacement loses all.",
    check=check,
)
