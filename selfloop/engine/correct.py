"""The correction of all lanes of a block: each lane by its own arm, together where the corrector allows it.

Shapes: O lanes of this process, N motions a lane, T frames, D features.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion.arms import ARMS
from selfloop.engine.plan import Lane
from selfloop.protocols import Corrector, identity


def correct_lanes(
    lanes: list[Lane], correctors: dict[str, Corrector], keys: list[Array], raw: Batch
) -> tuple[Batch, dict[str, np.ndarray]]:
    """The corrected batch [O, N, ...] and ``failed`` and ``moved_mm`` [O, N]; everything is in the host's memory.

    Motions of lanes of one arm are corrected in one call where its corrector looks at each alone; else each lane has
    its own call with its own key.
    """
    x, weight = np.array(raw.x), np.array(raw.weight)
    info = {"failed": np.zeros(weight.shape, bool), "moved_mm": np.zeros(weight.shape, np.float32)}
    for arm in dict.fromkeys(lane.arm for lane in lanes):
        if correctors[arm] is identity:
            continue
        own = [i for i, lane in enumerate(lanes) if lane.arm == arm]
        for group in [own] if ARMS[arm].alone else [[i] for i in own]:
            part = jax.tree.map(lambda leaf, group=group: jnp.asarray(leaf[group].reshape(-1, *leaf.shape[2:])), raw)
            fixed, found = correctors[arm](keys[group[0]], part, None)
            x[group], weight[group] = _lanes(fixed.x, len(group)), _lanes(fixed.weight, len(group))
            for name, values in info.items():
                values[group] = _lanes(found[name], len(group))
    return raw._replace(x=x, weight=weight), info


def _lanes(leaf: Any, count: int) -> np.ndarray:
    leaf = np.asarray(leaf)
    return leaf.reshape(count, -1, *leaf.shape[1:])
