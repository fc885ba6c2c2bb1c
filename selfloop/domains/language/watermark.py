"""Watermarked text: tokens of a secret half are made likelier, and counted (Kirchenbauer et al., ICML 2023).

Of the tokens that may follow a token, half are green; delta is added to their logits, and a document is marked where it
has more of them than human text has. Shapes: N documents, T tokens, V symbols.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.language.ngram import NgramConfig
from selfloop.domains.language.web import Text, bits, reader, write


class Mark(NamedTuple):
    """Which tokens are green after which, and what human text scores."""

    green: Array
    """bool [V, V]; the end is never green."""
    rate: float
    """Share of green tokens in human text."""
    threshold: float
    """Scores of human documents above it are a hundredth of all."""


def mark(key: Array, symbols: int, human: Array) -> Mark:
    """A watermark of random halves, calibrated on human documents."""
    green = jax.random.bernoulli(key, 0.5, (symbols, symbols)).at[:, 0].set(False)
    hits, count = _hits(green, human)
    rate = float(hits.sum() / count.sum())
    return Mark(green, rate, float(np.quantile(_score(hits, count, rate), 0.99)))


def marked(found: Mark, tokens: Array) -> np.ndarray:
    """Whether each document's z score of green tokens exceeds the threshold, bool [N]."""
    return np.asarray(_score(*_hits(found.green, tokens), found.rate) > found.threshold)


def _hits(green: Array, tokens: Array) -> tuple[Array, Array]:
    """Green tokens and tokens of each document, the end left out."""
    here = tokens[:, 1:] > 0
    return (green[tokens[:, :-1], tokens[:, 1:]] & here).sum(1), here.sum(1)


def _score(hits: Array, count: Array, rate: float) -> Array:
    many = jnp.maximum(count, 1).astype(jnp.float32)
    return (hits.astype(jnp.float32) - rate * many) / jnp.sqrt(many * rate * (1 - rate))


def watermark_row(
    seed: int, text: Text, sizes: NgramConfig, delta: float, n: int = 5000, some: int = 2000
) -> dict[str, float]:
    """What a watermark of strength ``delta`` (added to the logits of green tokens) does, and costs.

    ``tpr`` of its model's documents at a false positive rate of 1 %, which is measured on other human ones (``fpr``);
    ``tpr_next``: of documents without a bias, of a model that was trained on marked ones alone (radioactivity, Sander
    et al., 2024); ``bits_next``: that model's bits a character of held-out text.
    """
    keys = jax.random.split(jax.random.key(seed), 4)
    found = mark(keys[0], sizes.symbols, text.start)
    state = reader(sizes, sizes.order, np.asarray(text.start), np.arange(min(n, len(text.start))), n)
    bias = delta * found.green.astype(jnp.float32)
    made = write(keys[1], sizes, state, n, 1.0, bias)
    after = reader(sizes, sizes.order, np.asarray(made), np.arange(n), n)
    return {
        "delta": delta,
        "fpr": float(marked(found, text.heldout).mean()),
        "tpr": float(marked(found, made[:some]).mean()),
        "tpr_next": float(marked(found, write(keys[2], sizes, after, some, 1.0, None)).mean()),
        "bits_next": bits(sizes, after, text.heldout),
    }
