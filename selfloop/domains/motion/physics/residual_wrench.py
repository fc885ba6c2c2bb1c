"""The residual wrench: what pulled the pelvis although a body has no motor there, as shares of the body's weight.

Read off the states, by the actuators' own law (`gains`); shapes: K instants, V = 36 degrees of freedom.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.physics.gains import Gains
from selfloop.domains.motion.physics.humanoid import MASS
from selfloop.domains.motion.physics.reference import conjugate, hamilton

WEIGHT = 9.81 * MASS
"""The body's weight, N."""


def shares(strength: Gains, steps: int, wanted: Array, velocity: Array, states: Array, counts: Array) -> Array:
    """Root mean square of the residual force over the body's weight, and of the torque over weight times a metre, (2,).

    ``wanted`` [K, V + 1] and ``velocity`` [K, V] are the reference's, ``states`` [K, 2 V + 1] the rollout's; instants
    that ``counts`` [K] leaves out, and those that are not finite, are ignored.
    """
    k, d, cap = (part[:6].astype(jnp.float32)[None] for part in strength)
    h = jnp.float32(1 / (FPS * steps))
    now, pace = states[:-1], states[:-1, 37:43]
    error = jnp.concatenate([wanted[1:, :3] - now[:, :3], rotation_vector(now[:, 3:7], wanted[1:, 3:7])], -1)
    force = jnp.clip(k * (error - h * pace) + d * (velocity[1:, :6] - pace), -cap, cap)
    size = jnp.sum(force.reshape(-1, 2, 3) ** 2, -1)
    kept = counts[1:, None] & jnp.isfinite(size)
    mean = jnp.where(kept, size, 0).sum(0) / jnp.maximum(kept.sum(0), 1).astype(size.dtype)
    return jnp.sqrt(mean) / jnp.float32(WEIGHT)


def rotation_vector(source: Array, target: Array) -> Array:
    """The turns [..., 3] (rad, in the source's frame) that lead from quaternions to others [..., 4]."""
    turn = hamilton(conjugate(source), target)
    turn = jnp.where(turn[..., :1] < 0, -turn, turn)
    sine = jnp.sqrt(jnp.sum(turn[..., 1:] ** 2, -1, keepdims=True) + jnp.float32(1e-12))
    return turn[..., 1:] * (2 * jnp.arctan2(sine, turn[..., :1]) / sine)
