"""Made-up motions of known joint coordinates."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.skeleton import Motion, Q

FRAMES = 40


def made_up(seed: int, lengths: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """Features [N, T, D] and lengths [N] of walks that wander, turn and swing all joints by up to 0.3 rad."""
    random = np.random.default_rng(seed)
    n, t = len(lengths), np.arange(FRAMES, dtype=np.float32)[None, :, None] / 20
    swing = np.sin(random.uniform(1, 6, (n, 1, Q)) * t + random.uniform(0, 6, (n, 1, Q))).astype(np.float32)
    angles = jnp.asarray(random.uniform(0, 0.3, (n, 1, Q)).astype(np.float32) * swing)
    path = random.uniform(-1, 1, (n, 1, 3)).astype(np.float32) * t * np.array([1, 1, 0.05], np.float32)
    root = jnp.asarray(path + np.array([0, 0, 0.9], np.float32))
    yaw = rotations.about_axis("z", jnp.asarray(0.5 * swing[..., 0]))
    turns = jnp.concatenate([yaw[..., None, :, :], skeleton.from_coordinates(angles)], -3)
    length = jnp.asarray(lengths, jnp.int32)
    return features.hold(features.encode(Motion(root, turns)), length), length


def joints(x: jax.Array) -> np.ndarray:
    """World positions of the joints [N, T, J, 3] (m)."""
    return np.asarray(skeleton.forward(features.decode(x))[0])


def still(name: str, frames: int) -> Clip:
    """A clip that stands on the floor and does not move."""
    root = np.tile(np.array([0, 0, skeleton.LEG_HEIGHT], np.float32), (frames, 1))
    turns = np.tile(np.array([1, 0, 0, 0], np.float32), (frames, skeleton.J, 1))
    return Clip(name, 20.0, root, turns, name)
