"""The cases of a run by split and corruption: corrupted windows, and samples of a generator."""

import functools
import zlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch, take
from selfloop.motion import setup
from selfloop.motion.bench import generator
from selfloop.motion.bench.cells import Case, walking
from selfloop.motion.bench.corruptions import CORRUPTIONS
from selfloop.motion.bench.data import Data, relabelled

GENERATED = {f"generator_{t}": t for t in generator.GENERATIONS}
"""Corruptions that are samples of an uncorrected model, with their generation."""


def maker(data: Data, path: str | None, samples: int, seed: int) -> Callable[[str, str], Case]:
    """A function ``case(split, corruption)``, which makes each case once.

    Args:
        data: the clean windows.
        path: where they were read from, for the generator, which is trained on the loop's clips.
        samples: of each generation.
        seed: of the corruptions; each has random numbers of its own.
    """
    every = functools.cache(lambda: _generated(data, path, samples))

    @functools.cache
    def case(split: str, name: str) -> Case:
        if name in GENERATED:
            batch = every()[GENERATED[name]]
            label = np.asarray(batch.cond["label"])
            return Case(name, batch, None, np.arange(batch.capacity), walking(label, data.names))
        cut = data.bench[split]
        clean = setup.batch(cut)
        key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(f"{split} {name}".encode()))
        x = CORRUPTIONS[name](key, clean.x, clean.cond["length"])
        # A clean motion that is encoded again differs by rounding alone: it is the clean motion, exactly.
        batch = clean if name == "clean" else clean._replace(x=x)
        return Case(name, batch, clean.x, cut.clip, walking(cut.label, data.names))

    return case


def first(case: Case, n: int | None) -> Case:
    """The case with its first n motions; all of them for None."""
    rows = slice(n)
    clean = None if case.clean is None else case.clean[rows]
    return Case(case.name, take(case.batch, rows), clean, case.unit[rows], case.walks[rows])


def _generated(data: Data, path: str | None, samples: int) -> dict[int, Batch]:
    """Samples by generation, their labels places in the bench's names."""
    settings = generator.settings(path)
    loop = setup.load(settings)

    def ours(batch: Batch) -> Batch:
        label = relabelled(np.asarray(batch.cond["label"]), loop.real.names, data.names)
        return take(batch._replace(cond=batch.cond | {"label": jnp.asarray(label)}), slice(samples))

    return {t: ours(batch) for t, batch in generator.generated(settings, loop).items()}
