"""Following a reference with the humanoid: proportional-derivative control, capped, at every physics step.

On each degree of freedom acts ``f = clip(k (q_ref - q - h v) + d (v_ref - v), -cap, cap)`` with the reference at the
end of the step h: the control law at the end of the step, to first order, if the mass matrix' diagonal also gets
``h (d + k h)`` (stable PD: Tan, Liu and Turk, IEEE CG&A 2011). So gains may be high and steps long, and contacts feel
the same stiff body. Joint gains are those of DeepMimic (Peng et al., SIGGRAPH 2018), stiffer. On the root, which has no
motor, acts a spring with a small cap, the residual wrench: it keeps balance, but cannot carry the body's weight.

Shapes: T frames at 20 fps, S physics steps a frame, V = 36 degrees of freedom; one motion, `jax.vmap` for more.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.motion.data import rotations, skeleton
from selfloop.motion.data.features import FPS
from selfloop.motion.data.skeleton import SKELETON, Motion
from selfloop.motion.physics.brax_backend import Engine, V
from selfloop.motion.physics.humanoid import MASS
from selfloop.motion.physics.reference import Reference, conjugate, hamilton

HEAD_DROP, ROOT_OFF = 0.35, 1.0
"""A humanoid has fallen if its head is this much (m) lower than the reference's, or its pelvis this far away."""

_STRENGTH = {"chest": (1000, 200), "neck": (100, 50), "shoulder": (400, 100), "elbow": (300, 60),
             "hip": (500, 200), "knee": (500, 150), "ankle": (400, 90), "toe": (40, 30)}  # fmt: skip
"""DeepMimic's stiffness (Nm/rad) and torque limit (Nm) of each joint; toes are ours."""


class Gains(NamedTuple):
    """Strength of control on each degree of freedom [V]; arrays, so that changing them does not recompile."""

    stiffness: Array
    """k: N/m, Nm/rad."""
    damping: Array
    """d: N s/m, Nm s/rad."""
    cap: Array
    """Largest force: N, Nm."""
    implicit: Array
    """Share of ``h (d + k h)`` that is added to the inertia: 1 where the spring is stiff for its mass."""


def gains(
    joint_stiffness: float = 8.0,
    joint_damping: float = 0.05,
    joint_cap: float = 3.0,
    root_force: float = 500.0,
    root_lift: float = 200.0,
    root_torque: float = 430.0,
    root_frequency: float = 2.0,
    root_stiffness: float = 6000.0,
) -> Gains:
    """Gains as multiples of DeepMimic's, and the residual wrench on the root.

    Args:
        joint_stiffness: times DeepMimic's.
        joint_damping: seconds, times the stiffness.
        joint_cap: times DeepMimic's torque limits.
        root_force: cap along each horizontal axis, N.
        root_lift: cap along the vertical, N; keep it under the body's weight (640 N) or floating survives.
        root_torque: cap about each axis, Nm.
        root_frequency: of the critically damped spring on the pelvis' position, Hz.
        root_stiffness: on the pelvis' rotation, Nm/rad; a tenth of it is its damping.
    """
    strength = [_STRENGTH[j.name.removeprefix("left_").removeprefix("right_")] for j in SKELETON[1:] for _ in j.order]
    table = np.array(strength, np.float32)
    omega = 2 * np.pi * root_frequency
    stiffness = np.r_[[MASS * omega**2] * 3, [root_stiffness] * 3, joint_stiffness * table[:, 0]]
    damping = np.r_[[2 * MASS * omega] * 3, [0.1 * root_stiffness] * 3, joint_damping * joint_stiffness * table[:, 0]]
    cap = np.r_[[root_force] * 2, root_lift, [root_torque] * 3, joint_cap * table[:, 1]]
    implicit = np.r_[np.zeros(3), np.ones(V - 3)]
    return Gains(*(jnp.asarray(part, jnp.float32) for part in (stiffness, damping, cap, implicit)))


class Track(NamedTuple):
    """What became of a motion."""

    motion: Motion
    """The humanoid's motion at the frames [T, ...]; from a number that is not finite on it stands still."""
    alive: Array
    """Whether the humanoid has neither fallen nor blown up so far [T] (bool)."""
    wrench: Array
    """The root's mean force and torque on the way to each frame but the first [T - 1, 2], as shares of their caps."""


def track(engine: Engine, strength: Gains, reference: Reference) -> Track:
    """The humanoid's motion when it follows a reference from that one's own first state, lifted out of the floor."""
    steps = round(1 / (FPS * engine.timestep))
    start = reference.q[0].at[2].add(reference.sunk)
    inertia = strength.implicit * engine.timestep * (strength.damping + engine.timestep * strength.stiffness)

    def step(state: Any, target: tuple[Array, Array]) -> tuple[Any, Array]:
        force = _force(engine.timestep, strength, *target, *engine.read(state))
        return engine.step(state, force, inertia), force[:6]

    def frame(state: Any, targets: tuple[Array, Array]) -> tuple[Any, tuple[Array, Array, Array]]:
        after, wrench = jax.lax.scan(step, state, targets)
        q, velocity = engine.read(after)
        sound = jnp.isfinite(q).all() & jnp.isfinite(velocity).all()
        state = jax.tree.map(lambda new, old: jnp.where(sound, new, old), after, state)
        return state, (engine.read(state)[0], sound, jnp.where(sound, wrench, jnp.zeros_like(wrench)))

    goals = jax.tree.map(lambda x: x[1:].reshape(-1, steps, *x.shape[1:]), (reference.q, reference.velocity))
    _, (q, sound, wrench) = jax.lax.scan(frame, engine.init(start, reference.velocity[0]), goals)
    motion = to_motion(jnp.concatenate([start[None], q]))
    alive = jnp.concatenate([jnp.ones(1, bool), sound]) & _stands(motion, reference.motion)
    most = jnp.linalg.norm(strength.cap[:6].reshape(2, 3), axis=-1)
    share = jnp.linalg.norm(wrench.reshape(-1, steps, 2, 3), axis=-1).mean(1) / most[None]
    return Track(motion, jnp.cumprod(alive.astype(jnp.int32)) > 0, share)


def to_motion(q: Array) -> Motion:
    """The motion of positions q [..., V + 1]."""
    pelvis = rotations.from_quaternion(q[..., 3:7] / jnp.linalg.norm(q[..., 3:7], axis=-1, keepdims=True))
    local = jnp.concatenate([pelvis[..., None, :, :], skeleton.from_coordinates(q[..., 7:])], -3)
    return Motion(q[..., :3], local)


def _force(h: float, strength: Gains, goal: Array, pace: Array, q: Array, velocity: Array) -> Array:
    """Generalised force [V] towards position ``goal`` [V + 1] and velocity ``pace`` [V]."""
    error = jnp.concatenate([goal[:3] - q[:3], _rotation_vector(q[3:7], goal[3:7]), goal[7:] - q[7:]])
    force = strength.stiffness * (error - h * velocity) + strength.damping * (pace - velocity)
    return jnp.clip(force, -strength.cap, strength.cap)


def _rotation_vector(source: Array, target: Array) -> Array:
    """The turn (3,) (rad, in the source's frame) that leads from one quaternion to another."""
    turn = hamilton(conjugate(source), target)
    turn = jnp.where(turn[:1] < 0, -turn, turn)
    sine = jnp.sqrt(jnp.sum(turn[1:] ** 2) + jnp.float32(1e-12))
    return turn[1:] * (2 * jnp.arctan2(sine, turn[0]) / sine)


def _stands(motion: Motion, wanted: Motion) -> Array:
    """Whether head and root [T] are near enough to where they should be."""
    pair = jax.tree.map(lambda *leaves: jnp.stack(leaves), motion, wanted)
    now, then = skeleton.forward(pair)[0]
    head = skeleton.INDEX["neck"]
    off = jnp.linalg.norm(now[:, 0] - then[:, 0], axis=-1)
    return (now[:, head, 2] > then[:, head, 2] - HEAD_DROP) & (off < ROOT_OFF)
