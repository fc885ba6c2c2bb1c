"""How much fresh real data should count beside synthetic: at n = m a golden ratio, less with correction."""

from collections.abc import Callable
from functools import cache
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
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N = 2
GENERATIONS = 30
SETTLED = 8
CASES = ((0.0, 1.0), (0.5, 1.0), (0.5, 2.0))
"""gamma, and k = n / m."""


def moved(gamma: jax.Array) -> Callable[[jax.Array, Batch, Any], tuple[Batch, dict[str, jax.Array]]]:
    """Shift all samples by (1 - tau) of the way from the model's mean to the truth's, which is 0.

    That is the OT geodesic of laws of one covariance; it adds no variance.
    """

    def correct(key: jax.Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, jax.Array]]:
        x = batch.x - (1 - 1 / (1 + gamma)) * state.mean[None]
        return batch._replace(x=x), report(batch, x)

    return correct


@cache
def measured(synthetic: int, shares: tuple[float, ...], gamma: float, seeds: int) -> np.ndarray:
    """n / sigma^2 times the squared mean, over the settled generations [shares, S].

    The model is a Gaussian's mean, on n fresh real points of weight x and synthetic ones of weight 1 - x.
    """

    def build(key: jax.Array, share: jax.Array) -> Loop:
        source = sources.fresh(lambda key: uniform(jax.random.normal(key, (N, 1), jnp.float64)))
        model = gaussian_mean(np.eye(1), jnp.float64)
        return Loop(model, policies.weighted(share), source, synthetic, moved(jnp.asarray(gamma)))

    path = chains(build, np.array(shares), seeds, GENERATIONS, lambda result: result.state.mean[0] ** 2, seed=3)
    return N * path[:, :, SETTLED:].mean(2)


def on(grid: np.ndarray, shares: np.ndarray, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and half widths of samples [shares, S] at the shares' places on a grid, NaN elsewhere."""
    means, widths = np.full((2, grid.size), np.nan)
    place = np.searchsorted(grid, shares)
    means[place], widths[place] = samples.mean(1), half_width(samples.T)
    return means, widths


def check(effort: Effort) -> Finding:
    """Stationary variances at the best weight and beside it, on the same random numbers."""
    best = {case: float(golden.optimal_weight(case[1], case[0])) for case in CASES}
    shares = {case: (x, 0.35, 0.5, 0.8) for case, x in best.items()}
    variance = {case: measured(round(N / case[1]), shares[case], case[0], 25 * effort.seeds) for case in CASES}
    predicted = {case: golden.stationary_variance(np.array(shares[case]), case[1], case[0]) for case in CASES}
    compared = []
    for case, x in best.items():
        named = f"gamma {case[0]:g}, k {case[1]:g}"
        compared.append(mean(f"{named}: variance at the best weight is that weight", x, variance[case][0]))
        for share, one, found in zip(shares[case][1:], predicted[case][1:], variance[case][1:], strict=True):
            compared.append(mean(f"{named}, weight {share:g}: variance", one, found))
            if one > 1.03 * x:
                compared.append(
                    mean(f"{named}, weight {share:g}: not below the best", 0.0, found - variance[case][0], ">=")
                )
    grid = np.union1d(np.linspace(0.25, 1, 61), np.concatenate(list(shares.values())))
    pooled = variance[CASES[0]]
    return Finding(
        hypotheses={
            "the best weight lies between nothing and all": all(0 < x < 1 for x in best.values()),
        },
        comparisons=[
            *compared,
            identity("best weight at n = m, gamma 0: 1 / golden ratio", (5**0.5 - 1) / 2, best[CASES[0]], 1e-12),
            *(
                identity(
                    f"gamma {g:g}, k {k:g}: tau² x² + (1 + k - tau²) x at the best x",
                    k,
                    (x / (1 + g)) ** 2 + (1 + k - (1 + g) ** -2) * x,
                    1e-12,
                )
                for (g, k), x in best.items()
            ),
        ],
        control=Control(
            "plain pooling, which weighs all 2 n points alike, is best",
            mean("gamma 0, k 1: variance of pooling, beside the best", best[CASES[0]], pooled[2]),
        ),
        figure=lines(
            [
                Line(
                    f"gamma {case[0]:g}, k {case[1]:g}",
                    grid,
                    golden.stationary_variance(grid, case[1], case[0]),
                    *on(grid, np.array(shares[case]), one),
                )
                for case, one in variance.items()
            ],
            "weight of the real data",
            "stationary variance n / sigma^2",
        ),
        definitions=["stationary: the slowest setting has forgotten generation 0 to 1e-3 when it is first measured"],
    )


CLAIM = Claim(
    name="golden_ratio",
    source=f"He, Xu, Cheng 2025 (arXiv 2502.18049; {RECALLED}) for gamma = 0; with correction derived here",
    statement="n fresh real points of total weight x, m synthetic ones of weight 1 - x, k = n / m: the stationary "
    "variance f(x) sigma^2 / n is least where tau^2 x^2 + (1 + k - tau^2) x = k, and there f(x) = x; without "
    "correction and at k = 1 that is 1 / golden ratio = 0.618.",
    check=check,
    slips=(
        Slip(
            "tau for tau²", golden.stationary_variance, lambda right, x, k, gamma: right(x, k, (1 + gamma) ** 0.5 - 1)
        ),
        Slip("k left out", golden.stationary_variance, lambda right, x, k, gamma: right(x, 1.0, gamma)),
        Slip("a factor 2", golden.stationary_variance, scaled(2.0)),
        Slip(
            "1 - x for (1 - x)² below",
            golden.stationary_variance,
            lambda right, x, k, gamma: (x**2 + k * (1 - x) ** 2) / (1 - (1 - x) / (1 + gamma) ** 2),
        ),
        Slip("plain pooling: k / (1 + k)", golden.optimal_weight, lambda right, k, gamma: k / (1 + k)),
        Slip("k left out of the best weight", golden.optimal_weight, lambda right, k, gamma: right(1.0, gamma)),
    ),
)
