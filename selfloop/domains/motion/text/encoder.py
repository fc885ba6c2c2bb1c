"""Sentences as points: by a small pretrained model from a local folder, or by their words and letters alone.

Letters: V sentences, E dimensions.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from selfloop.errors import ConfigError

TextEncoder = Callable[[Sequence[str]], np.ndarray]
"""``encode(texts) -> [V, E]`` float32, rows of length 1."""

DIMENSIONS = 256
"""E of the encoder that needs no model."""

LETTERS = (3, 4, 5)
"""Lengths of the pieces of a word that it counts."""


def text_encoder(folder: Path | str | None = None) -> TextEncoder:
    """The static sentence embedding in ``folder`` (see `pretrained`), or `hashed` where there is none."""
    return hashed if folder is None else pretrained(Path(folder))


def hashed(texts: Sequence[str]) -> np.ndarray:
    """Embeddings [V, E] without training: counts of words and of pieces of words, hashed (Weinberger et al. 2009).

        row = sum over features f of  sign(f) (1 + log count(f)) e_place(f),    then made of length 1

    with place in 0..E-1 and sign from a hash of f. Features are the words and the pieces of 3 to 5 letters of
    "<word>", so that "walk" and "walks" are near each other and long words weigh more than "a". Equal on every machine.
    """
    rows = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for feature, count in Counter(_features(text)).items():
            number = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
            row[number // 2 % DIMENSIONS] += (1 - 2 * (number % 2)) * (1 + np.log(count))
    return _unit(rows)


def _features(text: str) -> list[str]:
    words = [f"<{word}>" for word in re.findall(r"\w+", text.lower())]
    return words + [
        word[i : i + k] for word in words for k in LETTERS if k < len(word) for i in range(len(word) - k + 1)
    ]


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1; a sentence without a known word stays 0."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)


def pretrained(folder: Path) -> TextEncoder:
    """The model2vec model in a local folder: the mean of one vector a token, made of length 1. Nothing is downloaded.

    Raises:
        ConfigError: if the package model2vec is not installed, or the folder holds no such model.
    """
    try:
        from model2vec import StaticModel
    except ImportError:
        raise ConfigError(
            "--text-encoder needs the package model2vec: pip install 'selfloop[text]', or leave the option out "
            "for an encoder that needs nothing"
        ) from None
    if not folder.is_dir():  # model2vec would take it for the name of a model to download
        raise ConfigError(f"--text-encoder {folder} is no folder; give one that holds a model2vec model")
    try:
        model = StaticModel.from_pretrained(folder)
    except Exception as error:  # of several libraries, each with exceptions of its own
        said = str(error).partition("\n")[0]
        raise ConfigError(
            f"--text-encoder {folder} holds no readable model2vec model ({said}); it has "
            "config.json, model.safetensors and tokenizer.json"
        ) from None
    return lambda texts: _unit(np.asarray(model.encode(list(texts), use_multiprocessing=False), np.float32))
