"""The spaces in which a corrector of motion is audited: the encoder's latents, and physical artefacts.

Each is a function of a batch as `selfloop.audit` wants it, ``features(batch) -> points`` [N, F], for batches of
features [N, T, 64] with ``cond["length"]`` [N].
"""

from collections.abc import Callable

import jax
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.model.evaluator import Evaluator, embed

Space = Callable[[Batch], Array]


def feature_space(evaluator: Evaluator) -> Space:
    """The encoder's latents [N, 32], each of unit variance over real motion."""
    encode = jax.jit(embed)
    return lambda batch: encode(evaluator, batch.x, batch.cond["length"])


def artefact_space(reference: Batch) -> Space:
    """Artefacts [N, 6] beside those of the reference: `artefacts.points`."""
    real = _measured(reference.x, reference.cond["length"])
    return lambda batch: artefacts.points(_measured(batch.x, batch.cond["length"]), real)


@jax.jit
def _measured(x: Array, length: Array) -> Array:
    return artefacts.stacked(artefacts.measure(x, length))
