"""Initial states: generation 0 of every seed, fitted to the real data alone, the same for all arms and lambdas."""

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
from selfloop.engine.chains import everywhere, filled, host, one_chain, place
from selfloop.engine.context import Context
from selfloop.engine.plan import PART, Job
from selfloop.errors import ConfigError
from selfloop.loop import role_key
from selfloop.runs import checkpoint, files
from selfloop.runs.lock import alone
from selfloop.runs.progress import Tick

_NAME = re.compile(r"seeds_(\d+)_to_(\d+)\.msgpack")
PAUSE = 1.0
"""Seconds between looks whether another process has finished training."""


def initial_states(context: Context, job: Job, tick: Tick) -> dict[int, Any]:
    """Generation 0's states by the start that chains name, in the host's memory; trained together, kept in one file.

    They depend on n, on what settings there are by n and on the source, not on axes. Seeds that are added later are a
    file of their own, so that those of before stay as they were. A process that finds another at work on them waits.
    """
    values = "".join(f"_{value}" for _, value in job.by_n)
    home = context.settings.out / "initial" / f"n{job.n}{values}_{job.source}"
    named = {chain.start for chain in job.chains}
    found = {}
    if whole := [start for start in named if start >= 0]:
        found |= _made(context, job, home, max(whole) + 1, job.n, tick)
    if parts := [-1 - start for start in named if start < 0]:
        some = _made(context, job, home / "part", max(parts) + 1, max(job.n // PART, 1), tick)
        found |= {-1 - seed: state for seed, state in some.items()}
    return found


def _made(context: Context, job: Job, home: Path, wanted: int, present: int, tick: Tick) -> dict[int, Any]:
    """The models of the first ``wanted`` seeds at least, each fitted to the first ``present`` real samples."""
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
                _train(context, job, home, range(have, max(wanted, context.settings.seeds)), present, tick)
    like = jax.eval_shape(context.model(job.subject).init, jax.random.key(0))
    found = {}
    for first, last in _files(home):
        many = jax.tree.map(lambda leaf, count=last - first + 1: np.zeros((count, *leaf.shape), leaf.dtype), like)
        states = checkpoint.load(home / f"seeds_{first}_to_{last}.msgpack", many)
        found |= {seed: one_chain(states, seed - first) for seed in range(first, last + 1)}
    return found


def _have(home: Path) -> int:
    """How many seeds have their model."""
    return max((last + 1 for _, last in _files(home)), default=0)


def _files(home: Path) -> list[tuple[int, int]]:
    """First and last seed of each file."""
    matches = [_NAME.fullmatch(path.name) for path in sorted(home.glob("seeds_*.msgpack"))]
    return [(int(match[1]), int(match[2])) for match in matches if match]


def _train(context: Context, job: Job, home: Path, seeds: range, present: int, tick: Tick) -> None:
    """Train the models of ``seeds`` side by side, and keep them."""
    model, mesh, data = context.model(job.subject), context.mesh, context.data(job.n)
    source, calls = data.sources[job.source], context.first_fits(job.subject)
    real = everywhere(data.real, mesh)

    def fit(real: Batch, seed: Array, call: Array, state: Any) -> Any:
        key = role_key(jax.random.key(seed), 0, "fit")
        seen = source(real)(role_key(jax.random.key(seed), 0, "real"), jnp.int32(0))
        seen = keep(seen, jnp.arange(job.n, dtype=jnp.int32) < present)
        return model.fit(jax.random.fold_in(key, call), seen, state)[0]

    init = context.over(lambda real, seed: model.init(role_key(jax.random.key(seed), 0, "init")))
    step = context.over(fit)
    each = np.asarray(seeds, np.uint32)[filled(len(seeds), mesh)]
    seed = place(each, mesh)
    state = init(real, seed)
    for call in range(calls):
        state = jax.block_until_ready(step(real, seed, place(np.full(len(each), call, np.int32), mesh), state))
        tick(0, f"generation 0 of n = {job.n}: {call + 1} of {calls}")
    kept = jax.tree.map(lambda leaf: leaf[: len(seeds)], host(state))
    checkpoint.save(home / f"seeds_{seeds.start}_to_{seeds.stop - 1}.msgpack", kept)
