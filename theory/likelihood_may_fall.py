"""Corrected samples need not be likelier under p*: a statement that is often taken for the definition, and is false."""

import jax
import numpy as np
from scipy.stats import norm

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.metrics import discrete as distances
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared import pairs

GAMMA, SCALE = 1.0, 0.5


def check(effort: Effort) -> Finding:
    """N(0, 1/4) corrected toward N(0, 1): nearer to it in every metric, and less likely under it."""
    p, star = pairs.normal(0.0, SCALE), pairs.normal(0.0, 1.0)
    log_star = norm.logpdf(pairs.X)
    before, after = p @ log_star, pairs.corrected(p, star, GAMMA) @ log_star
    gammas = np.linspace(0, 5, 21)
    expected = [pairs.corrected(p, star, g) @ log_star for g in gammas]
    raw, corrected = _sampled(effort.seeds)
    return Finding(
        hypotheses={
            "correction brings p nearer to p* in total variation": bool(
                distances.total_variation(pairs.corrected(p, star, GAMMA), star) < distances.total_variation(p, star)
            ),
            "p is more concentrated than p*": SCALE < 1,
        },
        comparisons=[
            equal(
                "E_q log p* beside tau E_p log p* + (1 - tau) E_* log p*", (before + star @ log_star) / 2, after, 1e-12
            ),
            equal("E_p log p*", -np.log(2 * np.pi) / 2 - SCALE**2 / 2, before, 1e-9),
            mean("samples: log p* of raw ones", before, raw),
            mean("samples: log p* of corrected ones, gamma 1", after, corrected),
            mean("samples: rise of log p*, at most 0", 0, corrected - raw, "<="),
        ],
        control=Control(
            "log p* does not rise",
            mean("samples: rise of log p* by correction, at least 0", 0, corrected - raw, ">="),
        ),
        figure=lines(
            [
                Line("E_q log p*, p = N(0, 1/4)", gammas, expected),
                Line("samples, gamma 1", [GAMMA], None, [corrected.mean()]),
            ],
            "gamma",
            "mean log-likelihood under p*",
        ),
    )


def _sampled(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean log p* [S] of 50 raw samples and of what replacement makes of them."""
    draw = lambda key, n: jax.random.normal(key, (n, 1), float)  # noqa: E731

    def one(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        of_raw, of_correct = jax.random.split(key)
        raw = uniform(SCALE * draw(of_raw, 50))
        moved, _ = replacement(draw, GAMMA)(of_correct, raw, None)
        return tuple(jax.scipy.stats.norm.logpdf(batch.x).mean() for batch in (raw, moved))

    return tuple(np.asarray(x) for x in jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), seeds)))


CLAIM = Claim(
    name="likelihood_may_fall",
    source="derived here, against the verbal description of a corrector in Gillman et al. 2024",
    statement="E_q log p* = tau E_p log p* + (1 - tau) E_* log p*, which falls where p is more concentrated than p*: "
    "from -1.044 to -1.231 for N(0, 1/4) corrected toward N(0, 1) by gamma = 1.",
    check=check,
)
