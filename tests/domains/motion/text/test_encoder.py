"""Sentence encoders: rows of length 1, near for like sentences, offline, clear when something is missing."""

import importlib.util
import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.domains.motion.text.captions import vocabulary
from selfloop.domains.motion.text.encoder import DIMENSIONS, text_encoder
from selfloop.errors import ConfigError
from tests.domains.motion.text.meanings import PAIRS

VECTORS = {"[UNK]": (0, 0), "walks": (3, 0), "runs": (0, 4), "a": (1, 1)}

needs_model2vec = pytest.mark.skipif(
    importlib.util.find_spec("model2vec") is None, reason="model2vec is not installed (the extra `text`)"
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_rows_of_length_1_whatever_the_text(texts):
    rows = text_encoder()(texts)
    assert rows.shape == (len(texts), DIMENSIONS)
    assert rows.dtype == np.float32
    length = np.linalg.norm(rows, axis=1)
    assert np.all(np.isclose(length, 1, atol=1e-6) | (length == 0))
    np.testing.assert_array_equal(rows, text_encoder()(texts))


def test_counts_by_hand():
    # "<ab>" has the pieces "<ab", "ab>" beside itself: three features of one count each, in three places.
    (row,) = text_encoder()(["ab"])
    np.testing.assert_allclose(np.sort(np.abs(row))[-3:], 3**-0.5, rtol=1e-6)
    (twice,) = text_encoder()(["AB, ab!"])
    np.testing.assert_allclose(twice, row, rtol=1e-6)  # case and marks do not matter, nor a factor common to all
    (apart,) = text_encoder()(["ab xy"])
    np.testing.assert_allclose(apart @ row, 2**-0.5, rtol=1e-6)


def test_a_sentence_never_seen_is_nearest_to_one_of_its_own_meaning():
    words = vocabulary(PAIRS)
    rows = text_encoder()(words.texts)
    seen = words.trained.ravel()
    nearest = seen[(rows[words.held_out] @ rows[seen].T).argmax(1)]
    np.testing.assert_array_equal(words.meaning[nearest], np.arange(len(words.meanings)))


@pytest.fixture
def folder(tmp_path):
    """A model2vec model of four words in two dimensions."""
    model2vec, tokenizers = pytest.importorskip("model2vec"), pytest.importorskip("tokenizers")
    words = tokenizers.models.WordLevel({word: i for i, word in enumerate(VECTORS)}, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(words)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.array(list(VECTORS.values()), np.float32)
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@needs_model2vec
def test_a_local_model_gives_the_mean_of_its_words_of_length_1(folder, monkeypatch):
    import socket

    def refused(*given):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    rows = text_encoder(folder)(("walks", "runs a runs", "unheard", "a"))
    assert rows.dtype == np.float32
    expected = np.array([(1, 0), (1 / 82**0.5, 9 / 82**0.5), (0, 0), (0.5**0.5, 0.5**0.5)])
    np.testing.assert_allclose(rows, expected, atol=1e-6)


@needs_model2vec
def test_what_is_no_model_is_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="nowhere is no folder"):
        text_encoder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty holds no readable model2vec model"):
        text_encoder(tmp_path / "empty")
    (folder / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ConfigError, match="holds no readable model2vec model"):
        text_encoder(folder)
    (folder / "config.json").write_text(json.dumps([]))
    with pytest.raises(ConfigError, match="holds no readable model2vec model"):
        text_encoder(folder)


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(ConfigError, match=r"pip install 'selfloop\[text\]'"):
        text_encoder(tmp_path)
