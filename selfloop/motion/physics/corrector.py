"""The physics corrector: each motion of a batch is replaced by what a humanoid does that follows it.

It projects to what is physically plausible and does not recover truth: floating and sinking are removed and jitter
shrinks, while a wrong path, a wrong pose or a wrong rhythm stays.

Shapes: N motions, T frames at 20 fps, D = 64 features.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.motion.data import features, skeleton
from selfloop.motion.data.features import FPS
from selfloop.motion.physics import tracker
from selfloop.motion.physics.brax_backend import engine
from selfloop.motion.physics.reference import prepare
from selfloop.motion.physics.tracker import Gains

SUBSTEPS = 9
"""Physics steps a frame: 5.56 ms."""

CHUNK = 32
"""Motions that one program corrects at a time on a CPU, whatever the batch's size."""


def physics_corrector(
    pipeline: str = "mjx", gains: Gains | None = None, substeps: int = SUBSTEPS, chunk: int | None = None
) -> Callable:
    """A corrector ``correct(key, batch, state) -> (Batch, info)`` for features [N, T, D] with ``cond["length"]`` [N].

    The result's motions start where and as theirs did but for the filter and the floor; frames beyond the length hold
    the last pose. A motion that falls, blows up or is not finite keeps its input (nulls for what is not finite) and
    gets weight 0. ``info`` holds per motion [N]: ``moved_mm`` (mean distance of the joints from where they were),
    ``failed``, and the residual wrench as shares of its caps, ``root_force_share`` and ``root_torque_share``.

    It is compiled once for each T, not for each N, and called from Python, not under ``jit``.

    Args:
        pipeline: a Brax pipeline, see `brax_backend.PIPELINES`.
        gains: see `tracker.gains`; other values run the same program.
        substeps: physics steps a frame.
        chunk: motions at a time; None for 32 on a CPU and 256 elsewhere.

    Raises:
        ConfigError: no such pipeline.
    """
    program = compiled(pipeline, substeps)
    strength = tracker.gains() if gains is None else gains
    size = chunk or (CHUNK if jax.default_backend() == "cpu" else 256)

    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        x, length = np.asarray(batch.x, np.float32), np.asarray(batch.cond["length"], np.int32)
        spare = np.arange(-len(x) % size)
        order = np.concatenate([np.arange(len(x)), np.zeros_like(spare)]).reshape(-1, size)
        # One after the other: two programs at a time on a CPU of two cores dead-lock in XLA (jax 0.10).
        parts = [jax.block_until_ready(program(strength, x[rows], length[rows])) for rows in order]
        fixed, info = jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[: len(x)], *parts)
        weight = jnp.where(info["failed"], jnp.zeros_like(batch.weight), batch.weight)
        return batch._replace(x=fixed, weight=weight), info

    return correct


@functools.cache
def compiled(pipeline: str, substeps: int) -> Callable:
    """The jitted ``program(gains, x [C, T, D], length [C]) -> (x, info)`` behind the corrector."""
    body = functools.partial(_correct_one, engine(pipeline, 1 / (FPS * substeps)), substeps)
    return jax.jit(jax.vmap(body, in_axes=(None, 0, 0)))


def _correct_one(physics, substeps: int, strength: Gains, x: Array, length: Array) -> tuple[Array, dict[str, Array]]:
    given = jnp.where(jnp.isfinite(x), x, 0)
    motion = features.decode(given)
    result = tracker.track(physics, strength, prepare(motion, length, substeps))
    fixed = features.hold(features.encode(result.motion), length)
    counts = features.valid(length, len(x))
    healthy = jnp.isfinite(x).all() & jnp.isfinite(fixed).all() & result.alive[length - 1]
    fixed = jnp.where(healthy, fixed, given)
    after, before = skeleton.forward(features.decode(jnp.stack([fixed, given])))[0]
    distance = jnp.linalg.norm(after - before, axis=-1).mean(-1)
    share = _mean(result.wrench, counts[1:, None])
    info = {
        "moved_mm": jnp.where(healthy, 1000 * _mean(distance, counts), 0),
        "failed": ~healthy,
        "root_force_share": jnp.where(healthy, share[0], 0),
        "root_torque_share": jnp.where(healthy, share[1], 0),
    }
    return fixed, info


def _mean(values: Array, counts: Array) -> Array:
    """Mean over the frames that count, finite whatever the values."""
    kept = counts & jnp.isfinite(values)
    return jnp.where(kept, values, 0).sum(0) / jnp.maximum(kept.sum(0), 1).astype(values.dtype)
