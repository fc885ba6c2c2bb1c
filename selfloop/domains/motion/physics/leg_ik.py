"""Inverse kinematics of a leg: hip and knee that put the ankle where it should be, the foot's turn in space kept.

Closed form: the law of cosines bends the knee, the least turn of the thigh points the ankle at its goal, and the ankle
undoes both. Shapes: T frames, J joints; one motion, `jax.vmap` for more.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.skeleton import INDEX, OFFSETS, Motion

STRETCH = 0.9995
"""Most of a leg's length that it may reach: at the whole of it the knee's direction would be lost."""

CROUCH = 0.25
"""Nearest (m) that an ankle may come to its hip."""


def reach(motion: Motion, side: str, goal: Array) -> Motion:
    """The motion with the ankle of one side at ``goal`` [T, 3] (m, world), or as near as the leg reaches."""
    positions, world = skeleton.forward(motion)
    hip, knee, ankle = (INDEX[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
    thigh, shin = (float(np.linalg.norm(OFFSETS[joint])) for joint in (knee, ankle))
    along = goal - positions[:, hip]
    distance = jnp.clip(jnp.linalg.norm(along, axis=-1), CROUCH, STRETCH * (thigh + shin))
    bend = rotations.about_axis("y", jnp.arccos((distance**2 - thigh**2 - shin**2) / (2 * thigh * shin)))
    straight = OFFSETS[knee][None] + (bend @ OFFSETS[ankle][:, None])[..., 0]
    now = (world[:, hip] @ straight[..., None])[..., 0]
    thighs = least_turn(now, along) @ world[:, hip]
    local = {
        hip: jnp.swapaxes(world[:, 0], -1, -2) @ thighs,
        knee: bend,
        ankle: jnp.swapaxes(thighs @ bend, -1, -2) @ world[:, ankle],
    }
    turns = motion.rotations
    for joint, turn in local.items():
        turns = turns.at[:, joint].set(turn)
    return motion._replace(rotations=turns)


def least_turn(source: Array, target: Array) -> Array:
    """The smallest rotation [T, 3, 3] that leads the direction of ``source`` [T, 3] to that of ``target`` [T, 3].

    I + [w] + [w]^2 / (1 + c) with w = u x v and c = u . v; opposite directions have no least turn and are left apart.
    """
    u, v = (x / jnp.linalg.norm(x, axis=-1, keepdims=True) for x in (source, target))
    cosine = jnp.sum(u * v, -1)[:, None, None]
    x, y, z = jnp.moveaxis(jnp.cross(u, v), -1, 0)
    nought = jnp.zeros_like(x)
    skew = jnp.stack([jnp.stack(row, -1) for row in ((nought, -z, y), (z, nought, -x), (-y, x, nought))], -2)
    return jnp.eye(3, dtype=u.dtype)[None] + skew + skew @ skew / jnp.maximum(1 + cosine, 1e-3)
