"""One corrector after another."""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion.correctors.outcome import moved_mm, usable
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector


def chain(*correctors: Corrector) -> Corrector:
    """A corrector of motion that applies ``correctors`` in their order, each with a key of its own.

    A motion fails where any of them fails: it keeps its first input and gets weight 0. ``moved_mm`` is that of the
    whole; other entries of ``info`` are those of the last corrector that has them.

    Raises:
        ConfigError: no corrector.
    """
    if not correctors:
        raise ConfigError("a chain of no correctors; give at least one (identity corrects nothing)")

    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        given, now, info = usable(batch), batch, {}
        failed = jnp.zeros(batch.capacity, bool)
        for own, corrector in zip(jax.random.split(key, len(correctors)), correctors, strict=True):
            now, found = corrector(own, now, state)
            info, failed = info | found, failed | found["failed"]
        x = jnp.where(failed[:, None, None], given, now.x)
        weight = jnp.where(failed, jnp.zeros_like(now.weight), now.weight)
        moved = moved_mm(given, x, batch.cond["length"])
        return now._replace(x=x, weight=weight), info | {"moved_mm": moved, "failed": failed}

    return correct
