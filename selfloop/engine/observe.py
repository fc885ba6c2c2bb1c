"""Observation of a generation: each chain's model, and new samples of it as points and values, which also corrected.

The samples are of the same noise and conditions in every generation and in all chains of a seed, so that what differs
is the models. Measures are computed from what is kept (`measure`), so that a new one needs no new run.
Shapes: L chains, N samples a chain.
"""

import functools
from typing import Any

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh

from selfloop.batch import Batch, uniform
from selfloop.engine import folder
from selfloop.engine.chains import everywhere, host, place
from selfloop.engine.context import Context, arrays
from selfloop.engine.plan import Job
from selfloop.loop import role_key
from selfloop.runs import files

SHOWN = 6
"""Samples a chain that are kept whole, in generations that are audited, for a reader to look at."""


class Observer:
    """The programs that observe the chains of jobs of one subject."""

    def __init__(self, context: Context, subject: Job):
        model, mesh, count = context.model(subject), context.mesh, context.settings.evaluate

        def sample(shared: Any, seed: Array, state: Any) -> tuple[Any, dict[str, Array]]:
            observe, cond, numbers = shared
            key, _ = jax.random.split(role_key(jax.random.key(seed), 0, "evaluate"))
            batch = model.sample(key, state, cond, count)
            of_state = {f"number/{name}": value for name, value in numbers(state).items()}
            return batch.x, arrays(observe(batch)) | of_state

        def again(shared: Any, x: Any) -> dict[str, Array]:
            observe, cond, _ = shared
            # Of all samples together nothing is kept: those rejected are among them.
            return arrays(observe(uniform(x, cond))._replace(numbers={}), "corrected/")

        self.mesh: Mesh = mesh
        self.cond: Any = host(context.conditions(subject.n))
        shared = context.observe(subject.n), context.conditions(subject.n), context.numbers(subject)
        self.shared: Any = everywhere(shared, mesh)
        self._sample, self._again = context.over(sample), context.over(again)

    def samples(self, seed: Array, state: Any) -> tuple[Batch, dict[str, np.ndarray]]:
        """The evaluation samples [L, N, ...] of each chain, and what is kept of them."""
        x, found = host(jax.block_until_ready(self._sample(self.shared, seed, state)))
        chains, count = jax.tree.leaves(x)[0].shape[:2]
        cond = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (chains, *leaf.shape)), self.cond)
        return Batch(x, np.ones((chains, count), np.float32), cond), found

    def compile(self, seed: Array, state: Any) -> None:
        """Make the first call of `samples` find its program, see `chains.AllChains`."""
        self._sample.compile(self.shared, seed, state)

    def corrected(self, x: Any) -> dict[str, np.ndarray]:
        """What is kept of the same samples after their correction, by names that say so."""
        return host(self._again(self.shared, place(x, self.mesh)))


def observer(context: Context, job: Job) -> Observer:
    """The observer of a job; jobs of one model have the same."""
    return _observer(context, job.subject)


_observer = functools.cache(Observer)


def shown(x: Any, prefix: str = "") -> dict[str, np.ndarray]:
    """The first samples of every chain, leaf by leaf: ``x``, or ``x/PATH`` where a sample is a tree."""
    paths = jax.tree_util.tree_leaves_with_path(x)
    names = [f"{prefix}x{jax.tree_util.keystr(at, simple=True, separator='/') and '/'}" for at, _ in paths]
    tails = [jax.tree_util.keystr(at, simple=True, separator="/") for at, _ in paths]
    return {name + tail: leaf[:, :SHOWN] for name, tail, (_, leaf) in zip(names, tails, paths, strict=True)}


def keep(home: Any, t: int, found: dict[str, np.ndarray], chains: int) -> None:
    """Write an observation of the first ``chains`` chains; the others only fill up the devices."""
    path = folder.observation_file(home, t)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.store_arrays(path, {name: values[:chains] for name, values in found.items()})
