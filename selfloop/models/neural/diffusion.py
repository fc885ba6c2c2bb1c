"""Denoising diffusion: the noise schedule, the training loss and the DDIM sampler, for every domain.

A noisy sample at level u in (0, 1) is

    x_u = cos(pi u / 2) x_0 + sin(pi u / 2) noise

(cosine schedule, Nichol and Dhariwal 2021, in continuous time). The network predicts x_0, as in the motion diffusion
model of Tevet et al. (ICLR 2023). Samples are standardised tables: the frequencies of a motion, the rows of an image,
a point as one row. Those that all have one length are given none. Shapes: B samples, T rows, D features.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Predict = Callable[[Array, Array, Array, Array | None], Array]
"""``predict(noisy [B, T, D], level [B], label [B], length [B]) -> x_0 [B, T, D]``; where there are no lengths, the
sampler gives one level [] for all samples."""


def noised(x: Array, noise: Array, level: Array) -> Array:
    """x_u of samples x [B, T, D] at ``level`` u [B], or [] for all."""
    angle = (jnp.pi / 2 * level).reshape(-1, 1, 1)
    return jnp.cos(angle) * x + jnp.sin(angle) * noise


def loss(
    key: Array, predict: Predict, x: Array, label: Array, length: Array | None, *, unlabelled: int, drop: float
) -> Array:
    """Mean squared error of the predicted x_0 at random levels.

    A share ``drop`` of the labels is replaced by ``unlabelled``, so that one network serves both branches of
    classifier-free guidance (Ho and Salimans 2022).
    """
    key_level, key_noise, key_drop = jax.random.split(key, 3)
    # Stratified levels: one in each of B equal intervals, for less noise between steps.
    offsets = jax.random.uniform(key_level, (x.shape[0],), x.dtype)
    level = (jnp.arange(x.shape[0], dtype=x.dtype) + offsets) / x.shape[0]
    noise = jax.random.normal(key_noise, x.shape, x.dtype)
    label = jnp.where(jax.random.bernoulli(key_drop, drop, label.shape), unlabelled, label)
    return jnp.mean((predict(noised(x, noise, level), level, label, length) - x) ** 2)


def guided(predict: Predict, guidance: float, unlabelled: int) -> Predict:
    """Classifier-free guidance: ``x_0(no label) + guidance (x_0(label) - x_0(no label))`` at twice the cost."""

    def both(noisy: Array, level: Array, label: Array, length: Array | None) -> Array:
        twice = jax.tree.map(lambda a: jnp.concatenate([a, a]) if a.ndim else a, (noisy, level, length))
        labels = jnp.concatenate([label, jnp.full_like(label, unlabelled)])
        with_label, without = jnp.split(predict(twice[0], twice[1], labels, twice[2]), 2)
        return without + guidance * (with_label - without)

    return both


def ddim(
    key: Array,
    predict: Predict,
    label: Array,
    length: Array | None,
    shape: tuple[int, int],
    steps: int,
    temperature: float = 1.0,
) -> Array:
    """Deterministic DDIM (Song et al. 2021) from noise to samples [B, T, D] in ``steps`` steps. Consumes the key.

    The noise has standard deviation ``temperature``: below 1, samples are of the law's middle.
    """
    noise = temperature * jax.random.normal(key, (label.shape[0], *shape), jnp.float32)
    return denoised(predict, noise, 1.0, label, length, steps)


def denoised(predict: Predict, x: Array, level: float, label: Array, length: Array | None, steps: int) -> Array:
    """DDIM from x_u [B, T, D] at ``level`` u down to samples [B, T, D] in ``steps`` steps, one scan.

    Going from level u to v: noise = (x_u - cos(pi u/2) x_0) / sin(pi u/2), then x_v from x_0 and that noise.
    """
    levels = jnp.linspace(level, 0.0, steps + 1, dtype=jnp.float32)

    def step(x: Array, pair: tuple[Array, Array]) -> tuple[Array, None]:
        here, there = pair if length is None else (jnp.full((x.shape[0],), level) for level in pair)
        clean = predict(x, here, label, length)
        angle = jnp.pi / 2 * pair[0]
        noise = (x - jnp.cos(angle) * clean) / jnp.sin(angle)
        return noised(clean, noise, there), None

    return jax.lax.scan(step, x, (levels[:-1], levels[1:]))[0]
