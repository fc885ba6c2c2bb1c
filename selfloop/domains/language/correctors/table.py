"""Table of the correctors of text: everything that an arm may name. A new one is one file and one row here."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, take
from selfloop.correctors.idealized import replacement
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language import words as lexicon
from selfloop.domains.language.correctors import detector
from selfloop.domains.language.correctors.outcome import outcome
from selfloop.domains.language.correctors.rejection import Accept, rejection, rejection_by_length
from selfloop.domains.language.correctors.spelling import spelling
from selfloop.engine.domain import Data
from selfloop.protocols import Corrector, Model

BAND = (0.05, 0.95)
"""Quantiles of real documents between which likelihoods are accepted."""

Make = Callable[[Any, Data], Corrector]
"""``make(settings, data) -> corrector`` of documents int32 [N, T]."""


def _model(settings: Any, data: Data) -> Model:
    from selfloop.domains.language.setup import model

    return model(settings, data)


def _config(settings: Any, data: Data) -> ngrams.NgramConfig:
    return ngrams.NgramConfig(data.own.alphabet.size, settings.length, settings.order, settings.bits)


def repair(settings: Any, data: Data) -> Corrector:
    """Spelling by the words of the train part; nobody is dropped."""
    return spelling(data.own.alphabet, data.own.corpus.train)


def reject(settings: Any, data: Data) -> Corrector:
    """Documents with a word that the train part does not have are drawn anew."""
    return rejection(partial(outcome, data.own.alphabet), _model(settings, data), by_dictionary(data))


def reject_length(settings: Any, data: Data) -> Corrector:
    """The same, with the distribution of lengths kept."""
    return rejection_by_length(partial(outcome, data.own.alphabet), _model(settings, data), by_dictionary(data))


def band(settings: Any, data: Data) -> Corrector:
    """Documents whose bits a character under generation 0 are not among the middle 90 % of held-out real ones are
    drawn anew.
    """
    config = _config(settings, data)
    first = jax.jit(ngrams.ngram(config).fit)(jax.random.key(0), data.real, None)[0]

    @jax.jit
    def bits(first: ngrams.Counts, tokens: Array) -> Array:
        total, count = ngrams.bits_per_token(config, first, tokens)
        return total / count

    low, high = np.quantile(np.asarray(bits(first, data.own.heldout)), BAND)

    def accept(key: Array, tokens: Array) -> Array:
        found = bits(first, tokens)
        return (found >= low) & (found <= high)

    return rejection(partial(outcome, data.own.alphabet), _model(settings, data), accept)


def detector_frozen(settings: Any, data: Data) -> Corrector:
    """Weights by a detector of generation 0's samples."""
    from selfloop.domains.language.setup import first_fits

    model = _model(settings, data)
    state = jax.jit(model.init)(jax.random.key(0))
    for call in range(first_fits(settings)):
        state = jax.jit(model.fit)(jax.random.key(call), data.real, state)[0]
    synthetic = jax.jit(model.sample, static_argnums=3)(jax.random.key(1), state, None, data.real.capacity).x
    return detector.frozen(data.own.alphabet, _shorter(settings, data), synthetic, data.real.x)


def detector_online(settings: Any, data: Data) -> Corrector:
    """Weights by a detector that is trained anew on every generation's samples."""
    return detector.online(data.own.alphabet, _shorter(settings, data), data.real.x)


def idealised(settings: Any, data: Data) -> Corrector:
    """A share gamma / (1 + gamma) of the documents is replaced by real ones that the loop does not hold."""
    spare = data.own.spare

    def draw(key: Array, count: int) -> Array:
        return take(data.pool, jax.random.choice(key, len(spare), (count,), replace=len(spare) < count)).x

    mix = replacement(draw, settings.gamma)

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        after, _ = mix(key, batch, state)
        return outcome(data.own.alphabet, batch, after.x, after.weight)

    return correct


def by_dictionary(data: Data) -> Accept:
    """Whether documents have only words of the train part."""
    letter = jnp.asarray(lexicon.letters(data.own.alphabet))
    train = jnp.concatenate([data.real.x, data.own.spare])
    known = lexicon.dictionary(jax.jit(lexicon.words)(letter, train))
    accept = jax.jit(lambda letter, known, tokens: lexicon.all_known(known, lexicon.words(letter, tokens)))
    return lambda key, tokens: accept(letter, known, tokens)


def _shorter(settings: Any, data: Data) -> ngrams.NgramConfig:
    """The detector's n-grams: one order below the model's, which they then do not repeat."""
    config = _config(settings, data)
    return replace(config, order=max(config.order - 1, 1))


CORRECTORS: dict[str, Make] = {
    "repair": repair,
    "reject": reject,
    "reject_length": reject_length,
    "band": band,
    "detector_frozen": detector_frozen,
    "detector_online": detector_online,
    "idealised": idealised,
}
"""Every corrector of text by its name."""
