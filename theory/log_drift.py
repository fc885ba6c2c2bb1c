"""The logarithm of a Gaussian's variance is a random walk that drifts down, even where the variance is unbiased."""

import math

import numpy as np
from scipy.special import digamma, polygamma

from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.replaced import GENERATIONS, N, gaussians

FREEDOM = (N - 1) / 2
DRIFT = {
    "maximum likelihood": float(digamma(FREEDOM) + math.log(2 / N)),
    "unbiased": float(digamma(FREEDOM) - math.log(FREEDOM)),
}


def check(effort: Effort) -> Finding:
    """Drift and variance of log Sigma a generation, for both kinds of fit, over 20 generations."""
    logs = dict(zip(DRIFT, np.log(gaussians(5 * effort.seeds)["variance"]), strict=True))
    t, spread = np.arange(GENERATIONS + 1), float(polygamma(1, FREEDOM))
    steps = {kind: np.diff(log, axis=1) for kind, log in logs.items()}
    return Finding(
        hypotheses={
            "all variances positive": bool(np.isfinite(logs["unbiased"]).all()),
        },
        comparisons=[
            *(mean(f"drift of log Sigma, {kind}", drift, steps[kind].mean(1)) for kind, drift in DRIFT.items()),
            *(
                mean(f"variance of a step, {kind}", spread, ((steps[kind] - drift) ** 2).mean(1))
                for kind, drift in DRIFT.items()
            ),
            mean(
                "log sigma after 20 generations, maximum likelihood: like -t / m",
                GENERATIONS * DRIFT["maximum likelihood"] / 2,
                (logs["maximum likelihood"][:, -1] - logs["maximum likelihood"][:, 0]) / 2,
            ),
            equal("drift times m / 2 at m = 1e4 (collapse in m generations)", -1.0, drift_of_many(), 1e-3),
        ],
        control=Control(
            "no drift, since E Sigma is constant for unbiased fits",
            mean("drift of log Sigma, unbiased", 0.0, steps["unbiased"].mean(1)),
        ),
        figure=lines(
            [
                Line(kind, t, (t + 1) * drift, logs[kind].mean(0), half_width(logs[kind]))
                for kind, drift in DRIFT.items()
            ],
            "generation",
            "E log Sigma",
        ),
    )


def drift_of_many(m: int = 10_000) -> float:
    """m / 2 times the drift of log Sigma under maximum likelihood fits of m points."""
    return m / 2 * float(digamma((m - 1) / 2) + math.log(2 / m))


CLAIM = Claim(
    name="log_drift",
    source="Suresh et al. 2025 (arXiv 2412.17646) for the rate; the exact drift is derived here",
    statement="Fully synthetic Gaussian loop, m points: log Sigma moves by psi((m - 1) / 2) + log(2 / m) ~ -2 / m a "
    "generation (maximum likelihood) or psi((m - 1) / 2) - log((m - 1) / 2) ~ -1 / (m - 1) (unbiased), with variance "
    "psi'((m - 1) / 2): sigma is about 0 after some m generations, though E Sigma may be constant.",
    check=check,
)
