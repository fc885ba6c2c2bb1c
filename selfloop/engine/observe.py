"""What is kept of a generation: new samples of every lane's model as points of each space, before and after correction.

The samples are of the same noise and conditions in every generation and in all lanes of a seed, so that what differs
is the models. Measures are computed from what is kept (`measuring`), so that a new one needs no new run.
Shapes: O lanes of this process, N samples a lane, T frames, D features.
"""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion import measures
from selfloop.engine.chains import everywhere, over_lanes, own, place
from selfloop.engine.context import Material, flat, store_arrays
from selfloop.engine.plan import Block
from selfloop.loop import role_key

SHOWN = 4
"""Motions a lane that are kept whole, in generations that are corrected, for a reader to look at."""


def observation_file(folder: Path, t: int) -> Path:
    """Where the observation of a generation lies."""
    return folder / "observations" / f"generation_{t:04d}.npz"


class Observer:
    """The programs that observe a block's lanes."""

    def __init__(self, material: Material, block: Block):
        model = material.model(block.n, block.guidance, block.first_steps, block.steps)
        cond, mesh = material.conditions(block.n), material.local
        count = material.config.evaluate

        def sample(shared: Any, seed: Array, state: Any) -> tuple[Array, dict[str, Array]]:
            reference, cond = shared
            key, _ = jax.random.split(role_key(jax.random.key(seed), 0, "evaluate"))
            x = model.sample(key, state, cond, count).x
            return x, flat(measures.describe(reference, x, cond["length"], cond["label"]))

        def describe(shared: Any, x: Array) -> dict[str, Array]:
            reference, cond = shared
            return flat(measures.describe(reference, x, cond["length"], cond["label"]))

        self.mesh, self.cond = mesh, jax.tree.map(np.asarray, cond)
        self.shared = everywhere((material.reference(block.n), cond), mesh)
        self._sample, self._describe = over_lanes(sample, mesh), over_lanes(describe, mesh)

    def samples(self, seed: Array, state: Any) -> tuple[Batch, dict[str, np.ndarray]]:
        """The evaluation samples [O, N, T, D] of each lane, and what is kept of them."""
        x, found = own(jax.block_until_ready(self._sample(self.shared, seed, state)))
        cond = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (len(x), *leaf.shape)), self.cond)
        return Batch(x, np.ones(x.shape[:2], np.float32), cond), found

    def again(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """What is kept of the same samples after their correction, by names that say so."""
        found = own(self._describe(self.shared, place(x, self.mesh)))
        return {f"corrected_{name}": values for name, values in found.items()}


def observer(material: Material, block: Block) -> Observer:
    """The observer of a block; blocks of one model have the same."""
    return _observer(material, replace(block, generations=0, synthetic=0, lanes=()))


_observer = functools.cache(Observer)


def keep(folder: Path, t: int, found: dict[str, np.ndarray], lanes: int) -> None:
    """Write an observation of the first ``lanes`` lanes; the others only fill up the devices."""
    path = observation_file(folder, t)
    path.parent.mkdir(parents=True, exist_ok=True)
    store_arrays(path, {name: values[:lanes] for name, values in found.items()})
