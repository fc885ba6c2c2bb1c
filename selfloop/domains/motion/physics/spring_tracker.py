"""Following targets in the spring pipeline: control by quaternions, differentiable from the targets to the motion.

On every joint acts the torque ``k e + d (w_ref - w)``, its length capped: e is the rotation vector from the joint's
rotation to the target's (to second order), w the relative angular velocity. The root is a joint of the pelvis with the
world, and is also pulled to its place: the residual wrench. Targets between frames are cubic Hermite curves.

Shapes: T frames at 20 fps, J = 15 joints, S physics steps a frame.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import PARENTS, SKELETON, Motion
from selfloop.domains.motion.physics.gains import gains
from selfloop.domains.motion.physics.reference import conjugate, hamilton
from selfloop.domains.motion.physics.spring_backend import Bodies, Spring

DAMPED = 0.6
"""Share of a joint's relative velocity that damping may take away in one step; more is unstable."""


class Targets(NamedTuple):
    """What the humanoid aims at, at the frames, and its rates, a frame."""

    root: Array
    """The pelvis' place [T, 3], m."""
    turn: Array
    """Local rotations as quaternions [T, J, 4], continuous in time; the pelvis' relative to the world."""
    root_rate: Array
    """[T, 3], m a frame."""
    turn_rate: Array
    """[T, J, 4], a frame."""


class Strength(NamedTuple):
    """How strongly the humanoid follows; the first joint is the root's rotation."""

    stiffness: np.ndarray
    """[J, 1], Nm/rad."""
    damping: np.ndarray
    """[J, 1], Nm s/rad."""
    cap: np.ndarray
    """[J, 1], Nm."""
    root: np.ndarray
    """Stiffness (N/m), damping (N s/m) and cap (N) of the pull on the pelvis [3, 3]."""


def strength(spring: Spring) -> Strength:
    """The gains of the other engines, a joint's first hinge for all of it; damping as far as steps bear it."""
    table = gains()
    firsts = np.cumsum([3, 3, *[len(joint.order) for joint in SKELETON[1:-1]]])
    stiffness, damping, cap = (np.asarray(part, np.float32)[firsts][:, None] for part in table)
    most = DAMPED * spring.inertia[:, None] / np.float32(spring.timestep)
    root = np.stack([np.asarray(part, np.float32)[:3] for part in table])
    return Strength(stiffness, np.minimum(damping, most), cap, root)


def targets(plan: Motion) -> Targets:
    """The targets of a motion [T]."""
    quaternion = rotations.to_quaternion(plan.rotations)
    same = jnp.sum(quaternion[1:] * quaternion[:-1], -1, keepdims=True) >= 0
    flips = jnp.where(same, jnp.float32(1), jnp.float32(-1))
    signs = jnp.cumprod(jnp.concatenate([jnp.ones_like(flips[:1]), flips]), 0)
    return _with_rates(plan.root, quaternion * signs)


def shifted(aim: Targets, shift: Array, turn: Array) -> Targets:
    """Targets moved by ``shift`` [T, 3] (m) and turned by ``turn`` [T, J, 3] (rotation vectors, to second order)."""
    extra = jnp.concatenate([jnp.ones_like(turn[..., :1]), 0.5 * turn], -1)
    return _with_rates(aim.root + shift, hamilton(extra / jnp.linalg.norm(extra, axis=-1, keepdims=True), aim.turn))


def _with_rates(root: Array, turn: Array) -> Targets:
    return Targets(root, turn, jnp.gradient(root, axis=0), jnp.gradient(turn, axis=0))


def start(spring: Spring, plan: Motion, lift: Array) -> Bodies:
    """The links in a motion's first pose, moving as it does, ``lift`` (m) higher."""
    positions, world = skeleton.forward(jax.tree.map(lambda leaf: leaf[:2], plan))
    centre = positions + (world @ spring.offset[..., None])[..., 0]
    before, after = rotations.to_quaternion(world)
    spin = 2 * FPS * _upright(hamilton(after, conjugate(before)))[..., 1:]
    high = centre[0] + lift * np.array([[0, 0, 1]], np.float32)
    return Bodies(high, before, FPS * (centre[1] - centre[0]), spin)


def play(spring: Spring, bodies: Bodies, aim: Targets) -> tuple[Bodies, Array]:
    """The links at the frames [T - 1, ...] after the first, and mean squares of root force and torque [T - 1, 2]."""
    steps = round(1 / (FPS * spring.timestep))
    strong = strength(spring)
    value, rate = _hermite(steps)

    def step(now: Bodies, goal: tuple[Array, ...]) -> tuple[Bodies, Array]:
        force, torque = _drive(spring, strong, now, *goal)
        return spring.step(now, force, torque), jnp.stack([jnp.sum(force**2), jnp.sum(torque[0] ** 2)])

    # Recomputed in the backward pass: a frame's many steps would fill the memory.
    @jax.checkpoint
    def frame(now: Bodies, ends: tuple[Array, ...]) -> tuple[Bodies, tuple[Bodies, Array]]:
        place, pace, turn, turning = (jnp.tensordot(m, knots, 1) for knots in ends for m in (value, rate))
        spin = 2 * hamilton(turning, conjugate(turn))[..., 1:] / jnp.sum(turn**2, -1, keepdims=True)
        turn = turn / jnp.linalg.norm(turn, axis=-1, keepdims=True)
        after, squares = jax.lax.scan(step, now, (place, pace, turn, spin))
        return after, (after, squares.mean(0))

    knots = tuple(
        jnp.stack([at[:-1], at[1:], slope[:-1], slope[1:]], 1)
        for at, slope in ((aim.root, aim.root_rate), (aim.turn, aim.turn_rate))
    )
    return jax.lax.scan(frame, bodies, knots)[1]


def to_motion(bodies: Bodies, spring: Spring) -> Motion:
    """The motion of links [..., J]: the pelvis' place and the rotations; what joints give is left out."""
    world = rotations.from_quaternion(bodies.turn)
    parents = np.array(PARENTS[1:])
    local = jnp.swapaxes(world[..., parents, :, :], -1, -2) @ world[..., 1:, :, :]
    root = bodies.centre[..., 0, :] - (world[..., 0, :, :] @ spring.offset[0][:, None])[..., 0]
    return Motion(root, jnp.concatenate([world[..., :1, :, :], local], -3))


def _drive(
    spring: Spring, strong: Strength, bodies: Bodies, place: Array, pace: Array, turn: Array, spin: Array
) -> tuple[Array, Array]:
    """Force [3] on the pelvis and torques [J, 3] of the joints on their links, in the world."""
    joints = spring.joints(bodies)
    error = 2 * _upright(hamilton(turn, conjugate(joints.turn)))[..., 1:]
    torque = strong.stiffness * error + strong.damping * (spin - joints.spin)
    size = jnp.sqrt(jnp.sum(torque**2, -1, keepdims=True) + jnp.float32(1e-6))
    torque = torque * jnp.minimum(strong.cap / size, 1)
    force = strong.root[0] * (place - joints.place[0]) + strong.root[1] * (pace - joints.pace[0])
    return jnp.clip(force, -strong.root[2], strong.root[2]), _rotate(joints.parent, torque)


def _upright(q: Array) -> Array:
    """The sign of quaternions [..., 4] whose first number is not negative."""
    return jnp.where(q[..., :1] < 0, -q, q)


def _rotate(q: Array, v: Array) -> Array:
    """Vectors [..., 3] turned by unit quaternions [..., 4]."""
    across = 2 * jnp.cross(q[..., 1:], v)
    return v + q[..., :1] * across + jnp.cross(q[..., 1:], across)


@functools.cache
def _hermite(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices [S, 4] from both ends' values and slopes to the curve and its rate a second, at the end of each step."""
    u = np.arange(1, steps + 1) / steps
    value = np.stack([2 * u**3 - 3 * u**2 + 1, 3 * u**2 - 2 * u**3, u**3 - 2 * u**2 + u, u**3 - u**2], 1)
    rate = np.stack([6 * u**2 - 6 * u, 6 * u - 6 * u**2, 3 * u**2 - 4 * u + 1, 3 * u**2 - 2 * u], 1)
    return value.astype(np.float32), (FPS * rate).astype(np.float32)
