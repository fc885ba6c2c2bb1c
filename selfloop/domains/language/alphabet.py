"""Character alphabet: text as arrays of whole numbers, and back. Token 0 ends a document and fills what is behind it.

Shapes: N documents, T tokens.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.models.sequences import END

UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class Alphabet(NamedTuple):
    """The characters that tokens 1, 2, ... stand for."""

    characters: str

    @property
    def size(self) -> int:
        """The number V of tokens, the end among them."""
        return len(self.characters) + 1


def alphabet(documents: Iterable[str], most: int) -> Alphabet:
    """The characters of the documents in their own order; the commonest ``most`` - 1 and `UNKNOWN` where there are
    more.
    """
    counts = Counter(character for one in documents for character in one)
    if len(counts) > most:
        kept = sorted(counts, key=lambda character: (-counts[character], character))[: most - 1]
        return Alphabet("".join(sorted(kept)) + UNKNOWN)
    return Alphabet("".join(sorted(counts)))


def encode(known: Alphabet, documents: Sequence[str], length: int) -> np.ndarray:
    """Tokens int32 [N, T]; characters that the alphabet lacks are its last one. What is beyond T is cut off."""
    number = {character: i + 1 for i, character in enumerate(known.characters)}
    last, found = len(known.characters), np.zeros((len(documents), length), np.int32)
    for i, one in enumerate(documents):
        row = [number.get(character, last) for character in one[:length]]
        found[i, : len(row)] = row
    return found


def decode(known: Alphabet, tokens: Array | np.ndarray) -> list[str]:
    """The documents of tokens [N, T], each up to its end."""
    table = np.array(list("\0" + known.characters))
    return ["".join(row).split("\0", 1)[0] for row in table[np.asarray(tokens)]]


def lengths(tokens: Array) -> Array:
    """Characters of each document, int32 [N]: the tokens before the first end, or all T where there is none."""
    ended = tokens == END
    return jnp.where(ended.any(1), ended.argmax(1), tokens.shape[1]).astype(jnp.int32)
