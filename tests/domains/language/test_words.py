"""Words, their statistics, and the space of content, against Python's strings and dense matrices."""

from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.language import content as contents
from selfloop.domains.language import words as lexicon
from selfloop.domains.language.alphabet import alphabet, encode
from tests.domains.language.made import LENGTH, lines

TEXT = ["the cat's hat, the", "", "a", "...", " on-the mat mat ", *lines(60)]
KNOWN = alphabet(TEXT, 60)
LETTER = jnp.asarray(lexicon.letters(KNOWN))
STRINGS = lexicon.as_text(TEXT)
read = jax.jit(lexicon.words)


def found(text):
    return read(LETTER, jnp.asarray(encode(KNOWN, text, LENGTH)))


SOME = lexicon.dictionary(found(TEXT[20:]))


def test_words_are_those_of_the_strings():
    assert STRINGS[:5] == [["the", "cat's", "hat", "the"], [], ["a"], [], ["on", "the", "mat", "mat"]]
    words, name = found(TEXT), {}
    for i, row in enumerate(STRINGS):
        assert int(words.here[i].sum()) == len(row)
        assert words.size[i, : len(row)].tolist() == [len(word) for word in row]
        for value, word in zip(words.hash[i].tolist(), row, strict=False):
            assert name.setdefault(word, value) == value
    assert len(set(name.values())) == len(name)


def test_a_dictionary_knows_its_words_alone():
    known = lexicon.dictionary(found(TEXT[5:]))
    counts = Counter(word for row in STRINGS[5:] for word in row)
    at = np.asarray(lexicon.look_up(known, found(TEXT)))
    for row, places in zip(STRINGS, at, strict=True):
        assert [place < len(counts) for place in places[: len(row)]] == [word in counts for word in row]
        assert (places[len(row) :] == len(counts)).all()
    ranks = {word: int(known.rank[place]) for row, places in zip(STRINGS, at, strict=True)
             for word, place in zip(row, places, strict=False) if word in counts}  # fmt: skip
    ordered = [counts[word] for word in sorted(ranks, key=ranks.get)]
    assert ordered == sorted(ordered, reverse=True)
    every = lexicon.all_known(known, found(TEXT))
    np.testing.assert_array_equal(every, [all(word in counts for word in row) for row in STRINGS])


def test_repeated_words():
    shares = np.asarray(lexicon.repeated(found(TEXT)))
    for share, row in zip(shares, STRINGS, strict=True):
        expected = sum(word in row[:i] for i, word in enumerate(row)) / len(row) if row else np.nan
        np.testing.assert_allclose(share, expected, rtol=1e-6)


def test_usage_is_that_of_the_first_words():
    count = 90
    values = {
        name: float(value) for name, value in jax.jit(lexicon.usage, static_argnums=2)(SOME, found(TEXT), count).items()
    }
    flat = [word for row in STRINGS for word in row][:count]
    p = np.array(list(Counter(flat).values())) / count
    assert values["types"] == len(p)
    assert values["known_types"] == len(set(flat) & {word for row in STRINGS[20:] for word in row}) < len(p)
    assert np.isclose(values["word_entropy"], -(p * np.log2(p)).sum(), rtol=1e-5)
    pairs = [pair for row in STRINGS for pair in zip(row, row[1:], strict=False)][:count]
    q = np.array(list(Counter(pairs).values())) / count
    assert np.isclose(values["pair_entropy"], -(q * np.log2(q)).sum(), rtol=1e-5)
    ranked = np.sort(p * count)[::-1][9:1000]
    slope = np.polyfit(np.log(np.arange(10, 10 + len(ranked))), np.log(ranked), 1)[0]
    assert np.isclose(values["zipf_slope"], slope, atol=1e-4)


def test_too_few_words_have_no_usage():
    assert all(np.isnan(value) for value in lexicon.usage(SOME, found(TEXT), 10_000).values())


def test_content_is_tf_idf_on_singular_directions():
    text = TEXT[5:]
    words = found(text)
    known = lexicon.dictionary(words)
    space = contents.fit(known, words, 4, 5)
    vocabulary = sorted({word for row in STRINGS[5:] for word in row})
    table = np.array([[row.count(word) for word in vocabulary] for row in STRINGS[5:]], float)
    table *= np.log((1 + len(text)) / (1 + (table > 0).sum(0)))[None]
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    u, s, _ = np.linalg.svd(table, full_matrices=False)
    points = np.asarray(contents.embed(space, words))
    # Directions have no sign: what is compared is how far apart documents lie, in the space's own scale.
    raw = u[:, :4] * s[:4]
    order = [int(np.argmax(np.abs(np.corrcoef(points.T, raw.T)[:4, 4:][i]))) for i in range(4)]
    assert sorted(order) == [0, 1, 2, 3]
    for i, j in enumerate(order):
        assert abs(np.corrcoef(points[:, i], raw[:, j])[0, 1]) > 1 - 1e-3
    np.testing.assert_allclose(points.mean(0), 0, atol=1e-4)
    assert space.centres.shape == (5, 4)


def test_a_document_of_unknown_words_is_finite():
    space = contents.fit(lexicon.dictionary(found(TEXT[5:])), found(TEXT[5:]), 4, 5)
    assert np.isfinite(contents.embed(space, found(["zzz", "", "the"]))).all()


@pytest.mark.parametrize(("apart", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_divergence_area_of_equal_and_of_disjoint_histograms(apart, expected):
    p = jnp.array([0.5, 0.5, 0.0, 0.0])
    q = p if apart == 0 else p[::-1]
    # Of disjoint ones KL(p || r) = -log a: the curve is (1 - a)^c, a^c, and its area c B(c, c + 1).
    value = float(contents.divergence_area(p, q))
    if apart:
        assert np.isclose(value, 5 * 24 * 120 / 3628800, atol=3e-4)
    else:
        assert np.isclose(value, expected, atol=1e-6)


def test_the_divergence_area_falls_as_histograms_part():
    p, q = jnp.array([0.6, 0.3, 0.1]), jnp.array([0.1, 0.3, 0.6])
    values = [float(contents.divergence_area(p, (1 - a) * p + a * q)) for a in (0.0, 0.2, 0.5, 1.0)]
    assert all(one > other for one, other in zip(values, values[1:], strict=False))
