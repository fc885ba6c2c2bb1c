"""Tokens: pieces of words spell the text again, traceably; one text has one set of pieces."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import experiment, extras
from selfloop.domains.language import setup, text, tokens
from selfloop.domains.language.alphabet import UNKNOWN, decode
from selfloop.domains.language.domain import LANGUAGE
from selfloop.errors import ConfigError
from selfloop.models.sequences import counted
from selfloop.runs import record
from tests.domains.language.made import LENGTH, settings

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    given = settings(tmp_path_factory.mktemp("text"))
    return text.load(given.data, "lines", LENGTH - 1)


def test_pieces_spell_the_text_again_and_are_fewer(corpus):
    known = setup.alphabet_of(corpus, 63)
    coder = tokens.pieces(known, corpus, 80, LENGTH)
    assert known.size < coder.symbols <= 80
    for part in corpus[:3]:
        x = coder.encode(part)
        assert x.dtype == np.int32
        assert x.max() < coder.symbols
        assert (x[:, -1] == 0).all()
        assert decode(known, jax.jit(coder.spell)(jnp.asarray(x))) == list(part)
    assert int(counted(jnp.asarray(x)).sum()) < 0.6 * sum(len(one) + 1 for one in part)
    assert coder.length < LENGTH


def test_what_the_alphabet_lacks_is_one_character(corpus):
    known = setup.alphabet_of(corpus, 10)
    coder = tokens.pieces(known, corpus, 40, LENGTH)
    rare = next(c for c in "".join(corpus.train) if c not in known.characters)
    assert decode(known, coder.spell(jnp.asarray(coder.encode([f"a{rare}a"])))) == [f"a{UNKNOWN}a"]


def test_any_tokens_are_spelled_as_their_texts_one_after_the_other():
    table = np.array([[0, 0, 0], [3, 0, 0], [4, 5, 0], [6, 7, 8]])
    x = np.random.default_rng(0).integers(0, 4, (20, 6))
    size = np.array([0, 1, 2, 3])
    found = tokens.spelled(9, *(jnp.asarray(one, jnp.int32) for one in (table, size, x)))
    for row, got in zip(x, np.asarray(found), strict=True):
        whole = [c for token in row for c in table[token][: size[token]]][:9]
        np.testing.assert_array_equal(got, whole + [0] * (9 - len(whole)))


def test_one_text_has_one_set_of_pieces(corpus):
    known = setup.alphabet_of(corpus, 63)
    one, two = (tokens.learned(known, corpus.train, 80).get_vocab() for _ in range(2))
    assert one == two
    assert one["\0"] == 0


def test_whoever_lacks_the_library_is_told(corpus, monkeypatch):
    monkeypatch.setattr(extras, "_found", lambda module: module != "tokenizers")
    with pytest.raises(ConfigError, match=r"--pieces needs .*tokenizers.*: pip install 'selfloop\[pieces\]'"):
        tokens.pieces(setup.alphabet_of(corpus, 63), corpus, 80, LENGTH)


@pytest.mark.slow
def test_a_run_of_a_transformer_on_pieces(tmp_path):
    given = replace(
        settings(tmp_path), arms=("replace", "accumulate"), model="transformer", pieces=80, alphabet=30, width=16,
        heads=2, batch=8, steps=5, first_steps=10, seeds=1, refit="from_scratch",
    )  # fmt: skip
    experiment.run(LANGUAGE, given)
    rows = record.read(given.out / "metrics.jsonl")
    assert len(rows) == 2 * 3
    own = setup.data(given, 100).own
    characters, count = (float(counted(x).sum()) for x in (own.tokens.spell(own.heldout), own.heldout))
    for row in rows:
        assert np.isclose(row["heldout_bits"] * np.log(2) * characters, row["heldout_loss"] * count, rtol=1e-4)
    assert "<h2>Text</h2>" in (given.out / "report.html").read_text()
