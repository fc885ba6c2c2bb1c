"""The physics corrector: each motion of a batch is replaced by what a humanoid does that follows it.

A motion is made ready (`reference`), followed in one open-loop rollout or in several that learn from each other
(`tracker`), and kept if the humanoid has neither fallen nor blown up. It projects to what is physically plausible and
does not recover truth: floating, sinking, bobbing and jitter go; a wrong path, pose or rhythm stays.

Shapes: N motions, T frames at 20 fps, D = 64 features, K = (T - 1) S + 1 instants with S physics steps a frame.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.domains.motion.correctors.outcome import outcome
from selfloop.domains.motion.data import features
from selfloop.domains.motion.physics import residual_wrench, tracker
from selfloop.domains.motion.physics.backends import roll_of
from selfloop.domains.motion.physics.controls import V
from selfloop.domains.motion.physics.gains import Gains
from selfloop.domains.motion.physics.gains import gains as default_gains
from selfloop.domains.motion.physics.reference import Reference, prepare

SUBSTEPS = 9
"""Physics steps a frame: 5.56 ms."""

CHUNK = 64
"""Motions that one program corrects at a time on a CPU, whatever the batch's size."""

WIDE = (1024, 4096)
"""The same on an accelerator, where a rollout of few motions takes about as long as one of many: the least of these
that holds the batch and has room, so that two programs serve all batches. Measured: docs/gpu.md."""

FRAME_BYTES = 2**15
"""Memory of the device that a frame of a motion takes in all, at 9 substeps."""


def physics_corrector(
    pipeline: str = "auto",
    gains: Gains | None = None,
    substeps: int = SUBSTEPS,
    rounds: int = 0,
    chunk: int | None = None,
) -> Callable:
    """A corrector ``correct(key, batch, state) -> (Batch, info)`` for features [N, T, D] with ``cond["length"]`` [N].

    The result's motions start where and as theirs did but for what the pre-pass mends; frames beyond the length hold
    the last pose. A motion that falls, blows up or is not finite keeps its input (nulls for what is not finite) and
    gets weight 0. ``info`` holds per motion [N]: ``moved`` (mean distance of the joints from where they were, mm),
    ``failed``, and the rms residual wrench: ``root_force_share`` (of the body's weight) and ``root_torque_share`` (of
    that weight times a metre).

    It is compiled once for each T, not for each N, and called from Python, not under ``jit``.

    Args:
        pipeline: the engine, see `backends.PIPELINES`.
        gains: see `gains.gains`; other values run the same program.
        substeps: S.
        rounds: further rollouts that learn from the ones before, see `tracker`.
        chunk: motions at a time; None for what suits the device (`suited`).

    Raises:
        ConfigError: no such pipeline.
    """
    roll = roll_of(pipeline)
    strength = default_gains() if gains is None else gains

    def some(x: Array, length: Array) -> tuple[Array, dict[str, Array]]:
        reference = _prepare(x, length, substeps)
        result = tracker.track(roll, strength, substeps, reference, length, rounds)
        return _finish(strength, length, reference, result.states, substeps)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        x, length = jnp.asarray(batch.x, jnp.float32), jnp.asarray(batch.cond["length"], jnp.int32)
        fixed, info = in_chunks(some, chunk or suited(*x.shape[:2]), x, length)
        return outcome(batch, fixed, **info)

    return correct


def suited(count: int, frames: int) -> int:
    """Motions that one program corrects at a time on this device, for a batch of ``count``."""
    if jax.default_backend() == "cpu":
        return CHUNK
    memory = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", 2**33)
    fitting = [size for size in WIDE if 2 * size * frames * FRAME_BYTES <= memory] or WIDE[:1]
    return next((size for size in fitting if size >= count), fitting[-1])


@functools.partial(jax.jit, static_argnames="steps")
def _prepare(x: Array, length: Array, steps: int) -> Reference:
    """What is to be followed, of each motion."""
    return jax.vmap(lambda x, length: prepare(features.decode(x), length, steps))(x, length)


@functools.partial(jax.jit, static_argnames="steps")
def _finish(
    strength: Gains, length: Array, reference: Reference, states: Array, steps: int
) -> tuple[Array, dict[str, Array]]:
    return jax.vmap(functools.partial(_finish_one, strength, steps))(length, reference, states)


def _finish_one(
    strength: Gains, steps: int, length: Array, reference: Reference, states: Array
) -> tuple[Array, dict[str, Array]]:
    """The corrected features of one motion, and whether it failed."""
    motion = tracker.to_motion(states[::steps, : V + 1])
    counts = features.valid(length, len(motion.root))
    stood = (tracker.stands(motion, reference.motion) | ~counts).all()
    instants = jnp.arange(len(states)) <= (length - 1) * steps
    share = residual_wrench.shares(strength, steps, reference.q, reference.velocity, states, instants)
    info = {"failed": ~stood, "root_force_share": share[0], "root_torque_share": share[1]}
    return features.hold(features.encode(motion), length), info
