"""Corrected samples need not be likelier under p*: a statement that is often taken for the definition, and is false."""

from functools import cache

import jax
import numpy as np
from scipy.stats import norm

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.metrics import discrete as distances
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, equal, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared import pairs

GAMMAS, SCALE = (1.0, 3.0), 0.5


def expected(gamma: float, before: float, target: float) -> float:
    """tau E_p log p* + (1 - tau) E_* log p*."""
    return (before + gamma * target) / (1 + gamma)


def check(effort: Effort) -> Finding:
    """N(0, 1/4) corrected toward N(0, 1): nearer to it in every metric, and less likely under it."""
    p, star = pairs.normal(0.0, SCALE), pairs.normal(0.0, 1.0)
    log_star = norm.logpdf(pairs.X)
    before, target = p @ log_star, star @ log_star
    gammas = np.linspace(0, 5, 21)
    raw, *corrected = _sampled(2 * effort.seeds)
    return Finding(
        hypotheses={
            "correction brings p nearer to p* in total variation": bool(
                distances.total_variation(pairs.corrected(p, star, 1.0), star) < distances.total_variation(p, star)
            ),
            "p is more concentrated than p*": bool(p @ pairs.X**2 < star @ pairs.X**2),
        },
        comparisons=[
            identity("E_p log p*", -np.log(2 * np.pi) / 2 - SCALE**2 / 2, before, 1e-9),
            mean("samples: log p* of raw ones", before, raw),
            *(
                equal(f"law on a grid: E_q log p*, gamma {g:g}", expected(g, before, target), one @ log_star, 1e-12)
                for g in GAMMAS
                for one in [pairs.corrected(p, star, g)]
            ),
            *(
                mean(f"samples: log p* of corrected ones, gamma {g:g}", expected(g, before, target), one)
                for g, one in zip(GAMMAS, corrected, strict=True)
            ),
            mean("samples: rise of log p*, gamma 1, at most 0", 0, corrected[0] - raw, "<="),
        ],
        control=Control(
            "log p* stays where it was",
            mean("samples: log p* of corrected ones, gamma 1", before, corrected[0]),
        ),
        figure=lines(
            [
                Line("E_q log p*, p = N(0, 1/4)", gammas, [expected(g, before, target) for g in gammas]),
                Line("samples", GAMMAS, None, [one.mean() for one in corrected]),
            ],
            "gamma",
            "mean log-likelihood under p*",
        ),
    )


@cache
def _sampled(seeds: int) -> list[np.ndarray]:
    """Mean log p* [S] of 50 raw samples, and of what replacement makes of them with each gamma."""
    draw = lambda key, n: jax.random.normal(key, (n, 1), float)  # noqa: E731

    def one(key: jax.Array) -> list[jax.Array]:
        of_raw, of_correct = jax.random.split(key)
        raw = uniform(SCALE * draw(of_raw, 50))
        moved = [replacement(draw, gamma)(of_correct, raw, None)[0] for gamma in GAMMAS]
        return [jax.scipy.stats.norm.logpdf(batch.x).mean() for batch in (raw, *moved)]

    return [np.asarray(x) for x in jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), seeds))]


CLAIM = Claim(
    name="likelihood_may_fall",
    source="derived here, against the verbal description of a corrector in Gillman et al. 2024",
    statement="E_q log p* = tau E_p log p* + (1 - tau) E_* log p*, which falls where p is more concentrated than p*: "
    "from -1.044 to -1.231 for N(0, 1/4) corrected toward N(0, 1) by gamma = 1.",
    check=check,
    slips=(
        Slip(
            "tau and 1 - tau exchanged",
            expected,
            lambda right, gamma, before, target: (gamma * before + target) / (1 + gamma),
        ),
        Slip("tau² for tau", expected, lambda right, gamma, *both: right(2 * gamma + gamma**2, *both)),
        Slip("gamma for 1 - tau", expected, lambda right, gamma, before, target: before + gamma * (target - before)),
    ),
)
