"""Correctors of text: the common battery of laws, and what each is for."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.language import setup
from selfloop.domains.language.alphabet import decode, encode, lengths
from selfloop.domains.language.correctors import detector, rejection, spelling
from selfloop.domains.language.correctors.outcome import words_changed
from selfloop.domains.language.correctors.table import CORRECTORS
from selfloop.domains.language.words import as_text
from tests.correctors import battery
from tests.correctors.battery import Subject
from tests.domains.language.made import LENGTH, WORDS, settings

LAWS = [law for law in battery.LAWS if law is not battery.what_is_not_finite_fails_and_spoils_no_other]
"""Tokens are whole numbers, which are always finite."""


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Settings, data, the model of generation 0, and correctors by name, each made once."""
    given = settings(tmp_path_factory.mktemp("text"))
    data = setup.data(given, 100)
    model = setup.model(given, data)
    state = jax.jit(model.fit)(jax.random.key(0), data.real, None)[0]
    sample = jax.jit(model.sample, static_argnums=3)
    return given, data, state, sample, cache(lambda name: CORRECTORS[name](given, data))


def subject(own, name):
    _, data, state, sample, made = own

    def samples(seed, n):
        return sample(jax.random.key(seed), state, None, n)

    def distance(batch, x):
        return words_changed(data.own.alphabet, batch.x, x)

    return Subject(lambda seed, batch: made(name)(jax.random.key(seed), batch, state), samples, distance, n=12)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", CORRECTORS)
def test_the_common_laws(own, name, law):
    law(subject(own, name))


def test_words_changed_are_counted_as_bags(own):
    known = own[1].own.alphabet
    before, after = (encode(known, [text, text], LENGTH) for text in ("ban dan kan", "dan ban kalem lem"))
    assert words_changed(known, before, after).tolist() == [2, 2]
    assert words_changed(known, before, before).tolist() == [0, 0]


@pytest.mark.parametrize(("one", "other", "edits"), [("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)])
def test_the_distance_of_words(one, other, edits):
    assert spelling.distance(one, other) == spelling.distance(other, one) == edits


def test_the_nearest_word_is_that_of_a_search_through_all():
    rng, counts = np.random.default_rng(0), {word: i + 1 for i, word in enumerate(WORDS)}
    speller = spelling.Speller(counts)
    for _ in range(200):
        word = "".join(rng.choice(list("abdkelmnz"), rng.integers(1, 7)))
        best = min(WORDS, key=lambda one: (spelling.distance(word, one), -counts[one]))
        expected = best if spelling.distance(word, best) <= 2 else word
        assert speller.nearest(word) == expected


def test_repair_leaves_no_word_that_is_near_a_known_one_and_keeps_all_else(own):
    _, data, state, sample, made = own
    correct = spelling.spelling(data.own.alphabet, ["ban dalem.", "kun"])
    text = ["bn  dalm. kun", "iiiiii ban"]
    known = data.own.alphabet
    batch = uniform(jnp.asarray(encode(known, text, LENGTH)))
    after, info = correct(jax.random.key(0), batch, state)
    assert decode(known, after.x) == ["ban  dalem. kun", "iiiiii ban"]
    assert info["moved"].tolist() == [2, 0]


def test_rejection_leaves_as_many_documents_all_of_them_accepted(own):
    _, data, state, sample, made = own
    known = {word for one in data.own.corpus.train for word in as_text([one])[0]}
    raw = sample(jax.random.key(5), state, None, 60)
    right = lambda x: np.array([set(row) <= known for row in as_text(decode(data.own.alphabet, x))])  # noqa: E731
    first = right(raw.x)
    assert 0.1 < first.mean() < 0.95
    after, info = made("reject")(jax.random.key(0), raw, state)
    np.testing.assert_array_equal(info["kept"], first)
    assert right(after.x)[np.asarray(after.weight) > 0].all()
    assert after.weight.sum() == 60
    np.testing.assert_array_equal(np.asarray(after.x)[first], np.asarray(raw.x)[first])


def test_rejection_by_length_keeps_lengths(own):
    _, _, state, sample, made = own
    raw = sample(jax.random.key(5), state, None, 60)
    after, _ = made("reject_length")(jax.random.key(0), raw, state)
    before, then = (np.asarray(lengths(x)) // rejection.BIN for x in (raw.x, after.x))
    np.testing.assert_array_equal(before, then)
    assert after.weight.sum() == 60


def test_the_area_is_the_share_of_pairs():
    rng = np.random.default_rng(0)
    high, low = rng.integers(0, 6, 30), rng.integers(0, 5, 20)
    pairs = (high[:, None] > low[None]) + 0.5 * (high[:, None] == low[None])
    assert np.isclose(detector.auc(high, low), pairs.mean())


def test_a_detector_tells_two_languages_apart_and_cannot_tell_one(own):
    given, data, state, sample, made = own
    sizes = setup.config(given, data)
    real = data.real.x
    noise = jax.random.randint(jax.random.key(0), real.shape, 1, sizes.symbols).astype(jnp.int32)
    found = detector.train(sizes, real, jnp.where(real > 0, noise, 0))
    assert found.auc > 0.99
    assert detector.probability(sizes, found, real).mean() < 0.2
    same = detector.train(sizes, real, data.own.spare[:100])
    error = np.sqrt(101 / (12 * 50 * 50))  # of the area of 50 against 50 of one law
    assert abs(same.auc - 0.5) < 4 * error


def test_weights_of_a_detector_keep_their_sum(own):
    _, _, state, sample, made = own
    raw = sample(jax.random.key(5), state, None, 60)
    for name in ("detector_frozen", "detector_online"):
        after, info = made(name)(jax.random.key(0), raw, state)
        assert np.isclose(after.weight.sum(), 60, rtol=1e-4)
        assert np.std(after.weight) > 0
        assert 0 <= float(info["auc"][0]) <= 1
        assert 0 < float(info["effective"][0]) <= 1
