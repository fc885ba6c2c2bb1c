"""A few made-up motions as a batch, and what is asked of every corrector."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.skeleton import Motion, Q
from selfloop.domains.motion.data.windows import Windows

FRAMES = 16
NAMES = ("run", "walk", "wave")


def made_up(seed: int, count: int, frames: int = FRAMES) -> Batch:
    """Figures that wander and swing their joints, of lengths from half of the frames to all and labels in turn."""
    random = np.random.default_rng(seed)
    t = np.arange(frames, dtype=np.float32)[None, :, None] / 20
    phase, rate = random.uniform(0, 6, (count, 1, Q)), random.uniform(1, 4, (count, 1, Q))
    angles = (0.3 * np.sin(phase + rate * t)).astype(np.float32)
    root = np.concatenate([t * random.uniform(-1, 1, (count, 1, 2)), 0.9 + 0 * t.repeat(count, 0)], -1)
    yaw = rotations.about_axis("z", jnp.asarray(angles[..., 0]))
    turns = jnp.concatenate([yaw[..., None, :, :], skeleton.from_coordinates(jnp.asarray(angles))], -3)
    length = jnp.asarray(random.integers(frames // 2, frames + 1, count), jnp.int32)
    x = features.hold(features.encode(Motion(jnp.asarray(root, jnp.float32), turns)), length)
    return Batch(x, jnp.ones(count), {"label": jnp.arange(count, dtype=jnp.int32) % 3, "length": length})


def as_windows(batch: Batch) -> Windows:
    """The same motions as real windows, each of a clip of its own."""
    count = np.arange(batch.capacity, dtype=np.int32)
    label, length = np.asarray(batch.cond["label"]), np.asarray(batch.cond["length"])
    return Windows(np.asarray(batch.x), length, label, count, 0 * count, NAMES)


def joints(x) -> np.ndarray:
    """World positions of the joints [N, T, J, 3] (m)."""
    return np.asarray(_joints(jnp.asarray(x)))


@jax.jit
def _joints(x):
    return skeleton.forward(features.decode(x))[0]
