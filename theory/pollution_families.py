"""Families of equal quality share their noise: more of them help the mean of each, and only so far."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.stability.pollution import expected_web, gaussian_web, stationary_mean_square, stationary_variance
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import half_width

N, T, S = 20, 40, 0.9
FAMILIES = (1, 2, 8)


def check(effort: Effort) -> Finding:
    """E m² of a model among K families that publish alike."""
    found = {k: measured(40 * effort.seeds // k, k) for k in FAMILIES}
    settled = {k: stationary_mean_square(S, 1.0, N, k) for k in FAMILIES}
    own = stationary_variance(S, 1.0, N, 8) / N
    return Finding(
        hypotheses={
            "a model's first mean has the error of one fit, 1 / n": all(
                abs(one[:, 0].mean() - 1 / N) <= half_width(one[:, 0]) for one in found.values()
            ),
        },
        comparisons=[
            *(mean(f"E m² among {k} families", settled[k], found[k][:, T]) for k in FAMILIES),
            mean("among 8 families, beside one's", settled[1], found[8][:, T], "<="),
            mean("among 8 families, beside the last fit's own V / n", own, found[8][:, T], ">="),
        ],
        control=Control(
            "it does not fall as 1 / K: every model has the noise of its own n documents",
            mean("E m² among 2 families, beside half of one's", settled[1] / 2, found[2][:, T]),
        ),
        figure=lines(
            [
                Line(
                    f"{k} families",
                    np.arange(T + 1),
                    np.array(expected_web(S, 1.0, N, k, T))[:, 1],
                    found[k].mean(0),
                    half_width(found[k]),
                )
                for k in FAMILIES
            ],
            "step",
            "squared error of the mean",
        ),
        definitions=["a tenth of the documents kept are human"],
    )


@cache
def measured(seeds: int, families: int) -> np.ndarray:
    """The families' mean m² [S, T + 1]."""
    run = jax.jit(jax.vmap(lambda key: (gaussian_web(key, S, 1.0, N, families, T, jnp.float64).mean ** 2).mean(1)))
    return np.asarray(run(jax.random.split(jax.random.key(families), seeds)))


CLAIM = Claim(
    name="pollution_families",
    source="derived here",
    statement="Of K model families of equal quality in one pool, each has E m² = V / n (1 + s² / (K (1 - s²))): "
    "diversity divides the noise that the pool carries on by K, and leaves that of the last fit and the bias.",
    check=check,
    slips=(
        Slip("K left out", stationary_mean_square, lambda right, s, temperature, n, k: right(s, temperature, n, 1)),
        Slip(
            "one's over K", stationary_mean_square, lambda right, s, temperature, n, k: right(s, temperature, n, 1) / k
        ),
        Slip(
            "the last fit's noise alone",
            stationary_mean_square,
            lambda right, s, temperature, n, k: stationary_variance(s, temperature, n, k) / n,
        ),
        Slip(
            "s for s²",
            stationary_mean_square,
            lambda right, s, temperature, n, k: stationary_variance(s, temperature, n, k) / n * (1 + s / (k * (1 - s))),
        ),
        Slip("a factor 2", stationary_mean_square, scaled(2.0)),
    ),
)
