"""Two corrections are one: 1 + gamma multiplies; p* is the only fixed point, and correction is affine in p."""

from functools import cache

import jax
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.metrics import discrete as distances
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import pairs

FIRST, SECOND = 0.5, 2.0


def together(first: float, second: float) -> float:
    """g + g' + g g', the strength of two corrections."""
    return first + second + first * second


def check(effort: Effort) -> Finding:
    """Random laws on a grid; and samples corrected twice by the real corrector, of which (1 + g)(1 + g') stay one."""
    laws = pairs.random_pairs(effort.cases)
    twice = [pairs.corrected(pairs.corrected(one.p, one.star, FIRST), one.star, SECOND) for one in laws]
    both = together(FIRST, SECOND)
    once = [pairs.corrected(one.p, one.star, both) for one in laws]
    added = [pairs.corrected(one.p, one.star, FIRST + SECOND) for one in laws]
    mixed = [
        0.3 * one.q
        + 0.7 * pairs.corrected(other.p, one.star, one.gamma)
        - pairs.corrected(0.3 * one.p + 0.7 * other.p, one.star, one.gamma)
        for one, other in zip(laws, laws[3:] + laws[:3], strict=True)
    ]
    fixed = [pairs.corrected(one.star, one.star, one.gamma) - one.star for one in laws]
    moved = [distances.total_variation(one.q, one.p) / distances.total_variation(one.p, one.star) for one in laws]
    order = [
        np.diff([distances.kl(pairs.corrected(one.p, one.star, g), one.star) for g in (0, *pairs.GAMMAS)])
        for one in laws
    ]
    kept = _kept(effort.seeds)
    return Finding(
        hypotheses={"the laws differ": min(distances.total_variation(one.p, one.star) for one in laws) > 0.01},
        comparisons=[
            identity("laws: twice beside once with g + g' + g g', largest difference", 0, _far(twice, once), 1e-15),
            mean("samples: share kept by gamma 0.5 and then 2, beside 1 / (1 + 3.5)", 1 / (1 + both), kept),
            identity("affine in p: largest error", 0, max(abs(one).max() for one in mixed), 1e-15),
            identity("p* is fixed: largest change", 0, max(abs(one).max() for one in fixed), 1e-15),
            at_most(
                "no other law is: gamma / (1 + gamma) of the way is moved, largest error", 1e-9, _share(laws, moved)
            )._replace(identity=True),
            at_most(
                "more correction is nearer in KL: largest rise with gamma", 0, max(one.max() for one in order)
            )._replace(identity=True),
        ],
        control=Control(
            "strengths do not add",
            mean("samples: share kept, beside 1 / (1 + 2.5)", 1 / (1 + FIRST + SECOND), kept),
        ),
        figure=lines(
            [
                Line("twice: gamma 0.5, then 2", pairs.X, twice[0]),
                Line("once: gamma 3.5", pairs.X[::40], None, once[0][::40]),
                Line("once: gamma 2.5", pairs.X, added[0], dashed=True),
            ],
            "x",
            "weight",
        ),
    )


def _far(one: list[np.ndarray], other: list[np.ndarray]) -> float:
    return max(abs(a - b).max() for a, b in zip(one, other, strict=True))


def _share(laws: tuple[pairs.Pair, ...], moved: list[float]) -> float:
    return max(abs(found - (1 - one.tau)) for one, found in zip(laws, moved, strict=True))


@cache
def _kept(seeds: int) -> np.ndarray:
    """The share of 50 samples [S] that two corrections by replacement leave where they were."""

    def once(key: jax.Array) -> jax.Array:
        of_raw, *of_correct = jax.random.split(key, 3)
        draw = lambda key, n: jax.random.normal(key, (n, 1), float)  # noqa: E731
        raw = batch = uniform(draw(of_raw, 50))
        for strength, k in zip((FIRST, SECOND), of_correct, strict=True):
            batch, _ = replacement(draw, strength)(k, batch, None)
        return (batch.x == raw.x).mean()

    return np.asarray(jax.jit(jax.vmap(once))(jax.random.split(jax.random.key(0), seeds)))


CLAIM = Claim(
    name="contraction_semigroup",
    source="derived here",
    statement="pi_g pi_g' = pi_(g + g' + g g'); pi_gamma is affine in p, monotone in gamma, the identity at gamma = 0, "
    "and for gamma > 0 p* is its only fixed point.",
    check=check,
    slips=(
        Slip("g + g'", together, lambda right, first, second: first + second),
        Slip("g g'", together, lambda right, first, second: first * second),
        Slip("a factor 2", together, scaled(2.0)),
    ),
)
