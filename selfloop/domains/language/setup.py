"""Data and model of a language experiment: text, and the settings' model of it."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from selfloop.batch import uniform
from selfloop.digest import digest
from selfloop.domains.language import text
from selfloop.domains.language.alphabet import Alphabet, alphabet, encode
from selfloop.domains.language.ngram import NgramConfig, ngram
from selfloop.domains.language.settings import LanguageSettings
from selfloop.domains.language.text import Corpus
from selfloop.engine.domain import Data
from selfloop.errors import ConfigError
from selfloop.protocols import Model
from selfloop.sources import fixed, fresh_from

MOST = 2000
"""Documents of the reference, and held-out ones that bits are measured on."""
SPARE = 8
"""Documents of the loop's own law that n must leave: lines of real data and idealised correction draw on them."""


class Own(NamedTuple):
    """What the domain keeps of its text."""

    corpus: Corpus
    alphabet: Alphabet
    heldout: Array
    """int32 [H, T], which neither loop nor reference hold."""
    spare: Array
    """int32 [P, T], of the train part, which the loop does not hold."""


def data(settings: LanguageSettings, n: int) -> Data:
    """The real documents of an experiment for one n.

    Raises:
        DataError: there is no text, or something is wrong with it.
        ConfigError: n is more than it holds.
    """
    corpus = text.load(settings.data, settings.documents, settings.length - 1)
    most = len(corpus.train) - SPARE
    if n > most:
        raise ConfigError(
            f"--n is {n}; the train part of {corpus.about} holds {len(corpus.train)} documents of at most "
            f"{settings.length - 1} characters, of which {SPARE} stay apart: give {max(most, 0)} or fewer, or more text"
        )
    known = alphabet_of(corpus, settings.alphabet)
    as_tokens = lambda part: jnp.asarray(encode(known, part, settings.length))  # noqa: E731
    train, reference, heldout = as_tokens(corpus.train), as_tokens(corpus.reference[:MOST]), as_tokens(corpus.heldout)
    spare = train[n:]
    return Data(
        real=uniform(train[:n]),
        reference=uniform(reference),
        pool=uniform(spare),
        sources={"fixed": fixed, "fresh": lambda real: fresh_from(uniform(train), n)},
        digest=digest((train, reference, heldout)),
        about=corpus.about,
        own=Own(corpus, known, heldout[:MOST], spare),
    )


def alphabet_of(corpus: Corpus, most: int) -> Alphabet:
    """The characters of a whole text."""
    return alphabet((one for part in corpus[:3] for one in part), most)


def config(settings: LanguageSettings, data: Data) -> NgramConfig:
    """The sizes of the settings' n-gram."""
    return NgramConfig(data.own.alphabet.size, settings.length, settings.order, settings.bits)


def model(settings: LanguageSettings, data: Data) -> Model:
    """The n-gram of the settings."""
    return ngram(config(settings, data), settings.temperature[0])
