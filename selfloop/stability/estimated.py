"""The largest m of F v = m H v where F is a mean over samples of the model: an estimate with an interval, not a value.

The largest eigenvalue of a noisy matrix leans upwards, by the order of sqrt(P / N) where several m lie close together,
which no jackknife takes out. The Rayleigh quotient on samples that did not choose its direction leans downwards, or not
at all where all m are the same. With samples in K blocks:

    above   K m - (K - 1) mean_k m_(-k)               the largest eigenvalue, less its bias of order 1 / N (jackknife)
    below   mean_k  v_(-k)^T F_k v_(-k),  v^T H v = 1   the direction from all blocks but one, the value from that one

To the first order their biases are opposite where the m are apart; where they are the same ``below`` has none. The
value is their mean, and the interval reaches from Student's below the lower to Student's above the higher: it covers
in both cases, and is too wide rather than too narrow between them. Derived here; measured by
tests/stability/test_estimated.py. Letters: P coordinates, K blocks.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from scipy.stats import t as student

from selfloop.batch import Batch, take
from selfloop.metrics.estimates import LEVEL, Estimate
from selfloop.protocols import Model
from selfloop.stability.curvature import Curvature, fisher

BLOCKS, BLOCK = 20, 1000
"""Own samples: so many blocks of so many."""


def largest(model: Model, star: Any, own: Batch, c: Curvature, cap: float = np.inf) -> Estimate:
    """The largest m with its 95 % interval, from own samples of equal weight; none of the three is above ``cap``.

    The cap is a proven bound, 1 + eta (`rates.sharper`).
    """
    root = jnp.linalg.cholesky(c.H)
    blocks = [_whitened(root, fisher(model, star, take(own, index))) for index in
              np.split(np.arange(own.capacity), BLOCKS)]  # fmt: skip
    return combined(np.stack(blocks), cap)


def combined(blocks: np.ndarray, cap: float = np.inf) -> Estimate:
    """The same of the blocks' matrices [K, P, P], in units in which H is the identity."""
    count, total = len(blocks), blocks.sum(0)
    tops, below = [], []
    for block in blocks:
        values, vectors = np.linalg.eigh((total - block) / (count - 1))
        tops.append(values[-1])
        below.append(vectors[:, -1] @ block @ vectors[:, -1])
    whole = np.linalg.eigvalsh(total / count)[-1]
    above = count * whole - (count - 1) * np.mean(tops)
    half = student.ppf((1 + LEVEL) / 2, count - 1) * np.std(below, ddof=1) / count**0.5
    ends = min(above, np.mean(below)), max(above, np.mean(below), whole)
    found = (np.mean([above, np.mean(below)]), ends[0] - half, ends[1] + half)
    return Estimate(*(float(min(max(one, 0.0), cap)) for one in found))


def _whitened(root: jnp.ndarray, matrix: jnp.ndarray) -> np.ndarray:
    half = solve_triangular(root, matrix, lower=True)
    return np.asarray(solve_triangular(root, half.T, lower=True))
