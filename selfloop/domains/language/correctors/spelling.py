"""Spelling repair by symmetric deletion (SymSpell): unknown words become the nearest known ones; nobody is dropped.

Two words within d edits of each other share a string that up to d deletions make of both; an index of all deletions of
the dictionary finds the candidates (Garbe, 2012). Of those the nearest is taken, of these the commonest. A word that
has none within d edits stays as it is.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.language.alphabet import Alphabet, decode, encode
from selfloop.domains.language.correctors.outcome import outcome
from selfloop.domains.language.words import as_text
from selfloop.protocols import Corrector


class Speller:
    """A dictionary that finds the nearest of its words."""

    def __init__(self, counts: Counter[str], edits: int = 2):
        self.counts: Counter[str] = counts
        self.edits: int = edits
        self._index: dict[str, list[str]] = defaultdict(list)
        self._known: dict[str, str] = {}
        for word in counts:
            for shorter in deletions(word, edits):
                self._index[shorter].append(word)

    def nearest(self, word: str) -> str:
        """The known word nearest to this one, or the word itself."""
        if word in self.counts:
            return word
        if word not in self._known:
            near = {found for shorter in deletions(word, self.edits) for found in self._index.get(shorter, ())}
            ranked = min(((distance(word, one), -self.counts[one], one) for one in near), default=(self.edits + 1,))
            self._known[word] = word if ranked[0] > self.edits else ranked[2]
        return self._known[word]


def spelling(known: Alphabet, dictionary: Iterable[str], edits: int = 2) -> Corrector:
    """Repairs the words of documents int32 [N, T] by those of real ``dictionary`` documents; ``moved`` in words."""
    speller = Speller(Counter(word for one in as_text(list(dictionary)) for word in one), edits)

    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        fixed = [repaired(speller, one) for one in decode(known, batch.x)]
        return outcome(known, batch, encode(known, fixed, batch.x.shape[1]), np.asarray(batch.weight))

    return correct


def repaired(speller: Speller, document: str) -> str:
    """The document with each word the nearest known one, all else as it is."""
    runs = itertools.groupby(document, key=lambda c: c.isalpha() or c == "'")
    return "".join(speller.nearest("".join(run)) if word else "".join(run) for word, run in runs)


def deletions(word: str, edits: int) -> set[str]:
    """The word, and what up to ``edits`` deletions make of it."""
    found, last = {word}, {word}
    for _ in range(edits):
        last = {one[:i] + one[i + 1 :] for one in last for i in range(len(one))}
        found |= last
    return found


def distance(one: str, other: str) -> int:
    """Levenshtein's: insertions, deletions and substitutions from one word to the other."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]
