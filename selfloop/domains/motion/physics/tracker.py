"""Following a reference with the humanoid, and following it better by having failed before.

One rollout under the reference's own commands misses it a little, for the ground gives what reaction it likes.
Iterative learning control (Arimoto et al. 1984) adds what was missing to the targets of the joints and rolls again:

    u_{i+1} = clip(u_i + 0.7 (q_ref - q_i, smoothed), -0.3, 0.3)        u_0 = 0

and keeps of each motion the rollout that came nearest. Shapes: N motions, T frames at 20 fps, S physics steps a frame,
K = (T - 1) S + 1 instants, V = 36 degrees of freedom.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import Motion
from selfloop.domains.motion.physics.backends import Roll
from selfloop.domains.motion.physics.controls import V, command
from selfloop.domains.motion.physics.gains import Gains
from selfloop.domains.motion.physics.reference import Reference, lowpass, read

HEAD_DROP, ROOT_OFF = 0.35, 1.0
"""A humanoid has fallen if its head is this much (m) lower than the reference's, or its pelvis this far away."""

RATE, MOST = 0.7, 0.3
"""Share of the tracking error that is learned a round, and the most (rad) that a target is moved."""


class Track(NamedTuple):
    """What became of N motions."""

    states: Array
    """Positions and velocities at every instant [N, K, 2 V + 1]."""
    error: Array
    """Root mean square distance of the joint coordinates from the reference's [N] (rad); inf after a blow-up."""


def track(roll: Roll, strength: Gains, steps: int, reference: Reference, length: Array, rounds: int = 0) -> Track:
    """The best of ``rounds`` + 1 rollouts of each motion. ``reference`` leads with N; ``steps`` is S."""
    offset = jnp.zeros((*reference.q.shape[:2], V - 6), jnp.float32)
    best = _once(roll, strength, steps, reference, length, offset)
    last = best
    for _ in range(rounds):
        offset = _learn(offset, reference.q, last.states, length, steps)
        last = _once(roll, strength, steps, reference, length, offset)
        best = _nearer(best, last)
    return best


def _once(roll: Roll, strength: Gains, steps: int, reference: Reference, length: Array, offset: Array) -> Track:
    plan = _commands(strength, reference, offset)
    states = roll(strength, 1 / (FPS * steps), plan.start, plan.control)
    return _evaluated(reference.q, plan.start, states, length, steps)


@jax.jit
def _commands(strength: Gains, reference: Reference, offset: Array):
    return jax.vmap(command, (None, 0, 0))(strength, reference, offset)


@functools.partial(jax.jit, static_argnames="steps")
def _evaluated(wanted: Array, start: Array, states: Array, length: Array, steps: int) -> Track:
    whole = jnp.concatenate([start[:, None], states], 1)
    angles = whole[:, ::steps, 7 : V + 1]
    counts = features.valid(length, angles.shape[1])[..., None]
    off = jnp.where(counts, angles - wanted[:, ::steps, 7:], 0)
    mean = jnp.sum(off**2, (1, 2)) / ((V - 6) * length).astype(jnp.float32)
    return Track(whole, jnp.where(jnp.isfinite(mean), jnp.sqrt(mean), jnp.inf))


@functools.partial(jax.jit, static_argnames="steps")
def _learn(offset: Array, wanted: Array, states: Array, length: Array, steps: int) -> Array:
    error = jnp.nan_to_num(wanted[:, ::steps, 7:] - states[:, ::steps, 7 : V + 1], posinf=0, neginf=0)
    smooth = jax.vmap(functools.partial(lowpass, sigma=1.0))(error, length)
    missing = jax.vmap(lambda signal: read(signal, steps)[0])(smooth)
    return jnp.clip(offset + RATE * missing, -MOST, MOST)


@jax.jit
def _nearer(one: Track, other: Track) -> Track:
    better = other.error < one.error
    pick = lambda a, b: jnp.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a)  # noqa: E731
    return jax.tree.map(pick, one, other)


def to_motion(q: Array) -> Motion:
    """The motion of positions q [..., V + 1]."""
    pelvis = rotations.from_quaternion(q[..., 3:7] / jnp.linalg.norm(q[..., 3:7], axis=-1, keepdims=True))
    local = jnp.concatenate([pelvis[..., None, :, :], skeleton.from_coordinates(q[..., 7:])], -3)
    return Motion(q[..., :3], local)


def stands(motion: Motion, wanted: Motion) -> Array:
    """Whether head and pelvis [...] are near enough to where they should be; False where they are not numbers."""
    pair = jax.tree.map(lambda *leaves: jnp.stack(leaves), motion, wanted)
    now, then = skeleton.forward(pair)[0]
    head = skeleton.INDEX["neck"]
    off = jnp.linalg.norm(now[..., 0, :] - then[..., 0, :], axis=-1)
    return (now[..., head, 2] > then[..., head, 2] - HEAD_DROP) & (off < ROOT_OFF)
