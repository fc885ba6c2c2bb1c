"""The stationary error of loops of few samples that a Markov kernel corrects: it adds no variance of its own."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.models.exponential import gaussian_mean
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop
from selfloop.stability import mixing, recursions
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.shared import kernels
from theory.shared.chains import chains, half_width

KAPPA, K = 0.5**0.5, 2.0
"""Two steps leave half of the mean's error, and a quarter of the variance's."""
M, N, REAL = 3, 4, 8
"""Samples without real data; real points, and samples beside them."""
T, SETTLED = 20, 8


def check(effort: Effort) -> Finding:
    """Gaussian means alone, without and with real data, and a Gaussian's variance; the mean of generations 8 to 20."""
    alone, beside, variance = _measured(5 * effort.seeds)
    tau = KAPPA**K
    replaced = (1 / M) / (1 - tau**2 - tau * (1 - tau) / M)
    limit = {
        "alone": float(mixing.mean_stationary(0, M, KAPPA, K)),
        "beside": float(mixing.mean_stationary(N, REAL, KAPPA, K)),
        "variance": float(mixing.variance_stationary(M, KAPPA, K)),
    }
    t = np.arange(T + 1)
    return Finding(
        hypotheses={
            "the loops have settled: the last generations differ from the measured ones by less than 5 %": all(
                abs(one[:, -3:].mean() / one[:, SETTLED:].mean() - 1) < 0.05 for one in (alone, beside, variance)
            ),
            "replacement of the same gamma would settle elsewhere": abs(
                float(recursions.replace_limit(M, 1 / tau - 1, 0.0)) - replaced
            )
            < 1e-9,
        },
        comparisons=[
            mean(f"{M} samples alone: E e²", limit["alone"], alone[:, SETTLED:].mean(1)),
            mean(f"{N} real points, {REAL} samples: E e²", limit["beside"], beside[:, SETTLED:].mean(1)),
            mean(f"{M} samples alone: E variance", limit["variance"], variance[:, SETTLED:].mean(1)),
        ],
        control=Control(
            "the kernel adds tau (1 - tau) e² to a sample's variance, as replacement does",
            mean(f"{M} samples alone: E e²", replaced, alone[:, SETTLED:].mean(1)),
        ),
        figure=lines(
            [
                Line("e², samples alone", t, np.full(T + 1, limit["alone"]), alone.mean(0), half_width(alone)),
                Line("e², real data beside", t, np.full(T + 1, limit["beside"]), beside.mean(0), half_width(beside)),
                Line("variance, alone", t, np.full(T + 1, limit["variance"]), variance.mean(0), half_width(variance)),
            ],
            "generation",
            "in units of the true variance",
        ),
    )


@cache
def _measured(seeds: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """e² alone, e² beside real data, and the variance alone, each [S, T + 1]."""
    square = lambda result: result.state.mean[0] ** 2  # noqa: E731
    spread = lambda result: result.state.covariance[0, 0]  # noqa: E731
    means, whole = gaussian_mean(np.eye(1), jnp.float64), gaussian(1, jnp.float64)
    cells = ((means, 0.0, M, square), (means, REAL / N, N, square), (whole, 0.0, M, spread))
    return tuple(chains(_loop(model, lam, n), np.zeros(1), seeds, T, measure)[0] for model, lam, n, measure in cells)


def _loop(model, lam: float, n: int):
    def build(key: jax.Array, _: jax.Array) -> Loop:
        real = sources.fixed(uniform(jax.random.normal(key, (n, 1), jnp.float64)))
        policy = policies.augment(lam) if lam else policies.replace()
        return Loop(model, policy, real, REAL if lam else M, kernels.ornstein_uhlenbeck(KAPPA, K))

    return build


CLAIM = Claim(
    name="kernel_stationary",
    source="derived here (docs/correctors.md)",
    statement="With r = w kappa^k, the loop of Gaussian means settles at (1 - w)² / (n (1 - r)²) + w² / (m (1 - r²)), "
    "and a Gaussian's variance without real data at (1 - 1/m)(1 - q) / (1 - (1 - 1/m) q), q = kappa^(2k).",
    check=check,
    slips=(
        Slip("(1 - r²) for (1 - r)²", mixing.mean_stationary, lambda right, n, m, kappa, k: _slipped(n, m, kappa**k)),
        Slip(
            "kappa^k for kappa^(2k)",
            mixing.variance_stationary,
            lambda right, m, kappa, k: right(m, kappa, k / 2),
        ),
        Slip("no 1/m", mixing.variance_stationary, lambda right, m, kappa, k: 1.0),
    ),
)


def _slipped(n: float, m: float, left: float) -> float:
    w = m / (n + m)
    r = w * left
    return ((1 - w) ** 2 / n if n else 0.0) / (1 - r**2) + w**2 / (m * (1 - r**2))
