"""Gaussian smoothing over time: the plainest repair of jitter."""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.domains.motion.correctors.outcome import outcome
from selfloop.domains.motion.data import features, rotations
from selfloop.domains.motion.data.skeleton import Motion
from selfloop.domains.motion.physics.reference import lowpass
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector


def smoothing(sigma: float = 1.0) -> Corrector:
    """A corrector of features [N, T, D] with ``cond["length"]`` [N]: Gaussian means over time.

    The root's path and all rotations, each as its first two columns, are averaged with a standard deviation of
    ``sigma`` frames of 1/20 s, the rotations then made orthonormal again. At both ends the signal goes on
    point-symmetrically, so that a steady movement keeps its pace.

    Raises:
        ConfigError: a sigma that is not a positive number.
    """
    if not 0 < sigma < float("inf"):
        raise ConfigError(f"sigma is {sigma}; the standard deviation of a filter is a positive number of frames")

    def one(x: Array, length: Array) -> Array:
        motion = features.decode(x)
        turns = rotations.from_six(lowpass(rotations.to_six(motion.rotations), length, sigma))
        return features.hold(features.encode(Motion(lowpass(motion.root, length, sigma), turns)), length)

    filtered = jax.jit(jax.vmap(one))

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        return outcome(batch, filtered(batch.x, jnp.asarray(batch.cond["length"])))

    return correct
