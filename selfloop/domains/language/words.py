"""Words of tokenised documents, traceable: each word as a hash, its place in a dictionary, and statistics of sets.

A word is a run of letters and apostrophes. Hashes have 32 bits: of D known words and U different unknown ones some
D U / 2^32 are confused, less than one in ten thousand words here.
Shapes: N documents, T tokens, W = T // 2 + 1 words at most, D words of a dictionary.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.language.alphabet import Alphabet

RANKS = (10, 1000)
"""The ranks between which Zipf's slope is fitted."""


class Words(NamedTuple):
    """The words of documents, in order, filled up with absent ones."""

    hash: Array
    """uint32 [N, W]."""
    size: Array
    """Characters, int32 [N, W]."""
    here: Array
    """bool [N, W]."""


class Dictionary(NamedTuple):
    """Known words in the order of their hashes."""

    hash: Array
    """uint32 [D], rising."""
    rank: Array
    """int32 [D]: 0 for the commonest."""


def letters(known: Alphabet) -> np.ndarray:
    """Which tokens are part of words, bool [V]."""
    return np.array([False, *(character.isalpha() or character == "'" for character in known.characters)])


def words(letter: Array, tokens: Array) -> Words:
    """The words of documents [N, T], where ``letter`` [V] says which tokens words are made of."""
    inside, most = letter[tokens], tokens.shape[1] // 2 + 1

    def step(carry: tuple[Array, Array], now: tuple[Array, Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        value, size = carry
        token, part = now
        mixed = (value ^ token.astype(jnp.uint32)) * jnp.uint32(0x01000193)
        mixed = mixed ^ (mixed >> jnp.uint32(13))
        value, size = jnp.where(part, mixed, jnp.uint32(0x811C9DC5)), jnp.where(part, size + 1, 0)
        return (value, size), (value, size)

    start = jnp.full(tokens.shape[0], 0x811C9DC5, jnp.uint32), jnp.zeros(tokens.shape[0], jnp.int32)
    value, size = (leaf.T for leaf in jax.lax.scan(step, start, (tokens.T, inside.T))[1])
    ends = inside & ~jnp.pad(inside[:, 1:], ((0, 0), (0, 1)))
    at = jnp.where(ends, jnp.cumsum(ends, 1) - 1, most)
    row = jnp.arange(tokens.shape[0])[:, None]
    put = lambda leaf: jnp.zeros((tokens.shape[0], most), leaf.dtype).at[row, at].set(leaf, mode="drop")  # noqa: E731
    return Words(put(value), put(size), put(ends))


def dictionary(found: Words) -> Dictionary:
    """Every word that is there, ranked by how often it is; words of one frequency by their hash."""
    every, counts = np.unique(np.asarray(found.hash)[np.asarray(found.here)], return_counts=True)
    rank = np.empty(len(every), np.int32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(every), dtype=np.int32)
    return Dictionary(jnp.asarray(every), jnp.asarray(rank))


def look_up(known: Dictionary, found: Words) -> Array:
    """The place of each word in the dictionary [N, W], D where it has none."""
    at = jnp.searchsorted(known.hash, found.hash).astype(jnp.int32)
    hit = found.here & (known.hash[jnp.minimum(at, len(known.hash) - 1)] == found.hash)
    return jnp.where(hit, at, len(known.hash))


def mean_over(values: Array, here: Array) -> Array:
    """Mean [N] of values [N, W] over what is there; NaN where nothing is."""
    count = here.sum(1).astype(values.dtype)
    return jnp.where(here, values, 0).sum(1) / count


def repeated(found: Words) -> Array:
    """Share [N] of a document's words that stand in it for a second time; NaN where it has no word."""
    same = (found.hash[:, :, None] == found.hash[:, None]) & found.here[:, None]
    before = jnp.tril(jnp.ones(same.shape[1:], bool), -1)[None]
    return mean_over((same & before).any(2).astype(jnp.float32), found.here)


def usage(known: Dictionary, found: Words, count: int) -> dict[str, Array]:
    """Scalars of the first ``count`` words of all documents, NaN where there are fewer.

    ``types``: how many are different. ``known_types``: how many of these are the dictionary's. ``word_entropy``:
    -sum p log2 p of their shares (bits). ``pair_entropy``: the same of words with the one after them. ``zipf_slope``:
    of log frequency over log rank, by least squares over the ranks 10 to 1,000 that are there. All but the slope grow
    with ``count``: compare equal ones.
    """
    first, pairs = _sequence(found.hash, found.here, count), found.hash[:, :-1] * jnp.uint32(0x9E3779B1)
    pairs = _sequence(pairs ^ found.hash[:, 1:], found.here[:, 1:], count)
    frequency = _frequencies(*first, count)
    hits = look_up(known, Words(first[0][None], jnp.zeros((1, count), jnp.int32), first[1][None]))[0]
    used = jnp.zeros(len(known.hash), jnp.float32).at[hits].set(1, mode="drop")
    values = {
        "types": (frequency > 0).sum().astype(jnp.float32),
        "known_types": used.sum(),
        "word_entropy": _entropy(frequency),
        "pair_entropy": _entropy(_frequencies(*pairs, count)),
        "zipf_slope": _slope(frequency),
    }
    enough = first[1].sum() == count
    return {name: jnp.where(enough, value, jnp.nan) for name, value in values.items()}


def _sequence(values: Array, here: Array, count: int) -> tuple[Array, Array]:
    """The first ``count`` values that are there, and how many of the places are filled."""
    flat, mask = values.reshape(-1), here.reshape(-1)
    at = jnp.where(mask, jnp.cumsum(mask) - 1, count)
    return jnp.zeros(count, flat.dtype).at[at].set(flat, mode="drop"), jnp.arange(count) < mask.sum()


def _frequencies(values: Array, here: Array, count: int) -> Array:
    """How often each different value is there [count], falling, 0 where there are fewer."""
    key = jnp.sort(jnp.where(here, values, jnp.uint32(0xFFFFFFFF)))
    new = jnp.concatenate([jnp.ones(1, bool), key[1:] != key[:-1]])
    present = jnp.arange(count) < here.sum()
    run = jnp.cumsum(new) - 1
    return -jnp.sort(-jnp.zeros(count, jnp.float32).at[run].add(present.astype(jnp.float32)))


def _entropy(frequency: Array) -> Array:
    p = frequency / frequency.sum()
    return -jnp.where(p > 0, p * jnp.log2(jnp.where(p > 0, p, 1)), 0).sum()


def _slope(frequency: Array) -> Array:
    """Least squares of log frequency over log rank."""
    low, high = RANKS
    some = frequency[low - 1 : high]
    here = (some > 0).astype(jnp.float32)
    x = jnp.log(jnp.arange(low, low + len(some), dtype=jnp.float32))
    y = jnp.log(jnp.where(some > 0, some, 1))
    mean = lambda values: (here * values).sum() / here.sum()  # noqa: E731
    dx = x - mean(x)
    return (here * dx * (y - mean(y))).sum() / (here * dx**2).sum()


def as_text(documents: Sequence[str]) -> list[list[str]]:
    """The words of documents as Python's strings, by the same rule."""
    found = ("".join(c if c.isalpha() or c == "'" else " " for c in one) for one in documents)
    return [one.split() for one in found]


def all_known(known: Dictionary, found: Words) -> Array:
    """Whether a document [N] has no word that the dictionary lacks."""
    return ((look_up(known, found) < len(known.hash)) | ~found.here).all(1)
