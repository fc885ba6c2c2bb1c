"""Selection by a verifier that errs."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import probability, report
from selfloop.protocols import Corrector


def verifier(correct: Callable[[Any], Array], true_positive: ArrayLike, false_positive: ArrayLike) -> Corrector:
    """Keeps a correct sample with probability phi = ``true_positive``, a wrong one with psi = ``false_positive``.

    ``correct(x)`` tells the right samples [N] from the wrong, as only an experiment can. What is not kept gets weight
    0; nothing moves. Of samples that are right with probability p, those kept are right with probability

        p' = p phi / (p phi + (1 - p) psi),    p' > 1/2 where p > 1 / (1 + phi / psi)

    (Feng et al., 2025). phi = psi = 1 is the identity. Raises ConfigError for a rate outside [0, 1].
    """
    probability(true_positive, "the true positive rate")
    probability(false_positive, "the false positive rate")

    @fallback
    def select(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        dtype = batch.weight.dtype
        rate = jnp.where(correct(batch.x), jnp.asarray(true_positive, dtype), jnp.asarray(false_positive, dtype))
        kept = jax.random.uniform(key, batch.weight.shape, dtype) < rate
        return batch._replace(weight=jnp.where(kept, batch.weight, 0)), report(batch, batch.x)

    return select
