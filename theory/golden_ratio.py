"""How much fresh real data should count beside synthetic: at n = m a golden ratio, less with correction."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.correctors.strength import report
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Loop
from selfloop.stability import golden
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

N = 10
GENERATIONS = 40
SETTLED = 10
GAMMA = (0.0, 0.5)


def moved(gamma: jax.Array) -> Callable[[jax.Array, Batch, Any], tuple[Batch, dict[str, jax.Array]]]:
    """Shift all samples by (1 - tau) of the way from the model's mean to the truth's, which is 0.

    That is the OT geodesic of laws of one covariance; it adds no variance.
    """

    def correct(key: jax.Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, jax.Array]]:
        x = batch.x - (1 - 1 / (1 + gamma)) * state.mean[None]
        return batch._replace(x=x), report(batch, x)

    return correct


def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
    """A Gaussian's mean, n fresh real points of weight x and n synthetic ones of weight 1 - x."""
    source = sources.fresh(lambda key: uniform(jax.random.normal(key, (N, 1), jnp.float64)))
    model = gaussian_mean(np.eye(1), jnp.float64)
    return Loop(model, policies.weighted(setting["share"]), source, N, moved(setting["gamma"]))


def on(grid: np.ndarray, shares: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and half widths of samples [shares, S] at the shares' places on a grid, NaN elsewhere."""
    means, widths = np.full((2, grid.size), np.nan)
    place = np.searchsorted(grid, shares)
    means[place], widths[place] = samples.mean(1), half_width(samples.T)
    return means, widths


def check(effort: Effort) -> Finding:
    """Stationary variances at the best weight and beside it, on the same random numbers."""
    best = {gamma: float(golden.optimal_weight(1.0, gamma)) for gamma in GAMMA}
    shares = np.array([[x, 0.35, 0.5, 0.8] for x in best.values()])
    settings = {"share": shares.ravel(), "gamma": np.repeat(GAMMA, shares.shape[1])}
    path = chains(build, settings, 5 * effort.seeds, GENERATIONS, lambda result: result.state.mean[0] ** 2, seed=3)
    variance = (N * path[:, :, SETTLED:].mean(2)).reshape(*shares.shape, -1)
    predicted = np.asarray(golden.stationary_variance(shares, 1.0, np.array(GAMMA)[:, None]))
    compared = []
    for g, gamma in enumerate(GAMMA):
        compared.append(
            mean(f"gamma {gamma:g}: variance at the best weight is that weight", best[gamma], variance[g, 0])
        )
        for i in (1, 2, 3):
            at = f"gamma {gamma:g}, weight {shares[g, i]:g}"
            compared.append(mean(f"{at}: variance", predicted[g, i], variance[g, i]))
            if predicted[g, i] > 1.03 * best[gamma]:
                compared.append(mean(f"{at}: not below the best", 0.0, variance[g, i] - variance[g, 0], ">="))
    grid = np.union1d(np.linspace(0.25, 1, 61), shares)
    return Finding(
        hypotheses={
            "stationary: the slowest setting has forgotten generation 0 by generation 10": bool(
                (1 - shares.min()) ** (2 * SETTLED) < 1e-3
            ),
            "the best weight solves tau^2 x^2 + (1 + k - tau^2) x = k": all(
                abs(x**2 / (1 + gamma) ** 2 + (2 - 1 / (1 + gamma) ** 2) * x - 1) < 1e-12 for gamma, x in best.items()
            ),
        },
        comparisons=[
            equal("best weight at n = m, gamma 0: 1 / golden ratio", (5**0.5 - 1) / 2, best[0.0], 1e-12),
            *compared,
        ],
        control=Control(
            "plain pooling, which weighs all 2 n points alike, is best",
            mean("gamma 0: pooling less the best weight", 0.0, variance[0, 0] - variance[0, 2], ">="),
        ),
        figure=lines(
            [
                Line(f"gamma {gamma:g}", grid, golden.stationary_variance(grid, 1.0, gamma), *on(grid, shares[g], one))
                for g, (gamma, one) in enumerate(zip(GAMMA, variance, strict=True))
            ],
            "weight of the real data",
            "stationary variance n / sigma^2",
        ),
    )


CLAIM = Claim(
    name="golden_ratio",
    source="He, Xu, Cheng 2025 (arXiv 2502.18049) for gamma = 0; with correction derived here",
    statement="n fresh real points of total weight x, m synthetic ones of weight 1 - x, k = n / m: the stationary "
    "variance f(x) sigma^2 / n is least where tau^2 x^2 + (1 + k - tau^2) x = k, and there f(x) = x; without "
    "correction and at k = 1 that is 1 / golden ratio = 0.618.",
    check=check,
)
