"""Planning feet: what stands keeps its place, what swings clears the floor.

A foot stands in a frame if one of its contact spheres is low and slow. Over a run of standing frames the slip of the
points in contact is summed up and taken out about its mean, so that a standing foot moves as little as may be; over a
swing what was taken out at its two ends is faded from one to the other. Heights likewise: a standing foot is put on
the floor, a swinging one lifted to a clearance. Legs follow by inverse kinematics; the body does not move.

Shapes: T frames at 20 fps, C contact spheres of a foot; one motion, `jax.vmap` for more.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import FOOT_SPHERES, INDEX, Motion
from selfloop.domains.motion.physics.leg_ik import reach

LOW, HIGH = 0.02, 0.05
"""Up to the first height over the floor (m) a sphere counts as in contact, over the second not at all."""

SLOW, FAST = 0.2, 0.5
"""The same for its horizontal speed (m/s). Real stances stay under 0.1, swings pass 2."""

CLEARANCE = 0.025
"""Height (m) of the lowest sphere of a foot in mid-swing, at least: what tracks the plan errs by a centimetre."""

FARTHEST, LIFT, DROP = 0.15, 0.10, 0.05
"""Most (m) that a plan moves a foot along the floor, up and down."""


class Neighbours(NamedTuple):
    """For every frame [T] the nearest standing frames."""

    before: Array
    """The last standing frame up to this one, -1 where there is none."""
    after: Array
    """The first standing frame from this one on, T where there is none."""


def plan(motion: Motion) -> Motion:
    """The motion with both feet planned: root [T, 3], rotations [T, J, 3, 3]."""
    for number, side in enumerate(("left", "right")):
        positions, world = skeleton.forward(motion)
        mine = slice(number * len(FOOT_SPHERES) // 2, (number + 1) * len(FOOT_SPHERES) // 2)
        spheres = FOOT_SPHERES[mine]
        centres = skeleton.sphere_centres(positions, world, spheres)
        heights = skeleton.lowest_points(centres, spheres)
        motion = reach(motion, side, positions[:, INDEX[f"{side}_ankle"]] + offset(centres, heights))
    return motion


def offset(centres: Array, heights: Array) -> Array:
    """How far [T, 3] (m) a foot is to be moved whose spheres are at ``centres`` [T, C, 3], ``heights`` [T, C] (m)."""
    weight = contact(centres, heights)
    stands = weight.max(-1) > 0.5
    near = neighbours(stands)
    along = _faded(_hold(weight, stands, centres[..., :2]), stands, near)
    size = jnp.linalg.norm(along, axis=-1, keepdims=True)
    along = along * jnp.minimum(1, FARTHEST / jnp.maximum(size, FARTHEST))
    lowest, frames = heights.min(-1), jnp.arange(len(heights))
    mid = jnp.minimum(frames - jnp.where(near.before < 0, -2, near.before), near.after - frames)
    lift = jnp.maximum(CLEARANCE * jnp.clip(mid / 2, 0, 1).astype(lowest.dtype) - lowest, 0)
    up = jnp.clip(jnp.where(stands, -lowest, lift), -DROP, LIFT)
    return jnp.concatenate([along, up[:, None]], -1)


def contact(centres: Array, heights: Array) -> Array:
    """How much [T, C] each sphere is in contact: 1 low and slow, 0 high or fast, linear between."""
    speed = FPS * jnp.linalg.norm(jnp.gradient(centres[..., :2], axis=0), axis=-1)
    return jnp.clip((HIGH - heights) / (HIGH - LOW), 0, 1) * jnp.clip((FAST - speed) / (FAST - SLOW), 0, 1)


def neighbours(stands: Array) -> Neighbours:
    """The nearest standing frames of every frame, from ``stands`` [T]."""
    frames = jnp.arange(len(stands))
    before = jax.lax.cummax(jnp.where(stands, frames, -1))
    return Neighbours(before, jax.lax.cummin(jnp.where(stands, frames, len(stands)), reverse=True))


def _hold(weight: Array, stands: Array, places: Array) -> Array:
    """What [T, 2] takes the slip out of every run of standing frames, about the run's mean; 0 elsewhere."""
    common = jnp.minimum(weight[1:], weight[:-1]) + np.float32(1e-6)
    slip = jnp.sum(common[..., None] * jnp.diff(places, axis=0), 1) / jnp.sum(common, 1)[:, None]
    together = stands[1:] & stands[:-1]
    gone = jnp.concatenate([jnp.zeros((1, 2), slip.dtype), jnp.cumsum(jnp.where(together[:, None], slip, 0), 0)])
    run = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(~together, dtype=jnp.int32)])
    count = jax.ops.segment_sum(jnp.ones(len(run), gone.dtype), run, len(run))
    mean = jax.ops.segment_sum(gone, run, len(run)) / jnp.maximum(count, 1)[:, None]
    return jnp.where(stands[:, None], mean[run] - gone, 0)


def _faded(held: Array, stands: Array, near: Neighbours) -> Array:
    """Offsets [T, 2] of standing frames, faded over swings from one stance to the next; held still at the ends."""
    last = len(stands) - 1
    left, right = near.before >= 0, near.after <= last
    from_, to = held[jnp.maximum(near.before, 0)], held[jnp.minimum(near.after, last)]
    span = jnp.maximum(near.after - near.before, 1).astype(held.dtype)
    share = (jnp.arange(len(stands)) - near.before).astype(held.dtype) / span
    share = jnp.where(left & right, share, jnp.where(left, jnp.zeros_like(share), jnp.ones_like(share)))
    smooth = (share * share * (3 - 2 * share))[:, None]
    return jnp.where(left[:, None], from_, 0) * (1 - smooth) + jnp.where(right[:, None], to, 0) * smooth
