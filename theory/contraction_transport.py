"""How far samples must move to become pi_gamma p, and how much farther replacement moves them."""

from functools import cache

import jax
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.correctors.transport import redraw
from selfloop.metrics import discrete as distances
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, equal, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import pairs

MEAN, SCALE, N = 0.5, 0.5, 400
GAMMA = np.array([0.25, 1.0, 4.0])


def moves(gamma: np.ndarray, distance: float) -> np.ndarray:
    """(1 - tau) times a distance: W1(p, p*) for the least, E|x - y| for replacement."""
    return gamma / (1 + gamma) * distance


def check(effort: Effort) -> Finding:
    """Random laws on a grid; and N(1/2, 1/4) brought toward N(0, 1) by two real correctors."""
    laws = pairs.random_pairs(effort.cases)
    exact = np.array(
        [pairs.wasserstein1(one.q, one.p) / moves(one.gamma, pairs.wasserstein1(one.p, one.star)) for one in laws]
    )
    p, star = pairs.normal(MEAN, SCALE), pairs.normal(0.0, 1.0)
    away = float(p @ abs(pairs.X[:, None] - pairs.X[None]) @ star)
    least = moves(GAMMA, pairs.wasserstein1(p, star))
    by_replacement, by_matching = _moved(effort.seeds)
    return Finding(
        hypotheses={"the laws differ": bool(min(distances.total_variation(one.p, one.star) for one in laws) > 0.01)},
        comparisons=[
            equal("laws: W1(q, p) over (1 - tau) W1(p, p*), farthest from 1", 1, exact[abs(exact - 1).argmax()], 1e-9),
            *(
                mean(f"replacement: mean distance moved, beside (1 - tau) E|x - y|, gamma {g:g}", one, found)
                for g, one, found in zip(GAMMA, moves(GAMMA, away), by_replacement, strict=True)
            ),
            *(
                mean(
                    f"redraw, matched: mean distance moved, at most 0.05 above the least, gamma {g:g}",
                    low + 0.05,
                    one,
                    "<=",
                )
                for g, low, one in zip(GAMMA, least, by_matching, strict=True)
            ),
        ],
        control=Control(
            "replacement does not move samples by the least possible",
            mean("replacement: mean distance moved, gamma 1", least[1], by_replacement[1]),
        ),
        figure=lines(
            [
                Line("least: (1 - tau) W1(p, p*)", GAMMA, least),
                Line("replacement", GAMMA, moves(GAMMA, away), by_replacement.mean(1)),
                Line(f"redraw of {N}, matched", GAMMA, None, by_matching.mean(1)),
            ],
            "gamma",
            "mean distance moved, N(1/2, 1/4) to N(0, 1)",
        ),
    )


@cache
def _moved(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean distance moved [gammas, S] by replacement, and by a redraw of the batch that is matched to it."""
    draw = lambda key, n: jax.random.normal(key, (n, 1), float)  # noqa: E731

    def one(gamma: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        of_raw, of_correct = jax.random.split(key)
        raw = uniform(MEAN + SCALE * draw(of_raw, N))
        infos = [make(draw, gamma)(of_correct, raw, None)[1] for make in (replacement, redraw)]
        return infos[0]["moved"].mean(), infos[1]["moved"].mean()

    keys = jax.random.split(jax.random.key(0), seeds // 4)
    run = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))
    return tuple(np.asarray(moved) for moved in run(GAMMA, keys))


CLAIM = Claim(
    name="contraction_transport",
    source="derived here: q - p = (1 - tau) (p* - p)",
    statement="W1(pi_gamma p, p) = (1 - tau) W1(p, p*): that far samples must move on the mean. A matched redraw moves "
    "them hardly farther, replacement by (1 - tau) E|x - y| with x and y independent.",
    check=check,
    slips=(
        Slip("tau for 1 - tau", moves, lambda right, gamma, distance: distance / (1 + gamma)),
        Slip("gamma for 1 - tau", moves, lambda right, gamma, distance: gamma * distance),
        Slip("a factor 2", moves, scaled(2.0)),
        Slip("(1 - tau)²", moves, lambda right, gamma, distance: right(gamma, distance) * gamma / (1 + gamma)),
    ),
)
