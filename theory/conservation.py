"""What every workflow conserves: the expected covariance and squared error of the fit add up to the truth."""

import numpy as np

from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width
from theory.shared.replaced import gaussians
from theory.shared.workflows import GAMMA, GENERATIONS, WORKFLOWS, predicted, workflows


def kept() -> np.ndarray:
    """E[Sigma_t + e_t e_t^T] in units of Sigma*: the identity."""
    return np.eye(2)


def check(effort: Effort) -> Finding:
    """Five workflows, without and with correction; then the same with fits divided by n - 1."""
    seeds = 10 * effort.seeds
    measured = workflows(seeds)
    bessel = {name: one[1, :, 0] for name, one in gaussians(200 * effort.seeds).items()}
    compared = []
    for name in WORKFLOWS:
        for gamma, second in zip(GAMMA, measured[name]["second"].mean(2), strict=True):
            compared.append(mean(f"{name}, gamma {gamma:g}: diagonal", kept()[0, 0], (second[:, 0] + second[:, 2]) / 2))
            compared.append(mean(f"{name}, gamma {gamma:g}: off the diagonal", kept()[0, 1], second[:, 1]))
    t, traces = np.arange(GENERATIONS + 1), {name: measured[name]["trace"][0] for name in WORKFLOWS}
    return Finding(
        hypotheses={
            "all states finite": all(np.isfinite(one["second"]).all() for one in measured.values()),
            "covariance lost by generation 10 in every workflow (gamma 0), so that there is something to conserve": all(
                float(trace[:, -1].mean()) < 0.97 for trace in traces.values()
            ),
        },
        comparisons=compared,
        control=Control(
            "with fits that divide by n - 1 the covariance is unbiased and the sum is not conserved",
            mean("unbiased fits, d = 1, n = 3, t = 0", 1.0, bessel["variance"] + bessel["mean"] ** 2),
        ),
        figure=lines(
            [
                Line(name, t, 1 - predicted(name, 0.0), trace.mean(0), half_width(trace))
                for name, trace in traces.items()
            ],
            "generation",
            "E tr Sigma / d, gamma 0",
        ),
    )


CLAIM = Claim(
    name="conservation",
    source="derived here: E[x x^T] of the training set is the truth's, given that of the generation before",
    statement="For a Gaussian of unknown mean and covariance fitted by maximum likelihood, E[Sigma_t + e_t e_t^T] = "
    "Sigma* in every generation, workflow (fresh, re-used, accumulated, subsampled, replaced), lambda and gamma. "
    "Means over generations 0 to 10, n = m = 5, in units of Sigma*.",
    check=check,
    slips=(
        Slip("the covariance alone: 1 - 1 / n", kept, lambda right: 0.8 * right()),
        Slip("unbiased fits: 1 + 1 / n", kept, lambda right: 1.2 * right()),
        Slip("correlated coordinates", kept, lambda right: right() + 0.1),
    ),
)
