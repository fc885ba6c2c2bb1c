"""Table of the models of text. A new one is a function here, or in a file of its own, and one row."""

from collections.abc import Callable
from typing import Any

from selfloop.domains.language.ngram import NgramConfig, ngram
from selfloop.engine.domain import Data
from selfloop.models.neural.training import Training
from selfloop.models.neural.transformer import TransformerConfig, transformer
from selfloop.protocols import Model


def hashed_ngram(settings: Any, data: Data) -> Model:
    """A Witten-Bell n-gram of characters, counted anew every generation."""
    sizes = NgramConfig(data.own.alphabet.size, settings.length, settings.order, settings.bits)
    return ngram(sizes, settings.temperature[0])


def small_transformer(settings: Any, data: Data) -> Model:
    """A decoder-only transformer of characters or pieces."""
    tokens = data.own.tokens
    sizes = TransformerConfig(tokens.symbols, tokens.length, settings.width, settings.layers, settings.heads)
    how = Training(settings.batch, settings.first_steps, settings.steps, settings.rate, settings.fine_rate)
    return transformer(sizes, how, settings.temperature[0])


MODELS: dict[str, Callable[[Any, Data], Model]] = {"ngram": hashed_ngram, "transformer": small_transformer}
"""``make(settings, data) -> model`` by name."""
