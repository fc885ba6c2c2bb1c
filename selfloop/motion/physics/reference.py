"""The pre-pass: from a motion to what the humanoid is asked to follow.

A light low-pass takes the worst jitter out, the root's height is led back to the floor, and the result is read at every
physics step as joint coordinates with their velocities.

Shapes: T frames at 20 fps, J joints, S physics steps a frame, V = 36 degrees of freedom; one motion, `jax.vmap` it.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.interpolate import CubicHermiteSpline

from selfloop.motion.data import rotations, skeleton
from selfloop.motion.data.features import FPS
from selfloop.motion.data.skeleton import Motion

SMOOTHING = 0.67
"""Standard deviation of the low-pass, frames: 33 ms."""

REACH = 10
"""Frames to either side in which the floor is looked for: half a second."""

SUPPORT = 0.25
"""Share of these frames in which a motion is taken to touch the floor, or to lie under it, at least."""

DRIFT = 5.0
"""Standard deviation with which the estimated floor is smoothed, frames."""


STEP, FLIGHT = 0.025, 0.05
"""A lowest sphere up to the first height over the floor (m) should stand on it, over the second one it flies."""


class Reference(NamedTuple):
    """What to follow at the beginning of every physics step, (T - 1) S of them and the end: K in all."""

    q: Array
    """Positions [K, V + 1]: root (m), its quaternion, joint coordinates (rad)."""
    velocity: Array
    """Velocities [K, V]: root (m/s, world; rad/s, pelvis frame), joint coordinates (rad/s)."""
    motion: Motion
    """The filtered and grounded motion at the frames [T, ...]."""
    sunk: Array
    """How deep (m) the first pose lies in the floor, 0 or more."""


def prepare(motion: Motion, length: Array, steps: int) -> Reference:
    """The reference of one motion: root [T, 3], rotations [T, J, 3, 3], of which the first ``length`` frames count.

    Beyond its length a motion stands still. ``steps`` is S.
    """
    root = lowpass(motion.root, length)
    six = lowpass(rotations.to_six(motion.rotations), length)
    turns = rotations.from_six(six)
    lowest = skeleton.sphere_heights(*skeleton.forward(Motion(root, turns))).min(-1)
    ground = floor(lowest, length)
    root = root - ground[:, None] * np.array([[0, 0, 1]], np.float32)
    quaternion = _continuous(rotations.to_quaternion(turns[:, 0]))
    flat = jnp.concatenate([root, quaternion, skeleton.coordinates(turns)], -1)
    value, slope = _reader(len(root), steps)
    q, rate = value @ flat, slope @ flat
    norm = jnp.linalg.norm(q[:, 3:7], axis=-1, keepdims=True)
    unit = q[:, 3:7] / norm
    spin = 2 * hamilton(conjugate(unit), rate[:, 3:7] / norm)[:, 1:]
    return Reference(
        jnp.concatenate([q[:, :3], unit, q[:, 7:]], -1),
        jnp.concatenate([rate[:, :3], spin, rate[:, 7:]], -1),
        Motion(root, turns),
        jnp.maximum(ground[0] - lowest[0], 0),
    )


def lowpass(values: Array, length: Array, sigma: float = SMOOTHING) -> Array:
    """Gaussian means over time of ``values`` [T, ...], whose first ``length`` frames count; the last one then repeats.

    At both ends the signal goes on point-symmetrically, so that a steady movement keeps its pace.
    """
    frames, radius = len(values), int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    last = length - 1
    at = jnp.minimum(jnp.arange(frames), last)[:, None] + np.arange(-radius, radius + 1, dtype=np.int32)[None]
    inside = jnp.clip(jnp.where(at < 0, -at, jnp.where(at > last, 2 * last - at, at)), 0, last)
    edge = jnp.where(at < 0, 0, last)
    flat = values.reshape(frames, -1)
    beyond = ((at < 0) | (at > last))[..., None]
    around = jnp.where(beyond, 2 * flat[edge] - flat[inside], flat[inside])
    mean = jnp.einsum("tkd,k->td", around, (weights / weights.sum()).astype(np.float32))
    return mean.reshape(values.shape)


def floor(lowest: Array, length: Array) -> Array:
    """Height [T] (m) of the floor that a motion seems to walk on, whose lowest contact sphere is at ``lowest`` [T] (m).

    The `SUPPORT` quantile within a second, smoothed: a jump of up to three quarters of a second keeps its height,
    single deep or high frames count little, and a motion that floats or sinks, steadily or slowly changing, is found
    out. On top of it small gaps are closed frame by frame, for a foot that should stand but hangs a finger's breadth
    over the floor lets the other one scuff; larger gaps are flight.
    """
    frames = len(lowest)
    at = np.add.outer(np.arange(frames), np.arange(-REACH, REACH + 1)).astype(np.int32)
    inside = (at >= 0) & (at < length)
    near = jnp.sort(jnp.where(inside, lowest[np.clip(at, 0, frames - 1)], jnp.inf), -1)
    rank = (SUPPORT * (inside.sum(-1) - 1).astype(jnp.float32)).astype(jnp.int32)
    support = jnp.take_along_axis(near, jnp.maximum(rank, 0)[:, None], -1)[:, 0]
    level = _blur(support, length, DRIFT)
    gap = lowest - level
    share = jnp.clip((FLIGHT - gap) / (FLIGHT - STEP), 0, 1)
    return level + _blur(gap * share, length, SMOOTHING)


def _blur(values: Array, length: Array, sigma: float) -> Array:
    """Gaussian means [T] over those of the frames that count; the last one then repeats."""
    frames = jnp.arange(len(values))
    counts = frames < length
    distance = (jnp.minimum(frames, length - 1)[:, None] - frames[None]).astype(values.dtype)
    weight = jnp.where(counts[None], jnp.exp(-0.5 * (distance / sigma) ** 2), 0)
    return weight @ jnp.where(counts, values, 0) / weight.sum(-1)


def hamilton(p: Array, q: Array) -> Array:
    """Product [..., 4] of quaternions [..., 4] (wxyz)."""
    (a, u), (b, v) = (p[..., :1], p[..., 1:]), (q[..., :1], q[..., 1:])
    return jnp.concatenate([a * b - jnp.sum(u * v, -1, keepdims=True), a * v + b * u + jnp.cross(u, v)], -1)


def conjugate(q: Array) -> Array:
    """The inverse [..., 4] of a unit quaternion."""
    return jnp.concatenate([q[..., :1], -q[..., 1:]], -1)


def _continuous(quaternion: Array) -> Array:
    """Quaternions [T, 4] with the signs that make them change least."""
    flips = jnp.where(jnp.sum(quaternion[1:] * quaternion[:-1], -1) < 0, jnp.float32(-1), jnp.float32(1))
    signs = jnp.cumprod(jnp.concatenate([jnp.ones(1, jnp.float32), flips]))
    return quaternion * signs[:, None]


@functools.cache
def _reader(frames: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices [K, T] that read a signal, and its rate a second, at every step: cubic Hermite, central differences."""
    unit = np.eye(frames)
    curve = CubicHermiteSpline(np.arange(frames), unit, np.gradient(unit, axis=0))
    at = np.arange((frames - 1) * steps + 1) / steps
    return curve(at).astype(np.float32), (curve.derivative()(at) * FPS).astype(np.float32)
