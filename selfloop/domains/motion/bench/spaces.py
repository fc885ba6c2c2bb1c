"""The spaces in which a corrector of motion is audited: the encoder's latents, and physical artefacts.

Each is a function of a batch as `selfloop.audit` wants it, ``features(batch) -> points`` [N, F], for batches of
features [N, T, 64] with ``cond["length"]`` [N].
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.model.evaluator import Evaluator, embed
from selfloop.domains.motion.model.kinetics import scale_of, standardise

UNITS = {
    "penetration_mm": 1.0,
    "float_mm": 1.0,
    "skate_mm_per_frame": 1.0,
    "skate_ratio": 0.02,
    "jerk": 10.0,
    "limit_violation_deg": 0.1,
}
"""The least that an artefact is measured in, where the reference has less of it: about what an eye would not see."""

FLOOR = 0.5
"""No artefact is divided by less than this times the root mean square of all deviations: what the reference hardly has
at all (real joints keep their limits) does not rule the distance."""

Space = Callable[[Batch], Array]


def feature_space(evaluator: Evaluator) -> Space:
    """The encoder's latents [N, 32], each of unit variance over real motion."""
    encode = jax.jit(embed)
    return lambda batch: encode(evaluator, batch.x, batch.cond["length"])


def artefact_space(reference: Batch) -> Space:
    """Artefacts [N, 6] as logarithms of multiples of the reference's own, standardised by its spread.

        log(1 + value / unit),    unit the reference's mean, but `UNITS` at least

    A motion as good as real ones lies where they do: neither skate nor float 0 is the target, but real motion's.
    """
    values = _measured(reference.x, reference.cond["length"])
    unit = jnp.maximum(values.mean(0), jnp.array([UNITS[name] for name in artefacts.NAMES], values.dtype))
    scale = scale_of(jnp.log1p(values / unit[None]), floor=FLOOR)

    def points(batch: Batch) -> Array:
        return standardise(jnp.log1p(_measured(batch.x, batch.cond["length"]) / unit[None]), scale)

    return points


@jax.jit
def _measured(x: Array, length: Array) -> Array:
    """Artefacts [N, 6] in the order of their names."""
    found = artefacts.measure(x, length)
    return jnp.stack([found[name] for name in artefacts.NAMES], -1)
