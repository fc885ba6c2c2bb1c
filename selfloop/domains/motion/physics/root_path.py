"""Where a body travels is what its standing feet say: a root that moves otherwise makes them slide.

Where both feet lie flat on the floor and slide together, nothing but the root is wrong; that pace, averaged over
neighbouring steps, is taken out of the root's path. Generators that have drifted make standing figures skate like that.
One sliding foot is no evidence: on real walks that were jittered or blurred, a root led by single feet went astray by 3
to 24 cm. So a walk of which the travel alone is wrong keeps its path.

Shapes: T frames at 20 fps, C contact spheres of both feet; one motion, `jax.vmap` for more.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import FOOT_SPHERES, INDEX, Motion

FLAT, TILTED = 0.025, 0.05
"""A foot whose highest sphere is lower than the first height (m) lies flat, over the second one it does not."""

_ANKLES = np.array([INDEX["left_ankle"], INDEX["right_ankle"]])

AGREED, APART = 0.1, 0.25
"""Feet whose paces differ by up to the first speed (m/s) slide together, from the second on one is being lifted."""

REAL, WRONG = 0.06, 0.12
"""Up to the first speed (m/s) sliding is left alone, from the second on it is taken out whole."""

SURE = 1.0
"""Standard errors by which it must exceed that."""

SPAN = 4.0
"""Standard deviation (frames) of the steps that are averaged: steps of a walk follow one another within ten."""

DOUBT = 0.2
"""Share of such steps around from which on they are believed; in proportion less below."""


SHAKEN = 0.12
"""Share of the jitter a frame that was taken out of the feet, by which the pace must exceed all that: some is left."""


def carried(motion: Motion, jitter: Array, length: Array) -> Motion:
    """The motion with the root's path put right: root [T, 3], rotations [T, J, 3, 3]; ``length`` frames count.

    ``jitter`` () (m) is how far the feet were off before they were quieted; see `shaking`.
    """
    positions, world = skeleton.forward(motion)
    centres = skeleton.sphere_centres(positions, world, FOOT_SPHERES)
    heights = skeleton.lowest_points(centres, FOOT_SPHERES)
    slide, error = sliding(centres[..., :2], heights, length)
    speed = FPS * (jnp.linalg.norm(slide, axis=-1) - SURE * error - SHAKEN * jitter)
    wrong = slide * jnp.clip((speed - REAL) / (WRONG - REAL), 0, 1)[:, None]
    path = jnp.concatenate([jnp.zeros((1, 2), wrong.dtype), jnp.cumsum(wrong, 0)])
    return motion._replace(root=motion.root - jnp.pad(path, ((0, 0), (0, 1))))


def shaking(raw: Motion, quiet: Motion, length: Array) -> Array:
    """Root mean square distance () (m) of the ankles of two motions over the frames that count."""
    first, second = (skeleton.forward(motion)[0][:, _ANKLES] for motion in (raw, quiet))
    off = jnp.sum((first - second) ** 2, -1).mean(-1)
    counts = jnp.arange(len(off)) < length
    return jnp.sqrt(jnp.where(counts, off, 0).sum() / length.astype(off.dtype))


def sliding(places: Array, heights: Array, length: Array) -> tuple[Array, Array]:
    """Mean displacement [T - 1, 2] (m) in a step of what should stand still, and its standard error [T - 1] (m).

    From the places [T, C, 2] and heights [T, C] (m) of the feet's spheres, those of the left foot first.
    """
    steps = jnp.diff(places, axis=0)
    feet = steps.reshape(len(steps), 2, -1, 2)
    slowest = jnp.linalg.norm(feet, axis=-1).argmin(-1)[..., None, None]
    left, right = jnp.moveaxis(jnp.take_along_axis(feet, slowest, 2)[:, :, 0], 1, 0)
    highest = jnp.maximum(heights[1:], heights[:-1]).max(-1)
    apart = FPS * jnp.linalg.norm(left - right, axis=-1)
    frames = jnp.arange(len(steps))
    both = jnp.clip((TILTED - highest) / (TILTED - FLAT), 0, 1) * jnp.clip((APART - apart) / (APART - AGREED), 0, 1)
    both, slide = jnp.where(frames < length - 1, both, 0), (left + right) / 2
    near = jnp.exp(-0.5 * ((frames[:, None] - frames[None]).astype(places.dtype) / SPAN) ** 2)
    known = near @ both
    mean = near @ (both[:, None] * slide) / jnp.maximum(known, 1e-6)[:, None]
    error = jnp.sqrt(near @ (both * jnp.sum((slide - mean) ** 2, -1))) / jnp.maximum(known, 1e-6)
    return mean * jnp.clip(known / (DOUBT * near.sum(-1)), 0, 1)[:, None], error
