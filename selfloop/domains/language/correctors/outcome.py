"""What correctors of text tell: how many words of each document they changed."""

from collections import Counter
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.language.alphabet import Alphabet, decode
from selfloop.domains.language.words import as_text


def words_changed(known: Alphabet, before: Any, after: Any) -> np.ndarray:
    """Words [N] that a document holds more of after than before, or fewer, whichever are more."""
    one, two = np.asarray(before), np.asarray(after)
    found = np.zeros(len(one), np.float32)
    rows = np.flatnonzero((one != two).any(1))
    pairs = zip(as_text(decode(known, one[rows])), as_text(decode(known, two[rows])), strict=True)
    for i, (old, new) in zip(rows, pairs, strict=True):
        old, new = Counter(old), Counter(new)
        found[i] = max((new - old).total(), (old - new).total())
    return found


def outcome(known: Alphabet, batch: Batch, x: Any, weight: Any, **more: Any) -> tuple[Batch, dict[str, Array]]:
    """The corrected batch and its info; absent documents stay as they are, and nothing fails."""
    present = np.asarray(batch.weight) > 0
    x = np.where(present[:, None], x, np.asarray(batch.x)).astype(np.int32)
    weight = np.where(present, weight, 0).astype(batch.weight.dtype)
    info = {"moved": np.where(present, words_changed(known, batch.x, x), 0).astype(batch.weight.dtype)}
    info |= {name: np.asarray(value, batch.weight.dtype) for name, value in more.items()}
    found = {name: jnp.asarray(value) for name, value in info.items()} | {"failed": jnp.zeros(len(present), bool)}
    return Batch(jnp.asarray(x), jnp.asarray(weight), batch.cond), found
