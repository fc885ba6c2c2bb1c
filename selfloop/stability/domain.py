"""Where laws live: the model's own on nodes that suit the data, its support, and the points that L is taken over.

Everything here looks at concrete values. Letters: N samples or nodes, d dimensions.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.errors import ConfigError
from selfloop.protocols import Model
from selfloop.stability import quadrature as laws

MASS = 1e-6
"""Nodes serve a law if its mass on them is 1 to this (constants of a float32 model cost 1e-7)."""
WRONG, AGREE = 0.01, 1e-3
"""A mass off 1 by more than the first, on which different nodes agree to the second, is that of no density."""
INTERVALS = ((-np.pi, np.pi), (0.0, 2 * np.pi), (0.0, 1.0), (-1.0, 1.0), (0.0, 360.0), (-180.0, 180.0))
"""Where bounded and periodic laws mostly live; tried where the data lie inside."""
LEVELS, STEP = 11, 4.0
"""How often, and by what factor, the points that L is taken over are spread."""


def quadrature(model: Model, state: Any, data: Batch) -> Batch | None:
    """The model's own law on the first nodes, of those that suit the data, that hold its whole mass; None if none do.

    Conditional models (data with ``cond``) and those in more than 8 dimensions have none.

    Raises:
        ConfigError: where different nodes agree that log_prob is the logarithm of no density: its mass is not 1.
    """
    if data.cond is not None:
        return None
    masses = []
    for nodes in _candidates(model, state, data):
        law = laws.own(model, state, nodes)
        mass = float(jnp.sum(law.weight))
        if abs(mass - 1) < MASS:
            return law
        masses.append(mass)
    if not _whole(data):  # between whole numbers a law of counts has no mass, whatever log_prob says there
        _normalised(masses)
    return None


def _normalised(masses: list[float]) -> None:
    """ConfigError where the last two of the masses agree, and not on 1."""
    if len(masses) < 2 or not np.isfinite(masses[-2:]).all():
        return
    one, other = masses[-2:]
    # A mass of 0 is that of a peak which lies between all nodes.
    if one > MASS and abs(one - other) <= AGREE * one and abs(one - 1) > WRONG:
        raise ConfigError(
            f"exp(log_prob) integrates to {one:.4g} and not to 1, at the parameters fitted to the data: log_prob lacks "
            f"its normaliser, or has a wrong one; subtract its logarithm, as a function of the parameters"
        )


def support(model: Model, state: Any, data: Batch) -> tuple[float, float]:
    """The ends of the interval about the data, on the line, in which log_prob is finite; infinite where there are none.

    A found end is rounded to six digits where it lies as near as that to such a number.
    """
    x, _ = _seen(data)
    low, high = float(x.min()), float(x.max())
    reach = max(high - low, abs(low), abs(high), np.finfo(float).tiny)

    def inside(points: np.ndarray) -> np.ndarray:
        return np.isfinite(np.asarray(model.log_prob(state, jnp.asarray(points[:, None]))))

    return -_end(lambda y: inside(-y), -low, reach), _end(inside, high, reach)


def _end(inside: Callable[[np.ndarray], np.ndarray], start: float, reach: float) -> float:
    """The first place above ``start`` that is not inside, or infinity."""
    steps = reach * STEP ** np.linspace(-20, 16, 64)
    known = inside(start + steps)
    if known.all():
        return np.inf
    i = int(np.argmin(known))
    low, high = (start + steps[i - 1] if i else start), start + steps[i]
    for _ in range(8):
        points = np.linspace(low, high, 66)
        i = int(np.argmin([True, *inside(points[1:-1]), False]))
        low, high = points[i - 1], points[i]
    near = float(f"{high:.6g}")
    if abs(near) < 1e-9 * reach:
        return 0.0
    return near if abs(near - high) <= 1e-8 * reach else float(high)


class Reach(NamedTuple):
    """The points that L is taken over, each [N, d] (labels: [N])."""

    near: Array
    """The range of the data."""
    levels: list[Array]
    """Ever further out, ever nearer to the ends of the support; all of one shape."""


def reach(data: Batch, ends: tuple[float, float], points: int = 257) -> Reach:
    """On the line even points from the least to the greatest of the data (of a law: all but 1e-9 at each end).

    In more dimensions up to ``points`` of the data themselves. Labels are those that occur. Each further level is
    `STEP` times as far from the middle of the data, or as near to a finite end of the support.
    """
    x, share = _seen(data)
    if np.issubdtype(x.dtype, np.integer):
        labels = jnp.asarray(np.unique(x))
        return Reach(labels, [])
    scales = STEP ** np.arange(1, LEVELS)
    if x.shape[1] > 1:
        chosen = x[np.unique(np.linspace(0, len(x) - 1, points).astype(int))]
        middle = x.mean(0)  # a third derivative in many dimensions is dear: two levels, far apart
        return Reach(jnp.asarray(chosen), [jnp.asarray(middle + s * (chosen - middle)) for s in scales[4::5]])
    order = np.argsort(x[:, 0])
    steps = np.cumsum(share[order])
    low, high = x[order[np.searchsorted(steps, [1e-9, 1 - 1e-9])], 0]

    def spread(scale: float) -> Array:
        to = [_toward(low, ends[0], scale * (high - low)), _toward(high, ends[1], scale * (high - low))]
        to = [limit + (end - limit) / scale if np.isfinite(limit) else far
              for limit, end, far in zip(ends, (low, high), to, strict=True)]  # fmt: skip
        return jnp.asarray(np.linspace(*to, points)[:, None])

    return Reach(jnp.asarray(np.linspace(low, high, points)[:, None]), [spread(scale) for scale in scales])


def _toward(start: float, end: float, far: float) -> float:
    return start + far if end == np.inf else start - far


def tail(law: Batch) -> float:
    """What of E|x - centre| lies beyond the nodes of a law on the line, in the unit of x; infinity for no finite mean.

    The nodes reach R scales; of E|x - centre| the parts between R^(1/3), R^(2/3) and R scales fall by a factor q where
    the tail is a power (q = R^((1 - nu) / 3) for Student's t), and what is beyond is their geometric continuation. A
    mean that converges as slowly as q > 0.95 cannot be told from none.
    """
    x, share = np.asarray(law.x)[:, 0], np.asarray(law.weight / jnp.sum(law.weight))
    steps = np.cumsum(share)
    low, centre, high = x[np.searchsorted(steps, [0.25, 0.5, 0.75]).clip(max=len(x) - 1)]
    scale = max(high - low, np.finfo(float).tiny)
    away = np.abs(x - centre) / scale
    end = away.max()
    if end < 1e3:
        return 0.0
    parts = [float((share * away)[(away >= end**a) & (away < end**b)].sum()) for a, b in ((1 / 3, 2 / 3), (2 / 3, 1))]
    if parts[1] < 1e-12:
        return 0.0
    q = parts[1] / parts[0] if parts[0] > 0 else np.inf
    return np.inf if q > 0.95 else scale * parts[1] * q / (1 - q)


def _candidates(model: Model, state: Any, data: Batch) -> Iterator[Batch]:
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
    if _whole(data):
        yield laws.counts(int(x.max()) + 1)
        yield laws.counts(10 * int(x.max()) + 100)
    if (x > 0).all():
        yield laws.half_line(scale=mean[0])
    yield laws.line(centre=mean[0], scale=covariance[0, 0] ** 0.5)
    yield from _bounded(x, support(model, state, data))
    yield laws.line(16001, 25.0, mean[0], covariance[0, 0] ** 0.5)
    yield laws.panels(np.quantile(x[:, 0], np.linspace(0, 1, min(len(x), 513))))


def _bounded(x: np.ndarray, ends: tuple[float, float]) -> Iterator[Batch]:
    """Nodes of finite intervals: that in which log_prob is finite, and the usual ones that hold the data."""
    if np.isfinite(ends).all():
        yield laws.interval(*ends)
    for low, high in INTERVALS:
        if low <= x.min() and x.max() <= high:
            yield laws.interval(low, high)


def _whole(data: Batch) -> bool:
    x, _ = _seen(data)
    return bool((x >= 0).all() and (x == np.round(x)).all())


def _seen(data: Batch) -> tuple[np.ndarray, np.ndarray]:
    """The samples of weight above 0 and their shares of the weight."""
    weight = np.asarray(data.weight)
    return np.asarray(data.x)[weight > 0], weight[weight > 0] / weight.sum()
