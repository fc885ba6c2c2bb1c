"""Text and tokens: documents, their split, and every bad file in one line."""

import lzma

import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from selfloop.domains.language import alphabet as letters
from selfloop.domains.language import text
from selfloop.errors import DataError

VERSES = "\n".join(f"this is the verse of number {i} and no other" for i in range(60))


def file(folder, content, name="text.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_the_shipped_text_is_whole():
    found = text.documents(text._decoded(text._bytes(None), "it"), "lines")
    assert 30_700 < len(found) <= 30_834
    assert found[0] == "in the beginning god created the heaven and the earth."
    assert len(set("".join(found))) == 39  # the space among them


def test_parts_are_apart_and_of_their_shares():
    corpus = text.load(None, "lines", 127)
    parts = [corpus.train, corpus.reference, corpus.heldout]
    whole = [one for part in parts for one in part]
    assert len(set(whole)) == len(whole)
    assert max(map(len, whole)) <= 127
    for part, share in zip(parts, text.SHARES.values(), strict=True):
        error = (share * (1 - share) / len(whole)) ** 0.5
        assert abs(len(part) / len(whole) - share) < 5 * error


def test_a_document_has_one_part_whatever_stands_beside_it(tmp_path):
    whole = text.load(file(tmp_path, VERSES), "lines", 100)
    half = text.load(file(tmp_path, "\n".join(VERSES.split("\n")[::2]), "half.txt"), "lines", 100)
    for role in text.SHARES:
        assert set(getattr(half, role)) <= set(getattr(whole, role))


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        ("One\n\n two  three \nONE\r\n", "lines", ["one", "two three"]),
        ("One\ntwo\n\nthree\n \nfour", "blank", ["one two", "three", "four"]),
        ("a b<|endoftext|>c", "lines", ["a b", "c"]),
        ("a\n\nb\nc<|endoftext|>\nd", "marks", ["a b c", "d"]),
    ],
)
def test_documents(content, kind, expected):
    assert text.documents(content, kind) == expected


def test_compressed_files_are_read(tmp_path):
    plain = text.load(file(tmp_path, VERSES), "lines", 100)
    packed = text.load(file(tmp_path, lzma.compress(VERSES.encode()), "text.txt.xz"), "lines", 100)
    assert packed.train == plain.train


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty; give a text file"),
        (" \n \n", "is empty; give a text file"),
        ("word " * 40, "holds 1 document; give a text of many"),
        (b"good line\nbad \xff line\n" * 20, "byte 14 is not UTF-8; convert the file"),
        ("short\ntext", "holds 10 characters, fewer than the window of 101 tokens: give a longer text"),
        ("\n".join("x" * 150 + str(i) for i in range(9)), "none of its 9 documents is left .* larger --length"),
    ],
)
def test_bad_files_are_told_in_a_line(tmp_path, content, says):
    with pytest.raises(DataError, match=says) as raised:
        text.load(file(tmp_path, content), "lines", 100)
    assert "\n" not in str(raised.value)


def test_what_is_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read .*; give a text file"):
        text.load(tmp_path / "none.txt", "lines", 100)
    with pytest.raises(DataError, match=r"is no \.xz file"):
        text.load(file(tmp_path, VERSES, "text.txt.xz"), "lines", 100)


@settings(deadline=None)
@given(st.lists(st.text("abc d", max_size=12), min_size=1, max_size=6))
def test_tokens_are_the_text_again(documents):
    known = letters.alphabet(["abc d"], 9)
    tokens = letters.encode(known, documents, 12)
    assert letters.decode(known, tokens) == documents
    np.testing.assert_array_equal(letters.lengths(jnp.asarray(tokens)), [len(one) for one in documents])


def test_rare_characters_are_one():
    known = letters.alphabet(["aaabbbccd"], 3)
    assert known.characters == "ab" + letters.UNKNOWN
    assert letters.decode(known, letters.encode(known, ["abcd"], 4)) == ["ab" + 2 * letters.UNKNOWN]
