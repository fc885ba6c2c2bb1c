"""The floor lines of a run: what real motion scores, before and after the corrector, measured as samples are.

Where the set is split, real windows of the loop's clips stand against the reference of other clips. A set too small to
split has no other clips: there one half of its windows stands against the other half, over several random halvings, for
a set measured against itself would score a meaningless 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, take
from selfloop.domains.motion import measures, setup
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.setup import Data
from selfloop.runs import record

DRAWS = 8
"""Random draws or halvings behind each figure."""


class Draw(NamedTuple):
    """Rows of the pool, and the measure that they are held against."""

    rows: np.ndarray
    measure: Callable[..., dict[str, Array]]


def floors(config: MotionLoopConfig, data: Data, measure: Callable[..., dict[str, Array]]) -> dict[str, dict[str, Any]]:
    """The line "real" and, where the run has a physics arm, "real, corrected"; kept in floors.json.

    Each holds ``n``, the number of windows measured, the mean of every measure over `DRAWS` draws, and their standard
    deviation in ``spread``; the corrected one also how many motions ``failed``.
    """
    path = config.out / "floors.json"
    if path.exists():
        return record.read_json(path)
    key_draw, key_correct, key_measure = jax.random.split(jax.random.key(0), 3)
    draw = _against_reference if data.encoder is not None else _against_each_other
    draws = [draw(key, config, data, measure) for key in jax.random.split(key_draw, DRAWS)]
    pool = setup.batch(data.pool)
    lines = {"real": _line(key_measure, pool, draws)}
    if "physics" in config.arms:
        used = np.unique(np.concatenate([one.rows for one in draws]))
        fixed, info = ARMS["physics"].corrector(config, data)(key_correct, take(pool, used), None)
        place = [Draw(np.searchsorted(used, one.rows), one.measure) for one in draws]
        lines["real, corrected"] = _line(key_measure, fixed, place) | {"failed": int(jnp.sum(info["failed"]))}
    record.write_json(path, lines)
    return lines


def _against_reference(key: Array, config: MotionLoopConfig, data: Data, measure: Callable) -> Draw:
    """As many windows as there are samples, out of twice as many at most, so that few need to be corrected."""
    n = min(config.evaluate, len(data.pool.x))
    return Draw(np.asarray(jax.random.permutation(key, min(2 * n, len(data.pool.x))))[:n], measure)


def _against_each_other(key: Array, config: MotionLoopConfig, data: Data, measure: Callable) -> Draw:
    """One random half of the pool, of it no more than there are samples, and the measure against the other half."""
    order = np.asarray(jax.random.permutation(key, len(data.pool.x)))
    middle = len(order) // 2
    other = type(data.pool)(*(field if isinstance(field, tuple) else field[order[middle:]] for field in data.pool))
    return Draw(order[: min(config.evaluate, middle)], measures.motion_measures(other, None, data.real.names))


def _line(key: Array, motions: Batch, draws: list[Draw]) -> dict[str, Any]:
    """Mean and spread of every measure over the draws."""
    rows = []
    for one, key_one in zip(draws, jax.random.split(key, len(draws)), strict=True):
        part = take(motions, one.rows)
        values = one.measure(key_one, part.x, part.cond["length"], part.cond["label"], part.weight)
        rows.append({name: float(value) for name, value in values.items()})
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    means = {name: float(values.mean()) for name, values in table.items()}
    return {"n": len(draws[0].rows)} | means | {"spread": {name: float(v.std(ddof=1)) for name, v in table.items()}}
