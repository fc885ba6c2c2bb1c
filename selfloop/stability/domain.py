"""Where laws live: the model's own on nodes that suit the data, and the points that L is taken over.

Everything here looks at concrete values. Letters: N samples or nodes, d dimensions.
"""

from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.protocols import Model
from selfloop.stability import quadrature as laws

MASS = 1e-6
"""Nodes serve a law if its mass on them is 1 to this (constants of a float32 model cost 1e-7)."""


def quadrature(model: Model, state: Any, data: Batch) -> Batch | None:
    """The model's own law on the first nodes, of those that suit the data, that hold its whole mass; None if none do.

    Conditional models (data with ``cond``) and those in more than 8 dimensions have none.
    """
    if data.cond is not None:
        return None
    for nodes in _candidates(data):
        law = laws.own(model, state, nodes)
        if abs(float(jnp.sum(law.weight)) - 1) < MASS:
            return law
    return None


def span(data: Batch, points: int = 257) -> tuple[Array, Array]:
    """The points [N, d] over which L is taken, and the same twice as far about the middle of the data.

    On the line even points from the least to the greatest of the data (of a law: all but 1e-9 at each end); those of
    data of one sign keep it. In more dimensions up to ``points`` of the data themselves. Labels are those that occur.
    """
    x, share = _seen(data)
    if np.issubdtype(x.dtype, np.integer):
        labels = jnp.asarray(np.unique(x))
        return labels, labels
    if x.shape[1] > 1:
        chosen = x[np.unique(np.linspace(0, len(x) - 1, points).astype(int))]
        return jnp.asarray(chosen), jnp.asarray(2 * chosen - x.mean(0))
    order = np.argsort(x[:, 0])
    steps = np.cumsum(share[order])
    low, high = x[order[np.searchsorted(steps, [1e-9, 1 - 1e-9])], 0]
    wide = (low / 2, high * 2) if low >= 0 else (low - (high - low) / 2, high + (high - low) / 2)
    near, far = (jnp.asarray(np.linspace(*ends, points)[:, None]) for ends in ((low, high), wide))
    return near, far


def _candidates(data: Batch) -> Iterator[Batch]:
    x, share = _seen(data)
    if np.issubdtype(x.dtype, np.integer):
        yield laws.symbols(int(x.max()) + 1)
        return
    d = x.shape[1]
    mean = share @ x
    covariance = ((x - mean) * share[:, None]).T @ (x - mean)
    if d > 8 or not np.linalg.eigvalsh(covariance)[0] > 0:
        return
    if d > 1:
        root = np.linalg.cholesky(covariance)
        yield laws.hermite(mean, root, max(3, int(8000 ** (1 / d))) if d > 2 else 24)
        if d == 2:
            yield laws.grid2(241, 4.5, mean, np.sqrt(np.diag(covariance)))
        return
    if (x >= 0).all() and (x == np.round(x)).all():
        yield laws.counts(int(x.max()) + 1)
        yield laws.counts(10 * int(x.max()) + 100)
    if (x > 0).all():
        yield laws.half_line(scale=mean[0])
    yield laws.line(centre=mean[0], scale=covariance[0, 0] ** 0.5)
    yield laws.line(16001, 25.0, mean[0], covariance[0, 0] ** 0.5)


def _seen(data: Batch) -> tuple[np.ndarray, np.ndarray]:
    """The samples of weight above 0 and their shares of the weight."""
    weight = np.asarray(data.weight)
    return np.asarray(data.x)[weight > 0], weight[weight > 0] / weight.sum()
