"""Outcome of a corrector of motion: the motions in place of those given, and how far each moved (mm).

Failure is `selfloop.correctors.fallback`, as for every corrector. Shapes: N motions, T frames at 20 fps, D = 64
features.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.domains.motion.artefacts import masked_mean
from selfloop.domains.motion.data import features, skeleton

CHUNK = 256
"""Motions that are compared at a time."""


def outcome(batch: Batch, x: Array, **told: Array) -> tuple[Batch, dict[str, Array]]:
    """The batch with its motions replaced by x [N, T, D], and an info: ``moved`` (mm) and ``failed`` [N], all false.

    What else is ``told`` [N] is added; ``failed`` may be among it.
    """
    given, after = jnp.asarray(batch.x, jnp.float32), jnp.asarray(x)
    moved = in_chunks(distance, CHUNK, given, after, jnp.asarray(batch.cond["length"]))
    return batch._replace(x=after), {"moved": moved, "failed": jnp.zeros(len(moved), bool)} | told


@jax.jit
def distance(before: Array, after: Array, length: Array) -> Array:
    """Mean distance [N] (mm) of the joints of two sets of motions [N, T, D] in the world, over the frames that count.

    It is the ``moved`` of every corrector of motion, and the MPJPE of the bench.
    """
    first, second = (skeleton.forward(features.decode(x))[0] for x in (before, after))
    return 1000 * masked_mean(jnp.linalg.norm(second - first, axis=-1).mean(-1), length)
