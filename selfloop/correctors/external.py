"""External corrector: an ordinary Python function (NumPy) of samples. Letters: N samples."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, look
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector


def external_corrector(function: Callable[[int, np.ndarray], Any]) -> Corrector:
    """The corrector ``function(seed, samples) -> samples``, both arrays [N, ...] of the samples that are present.

    The seed, in 0 .. 2^32 - 1, is all its chance. A sample that cannot be corrected comes back as NaN: it fails, and
    nobody is trained on it. The function sees concrete arrays, so it runs in the engine, in `selfloop.checkpointed` and
    in `selfloop.audit`, not under `jit`.

    Raises:
        ConfigError: what it returns has not the number, shape or kind of the samples that it was given.
    """

    @fallback
    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        x, present = np.array(batch.x), np.asarray(batch.weight) > 0
        found = np.asarray(function(int(jax.random.bits(key, dtype=jnp.uint32)), x[present]))
        if found.shape != x[present].shape or found.dtype.kind not in ("biuf" if x.dtype.kind == "f" else "biu"):
            raise ConfigError(
                f"the corrector {getattr(function, '__name__', 'given')} returned {look(found)} for samples "
                f"{look(x[present])}; it returns as many, one for each (NaN for one that fails)"
            )
        x[present] = found
        corrected = jnp.asarray(x)
        return batch._replace(x=corrected), report(batch, corrected)

    correct.__name__ = getattr(function, "__name__", "external")
    return correct
