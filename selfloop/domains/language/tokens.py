"""Tokens of documents: characters, or pieces of words by byte-pair encoding (Sennrich et al., 2016).

Pieces are learned from the train part by the library `tokenizers` (extra ``pieces``); every character is one of them,
so that any document can be written. Whatever the tokens, documents are observed by their characters (`Tokens.spell`).
A document has one encoding here, the library's, and a model's likelihood is that of this one: the document's own, which
is the sum over all encodings, can only be larger.
Shapes: N documents, T tokens, C characters, V tokens there are, L characters of a piece at most.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from selfloop.domains.language import alphabet as letters
from selfloop.domains.language.alphabet import Alphabet
from selfloop.domains.language.text import Corpus
from selfloop.extras import need

LONGEST = 16
"""L: characters of a piece at most."""
SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""What the library writes for a space."""


class Tokens(NamedTuple):
    """How documents are whole numbers, 0 their end."""

    symbols: int
    """V, the end among them."""
    length: int
    """T."""
    encode: Callable[[Sequence[str]], np.ndarray]
    """``encode(documents)``: int32 [N, T]."""
    spell: Partial
    """``spell(tokens [N, T])``: characters int32 [N, C], traceable."""


def characters(known: Alphabet, length: int) -> Tokens:
    """Every character is a token."""
    return Tokens(known.size, length, lambda found: letters.encode(known, found, length), Partial(_same))


def _same(tokens: Array) -> Array:
    return tokens


def pieces(known: Alphabet, corpus: Corpus, symbols: int, length: int) -> Tokens:
    """Pieces learned from the train part: ``symbols`` of them, or fewer where the text has no more.

    T is one above what the longest document of the corpus takes. ConfigError where the library is not installed.
    """
    need("pieces", "--pieces")
    coder = learned(known, corpus.train, symbols)
    table = {piece: i for piece, i in coder.get_vocab().items()}
    texts = [piece.replace(SPACE, " ") for piece in sorted(table, key=table.__getitem__)]
    numbers = letters.encode(known, texts, LONGEST)
    numbers[0] = 0
    clean = partial(_known, known)
    most = max(len(one.ids) for part in corpus[:3] for one in coder.encode_batch(clean(part)))

    def encode(found: Sequence[str]) -> np.ndarray:
        rows = np.zeros((len(found), most + 1), np.int32)
        for row, one in zip(rows, coder.encode_batch(clean(found)), strict=True):
            row[: len(one.ids)] = one.ids[: most + 1]
        return rows

    size = np.array([0, *map(len, texts[1:])], np.int32)
    spell = Partial(partial(spelled, length), jnp.asarray(numbers), jnp.asarray(size))
    return Tokens(len(texts), most + 1, encode, spell)


def learned(known: Alphabet, documents: Sequence[str], symbols: int) -> Any:  # its type is an extra's
    """A byte-pair coder whose token 0 stands for no text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    coder = Tokenizer(models.BPE())
    coder.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="never")
    trainer = trainers.BpeTrainer(
        vocab_size=symbols, special_tokens=["\0"], initial_alphabet=list(known.characters.replace(" ", SPACE)),
        max_token_length=LONGEST, show_progress=False,
    )  # fmt: skip
    coder.train_from_iterator(_known(known, documents), trainer)
    return coder


def spelled(length: int, table: Array, size: Array, tokens: Array) -> Array:
    """Characters int32 [N, C] of tokens [N, T], where token v is the first ``size[v]`` of row v [V, L]; what is beyond
    C is cut off.
    """
    count = size[tokens]
    start = jnp.cumsum(count, 1) - count
    step = jnp.arange(table.shape[1], dtype=jnp.int32)[None, None]
    at = jnp.where(step < count[:, :, None], start[:, :, None] + step, length)
    row = jnp.arange(len(tokens), dtype=jnp.int32)[:, None, None]
    return jnp.zeros((len(tokens), length), jnp.int32).at[row, at].set(table[tokens], mode="drop")


def _known(known: Alphabet, documents: Sequence[str]) -> list[str]:
    """The documents with characters of the alphabet alone."""
    inside = set(known.characters)
    return ["".join(c if c in inside else letters.UNKNOWN for c in one) for one in documents]
