"""The cases of a run: corrupted windows, samples of a generator, and samples of one that its corrector has trained."""

import functools
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, take
from selfloop.domains.motion import setup
from selfloop.domains.motion.bench import generator
from selfloop.domains.motion.bench.cells import Case, walking
from selfloop.domains.motion.bench.corruptions import CORRUPTIONS
from selfloop.domains.motion.bench.data import Data, relabelled
from selfloop.protocols import Corrector

GENERATED = {f"generator_{t}": t for t in generator.GENERATIONS}
"""Corruptions that are samples of an uncorrected model, with their generation."""
ON_POLICY = f"on_policy_{generator.CORRECTED}"
"""The corruption that is raw samples of a model which the very corrector was in the loop of, for so many generations:
the errors that are left are those it does not see. Slow, so measured where it is asked for."""
MADE = (*GENERATED, ON_POLICY)
"""Corruptions without a clean counterpart."""


def paired(data: Data, seed: int) -> Callable[[str, str], Case]:
    """A function ``case(split, corruption)`` of corrupted windows, which makes each case once, whoever asks for it.

    Each corruption has random numbers of its own, from ``seed``.
    """

    @functools.cache
    def case(split: str, name: str) -> Case:
        cut = data.bench[split]
        clean = setup.batch(cut)
        key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(f"{split} {name}".encode()))
        x = CORRUPTIONS[name](key, clean.x, clean.cond["length"])
        # A clean motion that is encoded again differs by rounding alone: it is the clean motion, exactly.
        batch = clean if name == "clean" else clean._replace(x=x)
        return Case(name, batch, clean.x, cut.clip, walking(cut.label, data.names))

    return case


def generated(
    data: Data, path: str | None, samples: int, folder: Path, build: Callable[[str], Corrector]
) -> Callable[[str, str], Case]:
    """A function ``case(corruption, corrector)`` of ``samples`` samples, which makes each case once.

    Args:
        data: gives the names of labels.
        path: the set of motions, on whose loop's clips the generator is trained.
        samples: of each generation.
        folder: for chains that a corrector is part of; the uncorrected ones are in the user's cache.
        build: gives a corrector by its name.
    """
    settings = generator.settings(path)
    loop = functools.cache(lambda: setup.load(settings, settings.n[0]))
    uncorrected = functools.cache(lambda: generator.generated(settings))

    def ours(batch: Batch) -> Batch:
        label = relabelled(np.asarray(batch.cond["label"]), loop().real.names, data.names)
        return batch._replace(cond=batch.cond | {"label": jnp.asarray(label)})

    def in_loop(key: Array, batch: Batch, state: Any, corrector: Corrector) -> tuple[Batch, dict[str, Array]]:
        fixed, info = corrector(key, ours(batch), state)
        return fixed._replace(cond=batch.cond), info

    @functools.cache
    def case(name: str, corrector: str) -> Case:
        if name == ON_POLICY:
            own = functools.partial(in_loop, corrector=build(corrector))
            batch = generator.on_policy(settings, own, folder / corrector)
        else:
            batch = uncorrected()[GENERATED[name]]
        batch = take(ours(batch), slice(samples))
        walks = walking(np.asarray(batch.cond["label"]), data.names)
        return Case(name, batch, None, np.arange(batch.capacity), walks)

    return case


def first(case: Case, n: int | None) -> Case:
    """The case with its first n motions; all of them for None."""
    rows = slice(n)
    clean = None if case.clean is None else case.clean[rows]
    return Case(case.name, take(case.batch, rows), clean, case.unit[rows], case.walks[rows])
