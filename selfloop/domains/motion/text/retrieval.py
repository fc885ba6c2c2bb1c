"""R-precision: how often a motion finds its own caption among others (Guo et al., CVPR 2022).

Motions and captions are brought into one space by two heads, on the frozen latents of the evaluator and on the rows of
the captions, trained on real motion that the loop never sees so that each motion is nearest to its own captions.
Shapes: N motions, L latents, V captions, M meanings, R axes, S = 32 dimensions of the common space.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from scipy import stats

from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model.evaluator import Evaluator, embed
from selfloop.domains.motion.text.conditioning import Text, reworded
from selfloop.errors import ConfigError

CANDIDATES = 32
"""Captions that a motion chooses from, its own among them; all where the set has fewer meanings."""

TOP = (1, 2, 3)
"""R-precision is told for its own caption among so many nearest ones."""

STEPS, BATCH, RATE, WIDTH, S = 1000, 128, 3e-3, 128, 32


class _Towers(nn.Module):
    """The two heads, each with points of length 1, and the logarithm of the scale of their products."""

    @nn.compact
    def __call__(self, latent: Array, row: Array) -> tuple[Array, Array, Array]:
        """Latents [N, L] and rows [V, R]: points [N, S] and [V, S], and the scale."""
        motion = nn.Dense(S)(nn.gelu(nn.Dense(WIDTH)(latent)))
        scale = jnp.exp(self.param("scale", nn.initializers.constant(2.0), ()))
        return _unit(motion), _unit(nn.Dense(S)(row)), scale


def _unit(points: Array) -> Array:
    return points / jnp.sqrt((points**2).sum(-1, keepdims=True) + 1e-12)


class Retrieval(NamedTuple):
    """Trained heads and the captions they know."""

    params: Any
    text: Text


def train(key: Array, latents: Array, meaning: Array, text: Text) -> Retrieval:
    """Heads trained on latents [N, L] of real motions with these meanings [N], in seconds.

    Contrastive loss (InfoNCE, van den Oord et al. 2018): the cross-entropy of a motion's meaning among all M, by the
    scaled product of the motion's point with that of one caption of each, drawn anew every step from those that may be
    trained on. The key is consumed.
    """
    words = text.vocabulary
    init_key, scan_key = jax.random.split(key)
    params = _Towers().init(init_key, jnp.zeros((1, latents.shape[1])), jnp.zeros((1, text.rows.shape[1])))
    first = jnp.asarray(words.trained[:, 0])

    @jax.jit
    def fit(params: Any, latents: Array, meaning: Array, rows: Array) -> Any:
        optimiser = optax.adamw(optax.cosine_decay_schedule(RATE, STEPS), weight_decay=0.01)

        def loss_of(params: Any, key: Array) -> Array:
            motion_key, words_key = jax.random.split(key)
            pick = jax.random.randint(motion_key, (BATCH,), 0, latents.shape[0])
            motion, sentence, scale = _Towers().apply(params, latents[pick], rows[reworded(words_key, first, words)])
            logits = scale * motion @ sentence.T
            return optax.softmax_cross_entropy_with_integer_labels(logits, meaning[pick]).mean()

        def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], None]:
            params, state = carry
            slope = jax.grad(loss_of)(params, key)
            with jax.numpy_dtype_promotion("standard"):  # optax raises a Python float to an integer power
                change, state = optimiser.update(slope, state, params)
            return (optax.apply_updates(params, change), state), None

        return jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(scan_key, STEPS))[0][0]

    return Retrieval(fit(params, latents, meaning, jnp.asarray(text.rows)), text)


def trained_on(evaluator: Evaluator, cut: Windows, styles: Sequence[str], text: Text) -> Retrieval:
    """`train` with one fixed key on windows of clips that the loop never sees, those of them that it has captions for.

    Raises:
        ConfigError: if it has captions for none of them.
    """
    named = ((cut.names[label], style) for label, style in zip(cut.label, styles, strict=True))
    meaning = text.vocabulary.find(named)
    known = meaning >= 0
    if not known.any():
        raise ConfigError("no clip for the evaluator has a label and style of the loop's clips: use more data (--data)")
    latents = jax.jit(embed)(evaluator, jnp.asarray(cut.x[known]), jnp.asarray(cut.length[known]))
    return train(jax.random.key(0), latents, jnp.asarray(meaning[known]), text)


class Candidates(NamedTuple):
    """What `hits` needs of a `Retrieval`; a pytree."""

    params: Any
    rows: Array
    """Every caption on the principal axes [V, R]."""
    meaning: Array
    """Of each caption [V]."""
    others: Array
    """The caption of each meaning that no model trains on [M, R]."""
    chances: Array
    """`_chances` [M, 3]."""


def candidates(retrieval: Retrieval) -> Candidates:
    """The captions that motions choose from: `CANDIDATES` - 1 meanings beside their own, by held-out sentences."""
    words, rows = retrieval.text.vocabulary, jnp.asarray(retrieval.text.rows)
    table = jnp.asarray(_chances(len(words.meanings)))
    return Candidates(retrieval.params, rows, jnp.asarray(words.meaning), rows[jnp.asarray(words.held_out)], table)


def hits(on: Candidates, latents: Array, caption: Array) -> dict[str, Array]:
    """How well motions of latents [N, L] find their captions [N] (places in the vocabulary), each alone [N].

    ``r_precision_1``, ``_2``, ``_3``: how likely the own caption is among the 1, 2, 3 nearest, not for one draw of
    others but in expectation over all, which is exact: where g of the M - 1 others are nearer, the number of these
    among the drawn is hypergeometric. Chance is k / 32. ``matching``: the distance of motion and caption, 0 to 2. NaN
    for a caption of -1.
    """
    motion, asked, _ = _Towers().apply(on.params, latents, on.rows[caption])
    rest = _Towers().apply(on.params, latents[:1], on.others)[1]
    near = (motion * asked).sum(-1)
    other = jnp.arange(rest.shape[0], dtype=on.meaning.dtype)[None] != on.meaning[caption][:, None]
    # A caption just as near, but for rounding, counts as nearer: nothing is won by making all captions one.
    nearer = (motion @ rest.T >= near[:, None] - 1e-6) & other
    found = on.chances[nearer.sum(-1)]
    values = {f"r_precision_{k}": found[:, i] for i, k in enumerate(TOP)}
    values["matching"] = jnp.sqrt(jnp.maximum(2 - 2 * near, 0))
    return {name: jnp.where(caption >= 0, value, jnp.nan) for name, value in values.items()}


def _chances(meanings: int) -> np.ndarray:
    """[M, 3] float32: with g = 0..M-1 of the M - 1 others nearer, how likely fewer than k of them are drawn."""
    others = meanings - 1
    drawn = min(CANDIDATES - 1, others)
    return stats.hypergeom(others, np.arange(meanings)[:, None], drawn).cdf(np.array(TOP)[None] - 1).astype(np.float32)
