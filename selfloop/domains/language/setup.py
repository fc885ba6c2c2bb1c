"""Data and model of a language experiment: text, its tokens, and the settings' model of it."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from selfloop.batch import uniform
from selfloop.digest import digest
from selfloop.domains.language import text
from selfloop.domains.language import tokens as coders
from selfloop.domains.language.alphabet import Alphabet, alphabet
from selfloop.domains.language.models import MODELS
from selfloop.domains.language.ngram import NgramConfig
from selfloop.domains.language.settings import LanguageSettings
from selfloop.domains.language.text import Corpus
from selfloop.domains.language.tokens import Tokens
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
    tokens: Tokens
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
    coder = tokens_of(corpus, known, settings.pieces, settings.length)
    as_tokens = lambda part: jnp.asarray(coder.encode(part))  # noqa: E731
    train, reference, heldout = as_tokens(corpus.train), as_tokens(corpus.reference[:MOST]), as_tokens(corpus.heldout)
    spare = train[n:]
    return Data(
        real=uniform(train[:n]),
        reference=uniform(reference),
        pool=uniform(spare),
        sources={"fixed": fixed, "fresh": lambda real: fresh_from(uniform(train), n)},
        digest=digest((train, reference, heldout)),
        about=corpus.about,
        own=Own(corpus, known, coder, heldout[:MOST], spare),
    )


def alphabet_of(corpus: Corpus, most: int) -> Alphabet:
    """The characters of a whole text."""
    return alphabet((one for part in corpus[:3] for one in part), most)


def tokens_of(corpus: Corpus, known: Alphabet, pieces: int, length: int) -> Tokens:
    """The tokens of a text: ``pieces`` of them by byte-pair encoding, or its characters where that is 0."""
    return coders.pieces(known, corpus, pieces, length) if pieces else coders.characters(known, length)


def config(settings: LanguageSettings, data: Data) -> NgramConfig:
    """The sizes of the n-gram of characters that samples are judged by."""
    return NgramConfig(data.own.alphabet.size, settings.length, settings.order, settings.bits)


def model(settings: LanguageSettings, data: Data) -> Model:
    """The model of the settings."""
    return MODELS[settings.model](settings, data)


def first_fits(settings: LanguageSettings) -> int:
    """How many calls of ``fit`` make generation 0: an n-gram counts once."""
    return -(-settings.first_steps // settings.steps) if settings.model == "transformer" else 1
