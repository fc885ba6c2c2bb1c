"""What every corrector of motion hands back: the motions, those that failed with weight 0, and how far each moved.

Shapes: N motions, T frames at 20 fps, D = 64 features.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion.artefacts import masked_mean
from selfloop.domains.motion.data import features, skeleton


def usable(batch: Batch) -> Array:
    """The features [N, T, D] with nulls for what is not finite, which no corrector must be given."""
    x = jnp.asarray(batch.x, jnp.float32)
    return jnp.where(jnp.isfinite(x), x, 0)


def outcome(batch: Batch, x: Array) -> tuple[Batch, dict[str, Array]]:
    """The batch with its motions replaced by x [N, T, D], and ``moved_mm`` and ``failed`` [N].

    A motion that was not finite, or has become so, or has gone too far to say how far, fails: it keeps its input, with
    nulls for what is not finite, and gets weight 0. The distance is the mean over joints and over frames that count, in
    the world.
    """
    given = usable(batch)
    moved = moved_mm(given, x, batch.cond["length"])
    failed = ~((jnp.isfinite(batch.x) & jnp.isfinite(x)).all((1, 2)) & jnp.isfinite(moved))
    x = jnp.where(failed[:, None, None], given, x)
    weight = jnp.where(failed, jnp.zeros_like(batch.weight), batch.weight)
    return batch._replace(x=x, weight=weight), {"moved_mm": jnp.where(failed, 0, moved), "failed": failed}


@jax.jit
def moved_mm(before: Array, after: Array, length: Array) -> Array:
    """Mean distance [N] (mm) of the joints of two sets of motions over the frames that count."""
    first, second = (skeleton.forward(features.decode(x))[0] for x in (before, after))
    return 1000 * masked_mean(jnp.linalg.norm(second - first, axis=-1).mean(-1), length)
