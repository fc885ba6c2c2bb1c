"""Families of equal quality share their noise: more of them help the mean of each, and only so far."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.stability.pollution import expected_web, gaussian_web, stationary_mean_square, stationary_variance
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width

N, T, S = 50, 60, 0.9
FAMILIES = (1, 2, 8)


def check(effort: Effort) -> Finding:
    """E m² of a model among K families that publish alike."""
    found = {k: measured(effort.seeds, k) for k in FAMILIES}
    settled = {k: stationary_mean_square(S, 1.0, N, k) for k in FAMILIES}
    own = stationary_variance(S, 1.0, N, 8) / N
    return Finding(
        hypotheses={"human documents are kept": S < 1},
        comparisons=[
            *(mean(f"E m² among {k} families", settled[k], found[k][:, T]) for k in FAMILIES),
            mean("among 8 families, beside one's", settled[1], found[8][:, T], "<="),
            mean("among 8 families, beside the last fit's own V / n", own, found[8][:, T], ">="),
        ],
        control=Control(
            "it does not fall as 1 / K: every model has the noise of its own n documents",
            mean("E m² among 8 families, beside an eighth of one's", settled[1] / 8, found[8][:, T]),
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
    )


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
)
