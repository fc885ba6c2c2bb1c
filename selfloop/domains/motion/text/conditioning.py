"""How captions reach the network: a motion's label is then the place of its caption in the vocabulary of the set.

The network looks labels up in a table of free vectors, which says nothing of a caption it was not trained on. A model
with text reads instead, for caption v,

    condition(v) = row(v) W,    condition(no caption) = 0

where row(v) is the caption's embedding on the principal axes of those that may be trained on, held fixed, and W is
learned (as in MDM, Tevet et al. 2023): sentences near each other are nearly the same condition, trained on or not.
Shapes: V captions, E dimensions of an embedding, R axes, K = 64 dimensions of the condition, N motions.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.text.captions import Vocabulary, vocabulary
from selfloop.domains.motion.text.encoder import text_encoder
from selfloop.models.neural.denoiser import CONDITION
from selfloop.protocols import Model, Source

NEGLIGIBLE = 1e-3
"""Axes on which the captions vary by less than this share of the first are left out."""


class Text(NamedTuple):
    """The captions of a set as the network reads them."""

    vocabulary: Vocabulary
    rows: np.ndarray
    """Each caption on the principal axes [V, R], float32."""


def describe(pairs: Iterable[tuple[str, str]], encoder: Path | None = None) -> Text:
    """The captions of a set whose clips have these pairs of label and style; ``encoder`` as in `text_encoder`."""
    words = vocabulary(pairs)
    return Text(words, principal(text_encoder(encoder)(words.texts), words.trained.ravel()))


def principal(embeddings: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Embeddings [V, E] less the mean of the ``trained`` ones, on the K most principal axes of these: [V, R], R <= K.

    What a new sentence has beside those axes, mostly words that no other one has, is left out. One factor for all makes
    the mean square of a number in the trained rows 1; with rows of length 1 the network heeds captions too late.
    """
    centred = np.asarray(embeddings, np.float64) - embeddings[trained].mean(0, dtype=np.float64)
    _, size, axes = np.linalg.svd(centred[trained], full_matrices=False)
    rows = centred @ axes[:CONDITION][(size > NEGLIGIBLE * size[0])[:CONDITION]].T
    return (rows / np.sqrt((rows[trained] ** 2).mean())).astype(np.float32)


def captioned(cut: Windows, styles: Sequence[str], words: Vocabulary) -> Windows:
    """Windows of clips of these ``styles`` [N] with captions for labels: the first of every window's meaning.

    Raises:
        KeyError: if the vocabulary lacks one of them.
    """
    first = [words.within(cut.names[label], style).start for label, style in zip(cut.label, styles, strict=True)]
    return cut._replace(label=np.array(first, np.int32), names=words.labels)


def with_text(model: Model, text: Text, first_steps: int) -> Model:
    """A motion model of V labels (`motion_model`) that reads captions by their embeddings.

    During the first ``first_steps`` steps, which see real data only, every call of ``fit`` draws the captions anew
    from those of the same meaning that may be trained on; later ones come as the source gives them.
    """
    table = jnp.asarray(np.concatenate([text.rows, np.zeros_like(text.rows[:1])]))

    def read(call: Callable, args: tuple, kwargs: dict, context: nn.module.InterceptorContext) -> Any:
        if not (isinstance(context.module, nn.Embed) and context.method_name == "__call__"):
            return call(*args, **kwargs)
        # W is the beginning of the labels' own table, which has V + 1 >= R rows of K numbers.
        return table[args[0]] @ context.module.embedding[: table.shape[1]]

    def reading() -> AbstractContextManager:
        return nn.intercept_methods(read)

    def init(key: Array) -> Any:
        with reading():
            return model.init(key)

    def fit(key: Array, batch: Batch, state: Any) -> tuple[Any, dict[str, Array]]:
        words_key, fit_key = jax.random.split(key)
        drawn = reworded(words_key, batch.cond["label"], text.vocabulary)
        label = jnp.where(state.step < first_steps, drawn, batch.cond["label"])
        with reading():
            return model.fit(fit_key, batch._replace(cond=batch.cond | {"label": label}), state)

    def sample(key: Array, state: Any, cond: dict[str, Array], n: int) -> Batch:
        with reading():
            return model.sample(key, state, cond, n)

    return Model(init, fit, sample)


def reworded(key: Array, label: Array, words: Vocabulary) -> Array:
    """Captions [N] of the same meanings as those given [N], each any of those that may be trained on."""
    allowed = jnp.asarray(words.trained[words.meaning])
    return allowed[label, jax.random.randint(key, label.shape, 0, allowed.shape[1])]


def paraphrased(source: Source, words: Vocabulary) -> Source:
    """The same real data, every generation with captions drawn anew from those that may be trained on."""

    def real(key: Array, t: Array) -> Batch:
        words_key, source_key = jax.random.split(key)
        batch = source(source_key, t)
        return batch._replace(cond=batch.cond | {"label": reworded(words_key, batch.cond["label"], words)})

    return real
