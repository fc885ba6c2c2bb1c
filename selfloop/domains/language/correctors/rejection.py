"""Rejection: documents that are not accepted are drawn anew from the same model, so that as many are left as before.

What comes out has the model's law given acceptance. Rejection without new draws would also change how many synthetic
documents there are beside real ones, and the two effects could not be told apart.
Shapes: N documents, T tokens.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.language.alphabet import Alphabet, lengths
from selfloop.domains.language.correctors.outcome import outcome
from selfloop.protocols import Corrector, Model

ROUNDS = 8
"""Draws of N documents; a document that has found none by then is absent (or stays, where lengths are kept)."""
BIN = 8
"""Characters that documents of one length may differ by."""

Accept = Callable[[Array], Array]
"""``accept(tokens) -> bool [N]``."""


def rejection(known: Alphabet, model: Model, accept: Accept) -> Corrector:
    """Keeps the documents that are accepted and draws the others anew; ``kept`` tells which were accepted at once."""

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        x, present = np.array(batch.x), np.asarray(batch.weight) > 0
        good = np.asarray(accept(batch.x))
        lacking = present & ~good
        for new in _draws(key, model, state, accept, len(x)):
            if not lacking.any():
                break
            at = np.flatnonzero(lacking)[: len(new)]
            x[at], lacking[at] = new[: len(at)], False
        return outcome(known, batch, x, np.where(lacking, 0, batch.weight), kept=good & present)

    return correct


def rejection_by_length(known: Alphabet, model: Model, accept: Accept) -> Corrector:
    """The same, but a document is replaced by one about as long; where none is found it stays.

    The lengths keep their distribution, which plain rejection shortens: long documents have more to go wrong.
    """

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        x, present = np.array(batch.x), np.asarray(batch.weight) > 0
        good = np.asarray(accept(batch.x))
        lacking, size = present & ~good, np.asarray(lengths(batch.x)) // BIN
        for new in _draws(key, model, state, accept, len(x)):
            if not lacking.any():
                break
            sizes = np.asarray(lengths(jnp.asarray(new))) // BIN
            for one in np.unique(sizes):
                at, found = np.flatnonzero(lacking & (size == one)), new[sizes == one]
                some = min(len(at), len(found))
                x[at[:some]], lacking[at[:some]] = found[:some], False
        return outcome(known, batch, x, batch.weight, kept=good & present)

    return correct


def _draws(key: Array, model: Model, state: Any, accept: Accept, n: int) -> Iterator[np.ndarray]:
    """The accepted of n documents of the model, `ROUNDS` times."""
    sample = _program(model.sample)
    for i in range(ROUNDS):
        new = sample(jax.random.fold_in(key, i), state, None, n).x
        yield np.asarray(new)[np.asarray(accept(new))]


@functools.cache
def _program(sample: Callable[..., Batch]) -> Callable[..., Batch]:
    """Compiled once a model."""
    return jax.jit(sample, static_argnums=3)
