"""No correction: the uncorrected loop, and the gamma = 0 of every other corrector."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch


def identity(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
    """The samples as they are: ``moved`` and ``failed`` [N] are zero and false."""
    none = jnp.zeros_like(batch.weight)
    return batch, {"moved": none, "failed": none > 0}
