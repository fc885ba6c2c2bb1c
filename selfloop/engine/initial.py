"""Generation 0 of every seed: the model fitted to the real data alone, the same for all cells of an n."""

import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, keep
from selfloop.domains.motion import setup
from selfloop.engine.chains import everywhere, one_lane, over_lanes, own, place
from selfloop.engine.context import Material
from selfloop.engine.plan import Block
from selfloop.errors import ConfigError
from selfloop.loop import role_key
from selfloop.runs import checkpoint, files
from selfloop.runs.lock import alone
from selfloop.runs.progress import Tick

_NAME = re.compile(r"seeds_(\d+)_to_(\d+)\.msgpack")
PART = 4
"""A displaced start has seen one real window of so many."""
PAUSE = 2.0
"""Seconds between looks whether another process has finished training."""


def starts(material: Material, block: Block, tick: Tick) -> dict[int, Any]:
    """Generation 0's states by the start that lanes name, in the host's memory; trained together and kept in one file.

    Seeds that are added later are a file of their own, so that those of before stay as they were. A process that finds
    another one at work on them waits for it.
    """
    home = material.config.out / "starts" / f"n{block.n}_{block.first_steps}_{block.steps}"
    named = {lane.start for lane in block.lanes}
    found = {}
    if whole := [start for start in named if start >= 0]:
        found |= _made(material, block, home, max(whole) + 1, block.n, tick)
    if parts := [-1 - start for start in named if start < 0]:
        some = _made(material, block, home / "part", max(parts) + 1, max(block.n // PART, 1), tick)
        found |= {-1 - seed: state for seed, state in some.items()}
    return found


def _made(material: Material, block: Block, home: Path, wanted: int, windows: int, tick: Tick) -> dict[int, Any]:
    """The models of the first ``wanted`` seeds at least, each fitted to the first ``windows`` real windows."""
    while _have(home) < wanted:
        with ExitStack() as stack:
            try:
                stack.enter_context(alone(home))
            except ConfigError:
                time.sleep(PAUSE)
                continue
            for stale in home.glob(".*.tmp"):
                files.remove_quietly(stale)
            if (have := _have(home)) < wanted:
                _train(material, block, home, range(have, max(wanted, material.config.seeds)), windows, tick)
    model = material.model(block.n, block.guidance, block.first_steps, block.steps)
    like = jax.eval_shape(model.init, jax.random.key(0))
    found = {}
    for first, last in _files(home):
        many = jax.tree.map(lambda leaf, count=last - first + 1: np.zeros((count, *leaf.shape), leaf.dtype), like)
        states = checkpoint.load(home / f"seeds_{first}_to_{last}.msgpack", many)
        found |= {seed: one_lane(states, seed - first) for seed in range(first, last + 1)}
    return found


def _have(home: Path) -> int:
    """How many seeds have their model."""
    return max((last + 1 for _, last in _files(home)), default=0)


def _files(home: Path) -> list[tuple[int, int]]:
    """First and last seed of each file."""
    matches = [_NAME.fullmatch(path.name) for path in sorted(home.glob("seeds_*.msgpack"))]
    return [(int(match[1]), int(match[2])) for match in matches if match]


def _train(material: Material, block: Block, home: Path, seeds: range, windows: int, tick: Tick) -> None:
    """Train the models of ``seeds`` side by side on the devices of this process, and keep them."""
    model = material.model(block.n, block.guidance, block.first_steps, block.steps)
    mesh = material.local
    data = material.data(block.n)
    seen = keep(setup.batch(data.real), np.arange(block.n) < windows)
    real = everywhere(seen, mesh)

    def fit(real: Batch, seed: Array, call: Array, state: Any) -> Any:
        key = role_key(jax.random.key(seed), 0, "fit")
        real = setup.source(real, data)(role_key(jax.random.key(seed), 0, "real"), jnp.int32(0))
        return model.fit(jax.random.fold_in(key, call), real, state)[0]

    init = over_lanes(lambda real, seed: model.init(role_key(jax.random.key(seed), 0, "init")), mesh)
    step, lanes = over_lanes(fit, mesh), [*seeds] + [seeds[-1]] * (-len(seeds) % mesh.size)
    seed = place(np.array(lanes, np.uint32), mesh)
    state = init(real, seed)
    for call in range(-(-block.first_steps // block.steps)):
        state = jax.block_until_ready(step(real, seed, place(np.full(len(lanes), call, np.int32), mesh), state))
        tick(0, f"generation 0 of n = {block.n}: {(call + 1) * block.steps} of {block.first_steps} steps")
    kept = jax.tree.map(lambda leaf: leaf[: len(seeds)], own(state))
    checkpoint.save(home / f"seeds_{seeds.start}_to_{seeds.stop - 1}.msgpack", kept)
