"""A motion as D = 64 numbers a frame, what the generative model sees and makes.

| columns | what | unit |
|---|---|---|
| 0 | yaw rate | rad/s |
| 1-2 | pelvis velocity in the heading frame, forward and left | m/s |
| 3 | pelvis height | m |
| 4-9 | pelvis rotation with the heading taken out, six numbers | 1 |
| 10-57 | eight ball joints, six numbers each | 1 |
| 58-63 | six hinge angles | rad |

Place and heading of the first frame are left out: a decoded motion starts over the origin, facing x. Rates are
differences to the frame before (the first frame repeats the second's, and decoding ignores them), so a generated
motion may float, sink, slide and jitter, as real artefacts do.
Shapes: B motions, T frames, J joints, D = 64 features.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import rotations
from selfloop.domains.motion.data.skeleton import BALLS, HINGES, J, Motion

FPS = 20.0
"""Frames a second of every window in the project."""

D = 10 + 6 * len(BALLS) + len(HINGES)

GROUPS: tuple[tuple[str, slice], ...] = (
    ("yaw rate", slice(0, 1)),
    ("velocity", slice(1, 3)),
    ("height", slice(3, 4)),
    ("tilt", slice(4, 10)),
    ("balls", slice(10, 58)),
    ("hinges", slice(58, 64)),
)
"""Columns that are standardised together, so that quiet joints are not blown up."""


def encode(motion: Motion) -> Array:
    """Features [..., T, D] of motions: root [..., T, 3] (m), rotations [..., T, J, 3, 3]."""
    pelvis = motion.rotations[..., 0, :, :]
    yaw = jnp.unwrap(rotations.heading(pelvis), axis=-1)
    facing = rotations.about_axis("z", yaw)
    tilt = jnp.swapaxes(facing, -1, -2) @ pelvis
    step = jnp.diff(motion.root, axis=-2) * FPS
    local = (jnp.swapaxes(facing[..., :-1, :, :], -1, -2) @ step[..., None])[..., :2, 0]
    rates = jnp.concatenate([jnp.diff(yaw, axis=-1)[..., None] * FPS, local], -1)
    rates = jnp.concatenate([rates[..., :1, :], rates], -2)
    balls = rotations.to_six(motion.rotations[..., np.array(BALLS), :, :])
    hinge = motion.rotations[..., np.array(HINGES), :, :]
    angles = jnp.arctan2(hinge[..., 0, 2], hinge[..., 0, 0])
    flat = balls.reshape(*balls.shape[:-2], 6 * len(BALLS))
    return jnp.concatenate([rates, motion.root[..., 2:], rotations.to_six(tilt), flat, angles], -1)


def decode(x: Array) -> Motion:
    """Motions of features [..., T, D]; finite for any finite input."""
    lead = x.shape[:-1]
    turn = x[..., 0].at[..., 0].set(0) / FPS
    yaw = jnp.cumsum(turn, -1)
    facing = rotations.about_axis("z", yaw)
    # The step into frame t was seen from the heading of frame t - 1.
    before = jnp.concatenate([facing[..., :1, :, :], facing[..., :-1, :, :]], -3)
    step = (before[..., :2, :2] @ x[..., 1:3, None])[..., 0].at[..., 0, :].set(0) / FPS
    root = jnp.concatenate([jnp.cumsum(step, -2), x[..., 3:4]], -1)
    pelvis = facing @ rotations.from_six(x[..., 4:10])
    balls = rotations.from_six(x[..., 10:58].reshape(*lead, len(BALLS), 6))
    hinges = rotations.about_axis("y", x[..., 58:64])
    local = jnp.zeros((*lead, J, 3, 3), x.dtype).at[..., 0, :, :].set(pelvis)
    local = local.at[..., np.array(BALLS), :, :].set(balls).at[..., np.array(HINGES), :, :].set(hinges)
    return Motion(root, local)


def hold(x: Array, length: Array) -> Array:
    """Features [..., T, D] whose frames from ``length`` [...] on stand still in the last valid pose.

    This is the one form of padding in the project: the pose repeats and the three rates are zero.
    """
    lead = [1] * length.ndim
    frames, length = jnp.arange(x.shape[-2]).reshape(*lead, -1, 1), length[..., None, None]
    held = jnp.take_along_axis(x, jnp.minimum(frames, length - 1), -2)
    moving = (frames < length) | (jnp.arange(D) >= 3).reshape(*lead, 1, -1)
    return jnp.where(moving, held, jnp.zeros_like(held))


def valid(length: Array, frames: int) -> Array:
    """Mask [..., T] (bool) of the frames that count in motions of ``length`` [...] padded to T ``frames``."""
    return jnp.arange(frames).reshape(*[1] * length.ndim, -1) < length[..., None]
