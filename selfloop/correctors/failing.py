"""Ablation: a corrector that now and then fails."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import probability as checked
from selfloop.protocols import Corrector


def failing(corrector: Corrector, probability: ArrayLike) -> Corrector:
    """The corrector, but on each sample it fails with the given probability, whatever the sample.

    A failed sample keeps its input and gets weight 0 (`fallback`): the loop trains without it, so the law of what is
    trained on stays that of the corrector, with fewer points. Raises ConfigError for a probability outside [0, 1].
    """
    checked(probability, "the probability of failure")

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        (key_fail, key_correct), dtype = jax.random.split(key), batch.weight.dtype
        result, info = corrector(key_correct, batch, state)
        failed = jax.random.uniform(key_fail, batch.weight.shape, dtype) < jnp.asarray(probability, dtype)
        return result, info | {"failed": info["failed"] | failed}

    return correct
