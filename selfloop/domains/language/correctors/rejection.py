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
from selfloop.domains.language.alphabet import lengths
from selfloop.protocols import Corrector, Model

ROUNDS = 8
"""Draws of N documents; a document that has found none by then is absent (or stays, where lengths are kept)."""
BIN = 8
"""Characters that documents of one length may differ by."""

Accept = Callable[[Array, Array], Array]
"""``accept(key, tokens) -> bool [N]``; the key is consumed."""
Tell = Callable[..., tuple[Batch, dict[str, Array]]]
"""``tell(batch, x, weight, kept=...)``: the corrected batch and its info, in the domain's unit."""


def rejection(tell: Tell, model: Model, accept: Accept) -> Corrector:
    """Keeps the documents that are accepted and draws the others anew; ``kept`` tells which were accepted at once."""

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        x, present = np.array(batch.x), np.asarray(batch.weight) > 0
        key_first, key = jax.random.split(key)
        good = np.asarray(accept(key_first, batch.x))
        lacking = present & ~good
        for new in _draws(key, model, state, accept, len(x)):
            if not lacking.any():
                break
            at = np.flatnonzero(lacking)[: len(new)]
            x[at], lacking[at] = new[: len(at)], False
        return tell(batch, x, np.where(lacking, 0, batch.weight), kept=good & present)

    return correct


def rejection_by_length(tell: Tell, model: Model, accept: Accept) -> Corrector:
    """The same, but a document is replaced by one about as long; where none is found it stays.

    The lengths keep their distribution, which plain rejection shortens: long documents have more to go wrong.
    """

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        x, present = np.array(batch.x), np.asarray(batch.weight) > 0
        key_first, key = jax.random.split(key)
        good = np.asarray(accept(key_first, batch.x))
        lacking, size = present & ~good, np.asarray(lengths(batch.x)) // BIN
        for new in _draws(key, model, state, accept, len(x)):
            if not lacking.any():
                break
            sizes = np.asarray(lengths(jnp.asarray(new))) // BIN
            for one in np.unique(sizes):
                at, found = np.flatnonzero(lacking & (size == one)), new[sizes == one]
                some = min(len(at), len(found))
                x[at[:some]], lacking[at[:some]] = found[:some], False
        return tell(batch, x, batch.weight, kept=good & present)

    return correct


def _draws(key: Array, model: Model, state: Any, accept: Accept, n: int) -> Iterator[np.ndarray]:
    """The accepted of n documents of the model, `ROUNDS` times."""
    sample = _program(model.sample)
    for i in range(ROUNDS):
        key_sample, key_accept = jax.random.split(jax.random.fold_in(key, i))
        new = sample(key_sample, state, None, n).x
        yield np.asarray(new)[np.asarray(accept(key_accept, new))]


@functools.cache
def _program(sample: Callable[..., Batch]) -> Callable[..., Batch]:
    """Compiled once a model."""
    return jax.jit(sample, static_argnums=3)
