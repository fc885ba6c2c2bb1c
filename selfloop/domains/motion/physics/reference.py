"""The pre-pass: from a motion to what the humanoid is asked to follow.

Jitter is taken out, the root's height is led back to the floor, joints go back inside their limits, feet are planned
to stand or to swing, and the result is read at every physics step as joint coordinates with their velocities.

Shapes: T frames at 20 fps, J joints, S physics steps a frame, V = 36 degrees of freedom; one motion, `jax.vmap` it.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.interpolate import CubicHermiteSpline

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import LIMITS, Motion
from selfloop.domains.motion.physics import feet
from selfloop.domains.motion.physics.denoise import quieted
from selfloop.domains.motion.physics.inverse_dynamics import balance, inverse_dynamics
from selfloop.domains.motion.physics.root_path import carried, shaking

FALLING = -5.0
"""Vertical acceleration (m/s^2) of the centre of mass under which the body is taken to be in the air, the floor unseen.

Flight has -9.8; walking stays above -4, and so do the slow risings and bobbings that a motion has no right to."""

LEAP, AROUND = 0.25, 10
"""Nor is it seen where the body is this much (m) higher than at its lowest within so many frames to either side:
recorded somersaults do not fall as freely as they should."""

SMOOTHING = 1.0
"""Standard deviation with which the estimated floor is smoothed, frames: 50 ms."""

ROUNDING = 0.5
"""The same for the plan, whose feet would else be set down and lifted with a jerk, and for its torques."""


class Reference(NamedTuple):
    """What to follow at the beginning of every physics step, (T - 1) S of them and the end: K in all."""

    q: Array
    """Positions [K, V + 1]: root (m), its quaternion, joint coordinates (rad)."""
    velocity: Array
    """Velocities [K, V]: root (m/s, world; rad/s, pelvis frame), joint coordinates (rad/s)."""
    torque: Array
    """What the joints' movement takes [K, 30] (Nm); see `inverse_dynamics`."""
    motion: Motion
    """The planned motion at the frames [T, ...]."""
    sunk: Array
    """How deep (m) the first pose lies in the floor, 0 or more."""


def prepare(motion: Motion, length: Array, steps: int) -> Reference:
    """The reference of one motion: root [T, 3], rotations [T, J, 3, 3], of which the first ``length`` frames count.

    Beyond its length a motion stands still. ``steps`` is S.
    """
    plan = planned(motion, length)
    quaternion = _continuous(rotations.to_quaternion(plan.rotations[:, 0]))
    angles = skeleton.coordinates(plan.rotations)
    q, rate = read(jnp.concatenate([plan.root, quaternion, angles], -1), steps)
    torque = lowpass(inverse_dynamics(plan.root, plan.rotations[:, 0], angles), length, ROUNDING)
    norm = jnp.linalg.norm(q[:, 3:7], axis=-1, keepdims=True)
    unit = q[:, 3:7] / norm
    spin = 2 * hamilton(conjugate(unit), rate[:, 3:7] / norm)[:, 1:]
    lowest = skeleton.sphere_heights(*skeleton.forward(plan)).min(-1)
    return Reference(
        jnp.concatenate([q[:, :3], unit, q[:, 7:]], -1),
        jnp.concatenate([rate[:, :3], spin, rate[:, 7:]], -1),
        read(torque, steps)[0],
        plan,
        jnp.maximum(-lowest[0], 0),
    )


def planned(motion: Motion, length: Array) -> Motion:
    """The kinematic part alone: the motion without jitter, on the floor, within its limits, with its feet planned."""
    quiet = quieted(motion, length)
    angles = jnp.clip(skeleton.coordinates(quiet.rotations), LIMITS[None, :, 0], LIMITS[None, :, 1])
    turns = jnp.concatenate([quiet.rotations[:, :1], skeleton.from_coordinates(angles)], 1)
    joints = skeleton.forward(Motion(quiet.root, turns))
    ground = floor(skeleton.sphere_heights(*joints).min(-1), balance(*joints)[:, 2], length)
    root = quiet.root - ground[:, None] * np.array([[0, 0, 1]], np.float32)
    plan = feet.plan(carried(Motion(root, turns), shaking(motion, quiet, length), length))
    six = lowpass(rotations.to_six(plan.rotations), length, ROUNDING)
    return Motion(lowpass(plan.root, length, ROUNDING), rotations.from_six(six))


def floor(lowest: Array, height: Array, length: Array) -> Array:
    """Height [T] (m) of the floor that a motion seems to walk on.

    ``lowest`` [T] (m) is the height of its lowest contact sphere, ``height`` [T] (m) that of its centre of mass.
    Whoever is not falling freely stands on something: where that one accelerates down by less than `FALLING`, and the
    body has not leapt (`LEAP`), the floor is at the lowest sphere; over flights it goes on in a straight line, never
    above the lowest sphere. So jumps keep their height, while a motion that floats, sinks, rises or bobs is found out.
    """
    frames = jnp.arange(len(lowest))
    wide = jnp.pad(height, 2, mode="reflect", reflect_type="odd")
    fall = FPS**2 / 3 * (wide[4:] - wide[3:-1] - wide[1:-3] + wide[:-4])
    # Each is a mean over three frames: beside one that falls, the first of a flight, say, still has the take-off in it.
    beside = jnp.pad(fall, 1, mode="edge")
    fall = jnp.minimum(fall, jnp.minimum(beside[:-2], beside[2:]))
    counts = frames < length
    around = counts[None] & (jnp.abs(frames[:, None] - frames[None]) <= AROUND)
    leap = lowest - jnp.where(around, lowest[None], jnp.inf).min(-1)
    supported = (fall > FALLING) & (leap < LEAP) & counts
    near = feet.neighbours(supported)
    before, after = lowest[jnp.maximum(near.before, 0)], lowest[jnp.minimum(near.after, len(lowest) - 1)]
    left, right = near.before >= 0, near.after < len(lowest)
    span = jnp.maximum(near.after - near.before, 1).astype(lowest.dtype)
    share = (frames - near.before).astype(lowest.dtype) / span
    between = jnp.where(left & right, before + share * (after - before), jnp.where(left, before, after))
    seen = jnp.where(left | right, jnp.minimum(between, lowest), lowest)
    return lowpass(seen, length, SMOOTHING)


def lowpass(values: Array, length: Array, sigma: float) -> Array:
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


def read(signal: Array, steps: int) -> tuple[Array, Array]:
    """A signal [T, ...] and its rate a second, both [K, ...], at every physics step, ``steps`` of them a frame."""
    value, slope = _reader(len(signal), steps)
    return value @ signal, slope @ signal


@functools.cache
def _reader(frames: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices [K, T] that read a signal, and its rate a second, at every step: cubic Hermite, central differences."""
    unit = np.eye(frames)
    curve = CubicHermiteSpline(np.arange(frames), unit, np.gradient(unit, axis=0))
    at = np.arange((frames - 1) * steps + 1) / steps
    return curve(at).astype(np.float32), (curve.derivative()(at) * FPS).astype(np.float32)
