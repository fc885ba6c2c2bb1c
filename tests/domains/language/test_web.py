"""A polluted web of text in miniature: who is read, and what a watermark shows."""

import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.language import watermark
from selfloop.domains.language.alphabet import alphabet, encode
from selfloop.domains.language.ngram import NgramConfig
from selfloop.domains.language.web import SAME, Scenario, Text, web
from selfloop.errors import ConfigError
from tests.domains.language.made import LENGTH, lines

LINES = lines(500)
KNOWN = alphabet(LINES, 60)
TOKENS = jnp.asarray(encode(KNOWN, LINES, LENGTH))
TEXT = Text(TOKENS[:200], TOKENS[200:400], TOKENS[400:])
SIZES = NgramConfig(KNOWN.size, LENGTH, order=3, bits=10)
BASE = Scenario(families=((3, 1.0),), published=100, n=200, share=0.8)


def last(one, steps=3, seed=0):
    return list(web(seed, TEXT, SIZES, one, steps))[-1]


def test_without_models_all_that_is_read_is_human():
    row = last(BASE._replace(share=0.0))
    assert (row["synthetic_kept"], row["human_kept"], row["read"]) == (0, 200, 200)


def test_a_window_holds_what_was_published_in_it():
    row = last(BASE._replace(window=2))
    assert row["read"] == 200
    assert row["synthetic_kept"] == 0.8
    assert row["human_kept"] == 40


def test_a_perfect_filter_leaves_the_human_documents_alone_and_few_of_them():
    row = last(BASE._replace(window=2, action="filter", tpr=1.0))
    assert (row["synthetic_kept"], row["human_kept"], row["read"]) == (0, 40, 40)
    assert (row["tpr"], row["fpr"]) == (1, 0)


def test_reweighting_reads_as_many_and_fewer_of_them_synthetic():
    plain, weighed = (last(BASE._replace(action=action, tpr=0.9, fpr=0.1)) for action in ("none", "reweight"))
    assert plain["read"] == weighed["read"] == 200
    assert weighed["synthetic_kept"] < plain["synthetic_kept"] - 0.1


def test_a_detector_that_is_trained_finds_more_than_it_mistakes():
    row = last(BASE._replace(action="filter", trained=True, fpr=0.1), steps=1)
    assert row["tpr"] > row["fpr"]


def test_families_share_what_is_published():
    row = last(BASE._replace(families=3 * BASE.families, window=1), steps=1)
    assert row["read"] == 20 + 3 * 26
    assert np.isfinite(row["bits"])


def test_the_same_seed_is_the_same_web():
    assert list(web(1, TEXT, SIZES, BASE, 2)) == list(web(1, TEXT, SIZES, BASE, 2))
    assert last(BASE, 2, 1) != last(BASE, 2, 2)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"action": "burn"}, "action is burn; choose one of none, filter, reweight"),
        ({"tpr": 2.0}, "tpr is 2.0; give 0 to 1"),
        ({"window": 0}, "window is 0; give 1 step or more"),
        ({"families": ()}, "there is no family"),
    ],
)
def test_what_cannot_be_is_told(changes, says):
    with pytest.raises(ConfigError, match=says):
        next(web(0, TEXT, SIZES, Scenario(families=SAME)._replace(**changes), 1))


def test_a_watermark_of_no_strength_shows_as_often_as_human_text_and_a_strong_one_almost_always():
    tokens = np.pad(np.random.default_rng(0).integers(1, SIZES.symbols, (500, LENGTH - 1)), ((0, 0), (0, 1)))
    text = Text(*jnp.split(jnp.asarray(tokens.astype(np.int32)), (200, 400)))
    none, strong = (watermark.watermark_row(0, text, SIZES, delta, n=200, some=200) for delta in (0.0, 4.0))
    assert none["tpr"] < 0.1
    assert strong["tpr"] > 0.8
    assert strong["tpr"] >= strong["tpr_next"] > none["tpr_next"]
    assert strong["bits_next"] > none["bits_next"]


def test_the_score_is_the_binomial_one():
    green = jnp.zeros((4, 4), bool).at[1, 2].set(True)
    tokens = jnp.array([[1, 2, 1, 2, 0], [2, 2, 2, 0, 0]], jnp.int32)
    hits, count = watermark._hits(green, tokens)
    assert hits.tolist() == [2, 0]
    assert count.tolist() == [3, 2]
    np.testing.assert_allclose(watermark._score(hits, count, 0.5), [0.5 / np.sqrt(0.75), -1 / np.sqrt(0.5)], rtol=1e-6)
