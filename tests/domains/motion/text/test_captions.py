"""Captions: whole sentences, different, of one meaning; a vocabulary that finds them again."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion.data.labels import caption
from selfloop.domains.motion.text.captions import PARAPHRASES, captions, vocabulary
from tests.domains.motion.text.meanings import PAIRS


def test_sentences_as_one_would_write_them():
    assert captions("walk-turn-left", "elderly") == (
        "a person walks and turns left in an elderly style",
        "an elderly person walks and turns left",
        "someone walks and turns left, and does so in an elderly manner",
        "the figure walks and turns left as an elderly human would",
        "we see a human walk and turn left in an elderly way",
        "somebody who seems elderly walks and turns left",
    )
    assert captions("punch")[1:] == (
        "someone punches", "this human punches", "the figure punches", "we see a human punch", "somebody punches",
    )  # fmt: skip
    seen = "we see a human "
    wanted = {"backflip": "do a backflip", "getup": "get up", "zombie": "walk like a zombie", "cartwheel":
              "turn a cartwheel", "salto": "perform salto", "raise-up-left-hand": "raise up the left hand",
              "dance": "dance", "wave-both-hands": "wave both hands", "spinkick": "do a spin kick"}  # fmt: skip
    assert {label: captions(label)[4].removeprefix(seen) for label in wanted} == wanted


@pytest.mark.parametrize(("label", "style"), PAIRS)
def test_every_meaning_has_its_sentences(label, style):
    sentences = captions(label, style)
    assert len(set(sentences)) == len(sentences) == PARAPHRASES
    assert sentences[0] == caption(label, style)
    for sentence in sentences:
        assert (style in sentence) == (style != "normal")
        assert not re.search(r"\ban [^aeiou]|\ba [aeiou]|  |[{}]", sentence)
    plain = re.sub(r"^a person ", "", caption(label))
    assert all(plain in sentence for sentence in sentences[:4] + sentences[5:])


@settings(deadline=None)
@given(st.text("abcdefgs", min_size=1), st.sampled_from(["", "odd", "blue"]))
def test_unknown_labels_are_performed(label, style):
    sentences = captions(label, style)
    assert len(set(sentences)) == PARAPHRASES
    assert all(f"perform{'' if i == 4 else 's'} {label}" in sentence for i, sentence in enumerate(sentences))


def test_a_vocabulary_finds_its_sentences():
    words = vocabulary([*PAIRS, *PAIRS, ("walk", "")])
    meanings = {(label, "" if style == "normal" else style) for label, style in PAIRS}
    assert words.meanings == tuple(sorted(meanings))
    assert len(set(words.texts)) == len(words.texts) == PARAPHRASES * len(meanings)
    for label, style in PAIRS:
        at = words.within(label, style)
        assert words.texts[at] == captions(label, style)
        assert set(words.labels[at]) == {label}
        (row,) = words.find([(label, style)])
        np.testing.assert_array_equal(words.meaning[at], row)
        np.testing.assert_array_equal([*words.trained[row], words.held_out[row]], np.arange(at.start, at.stop))
    np.testing.assert_array_equal(words.find([("swim", ""), ("walk", "blue")]), -1)
    with pytest.raises(KeyError):
        words.within("swim")


def test_no_training_sees_the_sentences_that_are_held_out():
    words = vocabulary(PAIRS)
    trained = {words.texts[i] for i in words.trained.ravel()}
    held_out = {words.texts[i] for i in words.held_out}
    assert trained | held_out == set(words.texts)
    assert not trained & held_out
    new = {word for text in held_out for word in text.split()} - {word for text in trained for word in text.split()}
    assert {"somebody", "seems"} <= new
