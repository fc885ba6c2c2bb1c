"""Kinematic clean-up: what the physics corrector asks its humanoid to follow, without the humanoid."""

import jax
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.domains.motion.correctors.outcome import outcome
from selfloop.domains.motion.data import features
from selfloop.domains.motion.physics.reference import planned
from selfloop.protocols import Corrector


def cleanup() -> Corrector:
    """A corrector of features [N, T, D] with ``cond["length"]`` [N]: jitter filter, floor, joint limits, planned feet.

    Nothing here knows of mass or force: feet stand still and clear the floor by inverse kinematics alone.
    """

    @jax.jit
    @jax.vmap
    def cleaned(x: Array, length: Array) -> Array:
        return features.hold(features.encode(planned(features.decode(x), length)), length)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        return outcome(batch, cleaned(batch.x, batch.cond["length"]))

    return correct
