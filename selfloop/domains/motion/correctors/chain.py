"""Composition of correctors: one after another."""

import jax
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback
from selfloop.domains.motion.correctors.outcome import outcome
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector


def chain(*correctors: Corrector) -> Corrector:
    """A corrector of motion that applies ``correctors`` in their order, each with a key of its own.

    A motion fails where any of them fails: it keeps its first input and gets weight 0. ``moved`` is that of the
    whole; other entries of ``info`` are those of the last corrector that has them.

    Raises:
        ConfigError: no corrector.
    """
    if not correctors:
        raise ConfigError("a chain of no correctors; give at least one (identity corrects nothing)")

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        now, info, failed = batch, {}, False
        for own, corrector in zip(jax.random.split(key, len(correctors)), correctors, strict=True):
            now, found = corrector(own, now, state)
            info, failed = info | found, failed | found["failed"]
        whole, moved = outcome(batch, now.x, failed=failed)
        return whole._replace(weight=now.weight), info | moved

    return correct
