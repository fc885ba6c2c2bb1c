"""The logarithm of a Gaussian's variance is a random walk that drifts down, even where the variance is unbiased."""

import math

import numpy as np
from scipy.special import digamma, polygamma

from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import half_width
from theory.shared.replaced import GENERATIONS, N, gaussians

KINDS = ("maximum likelihood", "unbiased")


def drift(kind: str, m: int) -> float:
    """psi((m - 1) / 2) + log(2 / m), or psi((m - 1) / 2) - log((m - 1) / 2), a generation."""
    return float(digamma((m - 1) / 2) - math.log((m if kind == KINDS[0] else m - 1) / 2))


def step_variance(m: int) -> float:
    """psi'((m - 1) / 2)."""
    return float(polygamma(1, (m - 1) / 2))


def check(effort: Effort) -> Finding:
    """Drift and variance of log Sigma a generation, for both kinds of fit, of 3 points, over 16 generations."""
    logs = dict(zip(KINDS, np.log(gaussians(200 * effort.seeds)["variance"]), strict=True))
    t, steps = np.arange(GENERATIONS + 1), {kind: np.diff(log, axis=1) for kind, log in logs.items()}
    return Finding(
        hypotheses={
            "all variances positive": bool(np.isfinite(logs["unbiased"]).all()),
        },
        comparisons=[
            *(mean(f"drift of log Sigma, {kind}", drift(kind, N), steps[kind].mean(1)) for kind in KINDS),
            *(
                mean(f"variance of a step, {kind}", step_variance(N), ((steps[kind] - steps[kind].mean()) ** 2).mean(1))
                for kind in KINDS
            ),
            identity(
                "drift times m / 2 at m = 1e4 (collapse in m generations)", -1.0, 5e3 * drift(KINDS[0], 10_000), 1e-3
            ),
        ],
        control=Control(
            "to first order: -1 / (m - 1) for unbiased fits",
            mean("drift of log Sigma, unbiased", -1 / (N - 1), steps["unbiased"].mean(1)),
        ),
        figure=lines(
            [Line(kind, t, (t + 1) * drift(kind, N), logs[kind].mean(0), half_width(logs[kind])) for kind in KINDS],
            "generation",
            "E log Sigma",
        ),
    )


CLAIM = Claim(
    name="log_drift",
    source=f"Suresh et al. 2025 (arXiv 2412.17646, {RECALLED}) for the rate; the exact drift is derived here",
    statement="Fully synthetic Gaussian loop, m points: log Sigma moves by psi((m - 1) / 2) + log(2 / m) ~ -2 / m a "
    "generation (maximum likelihood) or psi((m - 1) / 2) - log((m - 1) / 2) ~ -1 / (m - 1) (unbiased), with variance "
    "psi'((m - 1) / 2): sigma is about 0 after some m generations, though E Sigma may be constant.",
    check=check,
    slips=(
        Slip(
            "first order: -2 / m, -1 / (m - 1)",
            drift,
            lambda right, kind, m: -2 / m if kind == KINDS[0] else -1 / (m - 1),
        ),
        Slip(
            "m for m - 1 in psi", drift, lambda right, kind, m: right(kind, m) + digamma(m / 2) - digamma((m - 1) / 2)
        ),
        Slip("a factor 2: sigma for Sigma", drift, scaled(0.5)),
        Slip("first order: 2 / (m - 1)", step_variance, lambda right, m: 2 / (m - 1)),
        Slip("m for m - 1 in psi'", step_variance, lambda right, m: right(m + 1)),
    ),
)
