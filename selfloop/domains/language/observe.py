"""What is measured of documents: points by content, style and artefacts, numbers of each and of all together.

Spaces: ``content`` (what they are about), ``style`` (length, word lengths, shares of common and rare words), and
``artefacts`` (logarithms of multiples of real text's own, for audits).
Shapes: N documents, T tokens, W words, M reference documents.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from selfloop.batch import Batch
from selfloop.domains.language import content as contents
from selfloop.domains.language import ngram as ngrams
from selfloop.domains.language import words as lexicon
from selfloop.domains.language.alphabet import encode, lengths
from selfloop.domains.language.content import Content
from selfloop.domains.language.ngram import Counts, NgramConfig
from selfloop.domains.language.settings import LanguageSettings
from selfloop.domains.language.setup import config, model
from selfloop.domains.language.words import Dictionary, Words
from selfloop.engine.domain import Data, Observation
from selfloop.metrics.scale import Scale, log_points, scale_of, standardise
from selfloop.models.sequences import counted

DIRECTIONS, CELLS = 32, 100
"""Of the content space: its dimensions, and the cells that its histograms are taken over."""
COMMON, RARE = 100, 1000
"""Ranks below which a word is common, and from which it is rare."""
LEAST = (0.02, 1.0, 0.02)
"""The least units of the artefacts: share of unknown words, bits a character, share of repeated words."""


class Against(NamedTuple):
    """What documents are described by; a pytree."""

    spell: Partial
    """Tokens as characters."""
    letter: Array
    """Which characters words are made of [V]."""
    known: Dictionary
    """Every word of the text, whatever part it stands in."""
    content: Content
    style: Scale
    artefacts: Array
    """Of the reference [M, 3]."""
    histogram: Array
    """Of the reference, over the cells of the content space."""
    first: Counts
    """The n-gram of the real documents: what generation 0 is, where the model is one."""


def observer(settings: LanguageSettings, data: Data) -> Partial:
    """``observe(batch) -> Observation`` of documents int32 [N, T]."""
    sizes = config(settings, data)
    describe_all = partial(describe, sizes, settings.words)
    return Partial(describe_all, against(sizes, data))


def against(sizes: NgramConfig, data: Data) -> Against:
    """What documents are described by. The content space is fitted to held-out documents, which are nobody's else."""
    own = data.own
    letter = jnp.asarray(lexicon.letters(own.alphabet))
    read = jax.jit(lexicon.words)
    every = encode(own.alphabet, [one for part in own.corpus[:3] for one in part], sizes.length)
    known, spell = lexicon.dictionary(read(letter, jnp.asarray(every))), jax.jit(own.tokens.spell)
    space = contents.fit(known, read(letter, spell(own.heldout)), DIRECTIONS, CELLS)
    real, reference = (batch._replace(x=spell(batch.x)) for batch in (data.real, data.reference))
    first = jax.jit(ngrams.ngram(sizes).fit)(jax.random.key(0), real, None)[0]
    some = read(letter, reference.x)
    one = jnp.ones(1)
    found = Against(own.tokens.spell, letter, known, space, Scale(one, one), one, one, first)
    points = jax.jit(contents.embed)(space, some)
    return found._replace(
        style=scale_of(jax.jit(_style)(found, reference.x, some)),
        artefacts=jax.jit(_artefacts, static_argnums=1)(found, sizes, reference.x, some),
        histogram=contents.histogram(space, points, reference.weight),
    )


def describe(sizes: NgramConfig, count: int, on: Against, batch: Batch) -> Observation:
    """What is measured of each document, and of all."""
    x = on.spell(batch.x)
    found = lexicon.words(on.letter, x)
    artefacts, points = _artefacts(on, sizes, x, found), contents.embed(on.content, found)
    values = {
        "unknown_words": jnp.where(found.here.any(1), artefacts[:, 0], jnp.nan),
        "bits_first": artefacts[:, 1],
        "repeated_words": artefacts[:, 2],
        "length": lengths(x).astype(jnp.float32),
    }
    spaces = {
        "content": points,
        "style": standardise(_style(on, x, found), on.style),
        "artefacts": log_points(artefacts, on.artefacts, jnp.asarray(LEAST, jnp.float32), 0.1),
    }
    shares = contents.histogram(on.content, points, batch.weight)
    numbers = lexicon.usage(on.known, found, count) | {
        "mauve_like": contents.divergence_area(shares, on.histogram),
        "distinct": _distinct(x),
    }
    return Observation(spaces, values, numbers)


def numbers(settings: LanguageSettings, data: Data) -> Partial:
    """``numbers(state)``: ``heldout_bits``, bits a character of held-out real documents, ends counted as characters;
    of pieces also ``heldout_loss``, nats a token, as language models are compared.
    """
    likelihood, own = model(settings, data).log_prob, data.own
    characters = counted(own.tokens.spell(own.heldout)).sum().astype(jnp.float32)

    def of(heldout: Array, characters: Array, state: Any) -> dict[str, Array]:
        nats, tokens = -likelihood(state, heldout).sum(), counted(heldout).sum().astype(jnp.float32)
        found = {"heldout_bits": nats / jnp.log(2.0) / characters}
        return found | ({"heldout_loss": nats / tokens} if settings.pieces else {})

    return Partial(of, own.heldout, characters)


def _artefacts(on: Against, sizes: NgramConfig, tokens: Array, found: Words) -> Array:
    """Share of unknown words, bits a character under generation 0, share of repeated words [N, 3]; 0 for no word."""
    unknown = lexicon.mean_over(
        (lexicon.look_up(on.known, found) == len(on.known.hash)).astype(jnp.float32), found.here
    )
    bits, count = ngrams.bits_per_token(sizes, on.first, tokens)
    columns = [unknown, bits / count, lexicon.repeated(found)]
    return jnp.stack([jnp.nan_to_num(column) for column in columns], 1)


def _style(on: Against, tokens: Array, found: Words) -> Array:
    """Length, mean length of words, shares of common and of rare words, mean log rank of the known [N, 5]."""
    at, count = lexicon.look_up(on.known, found), len(on.known.hash)
    rank, known = on.known.rank[jnp.minimum(at, count - 1)], at < count
    columns = [
        lengths(tokens).astype(jnp.float32),
        lexicon.mean_over(found.size.astype(jnp.float32), found.here),
        lexicon.mean_over((rank < COMMON).astype(jnp.float32), known),
        lexicon.mean_over((rank >= RARE).astype(jnp.float32), known),
        lexicon.mean_over(jnp.log1p(rank.astype(jnp.float32)), known),
    ]
    return jnp.stack([jnp.nan_to_num(column) for column in columns], 1)


def _distinct(tokens: Array) -> Array:
    """The share of documents that are different, by a hash of 32 bits."""

    def step(value: Array, token: Array) -> tuple[Array, None]:
        mixed = (value ^ token.astype(jnp.uint32)) * jnp.uint32(0x01000193)
        return mixed ^ (mixed >> jnp.uint32(15)), None

    value = jnp.sort(jax.lax.scan(step, jnp.full(len(tokens), 0x811C9DC5, jnp.uint32), tokens.T)[0])
    return (1 + (value[1:] != value[:-1]).sum()).astype(jnp.float32) / len(tokens)
