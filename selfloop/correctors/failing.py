"""Ablation: a corrector that now and then fails."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.strength import probability as checked
from selfloop.correctors.strength import select
from selfloop.protocols import Corrector


def failing(corrector: Corrector, probability: Array | float) -> Corrector:
    """The corrector, but on each sample it fails with the given probability, whatever the sample.

    A failed sample is left as it was, has moved by 0 and is marked in ``info["failed"]``: the loop trains without it,
    so the law of what is trained on stays that of the corrector, with fewer points. Raises ConfigError for a
    probability outside [0, 1].
    """
    checked(probability, "the probability of failure")

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        key_fail, key_correct = jax.random.split(key)
        result, info = corrector(key_correct, batch, state)
        dtype = batch.weight.dtype
        failed = jax.random.uniform(key_fail, batch.weight.shape, dtype) < jnp.asarray(probability, dtype)
        kept = Batch(select(failed, batch.x, result.x), jnp.where(failed, batch.weight, result.weight), result.cond)
        return kept, info | {"moved": jnp.where(failed, 0, info["moved"]), "failed": info["failed"] | failed}

    return correct
