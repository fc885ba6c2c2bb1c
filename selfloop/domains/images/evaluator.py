"""The evaluators of images: two small networks trained once on images that nothing else sees, then frozen and kept.

``latents``: 32 numbers from which one head tells the class and another draws the image again, so that they hold how an
image is drawn as well as what it shows. ``classifier``: the 84 numbers before the logits of a classifier alone, the
kind of features that the papers take, which is kind to samples that only became easier to classify. Each number has
unit variance over the images that the network was trained on.
Shapes: N images, B images a step, H rows, W columns, L latents, K classes.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from scipy.ndimage import affine_transform

from selfloop.chunks import in_chunks
from selfloop.domains.images.data.images import Images
from selfloop.metrics.scale import Scale, scale_of, standardise
from selfloop.models.neural import slices, training
from selfloop.models.neural.cached import cached, trained_once
from selfloop.models.neural.slices import Convolution, halved
from selfloop.models.neural.training import updated

COPIES = 8
"""Distorted copies of each image, beside itself, in training; of many images fewer, one at least."""
COPIED = 16_000
"""Distorted copies in all: the 14,000 images of a whole MNIST need no more."""
TURN, STRETCH, SHIFT = 0.12, 0.08, 1 / 28
"""Standard deviations of a copy's angle (radians) and of the logarithm of its size; its greatest shift, in sides."""
CHUNK = 500


@dataclass(frozen=True)
class EvaluatorConfig:
    """How an evaluator is built and trained."""

    latents: int = 32
    redraws: bool = True
    """Whether a second head draws the image again."""
    steps: int = 800
    batch: int = 128
    rate: float = 2e-3
    """Peak learning rate of AdamW."""


PRIMARY, PAPERS = EvaluatorConfig(), EvaluatorConfig(latents=84, redraws=False)


class Network(nn.Module):
    """Two convolutions and two layers to the latents, and a head or two."""

    config: EvaluatorConfig
    classes: int

    @nn.compact
    def __call__(self, x: Array) -> tuple[Array, Array, Array]:
        """Images [B, H, W]: latents [B, L], logits [B, K] and the images drawn again (zeros where they are not)."""
        h = halved(nn.relu(Convolution(8, 5)(x[..., None])))
        h = halved(nn.relu(Convolution(24, 3)(h)))
        z = nn.Dense(self.config.latents)(nn.relu(nn.Dense(128)(h.reshape(len(h), -1))))
        logits = nn.Dense(self.classes)(z if self.config.redraws else nn.relu(z))
        if not self.config.redraws:
            return z, logits, jnp.zeros_like(x)
        again = nn.Dense(x.shape[1] * x.shape[2])(nn.gelu(nn.Dense(256)(z)))
        return z, logits, again.reshape(x.shape)


@partial(jax.tree_util.register_dataclass, data_fields=["params", "scale"], meta_fields=["config", "classes"])
@dataclass(frozen=True)
class Evaluator:
    """A trained network: arrays as a pytree, the rest static."""

    params: Any
    scale: Scale
    """Of the raw latents."""
    config: EvaluatorConfig
    classes: int


def seen(evaluator: Evaluator, x: Array) -> tuple[Array, Array]:
    """Standardised latents [N, L] and logits [N, K] of images [N, H, W]."""
    z, logits, _ = Network(evaluator.config, evaluator.classes).apply(evaluator.params, x)
    return standardise(z, evaluator.scale), logits


def load_or_train(found: Images, config: EvaluatorConfig) -> Evaluator:
    """`train` with one fixed key, from the user's cache folder where it was trained before."""
    path = cached("images_evaluator", (found.x, found.label, config), _modules()).with_suffix(".msgpack")
    like = jax.eval_shape(lambda: _blank(jax.random.key(0), found, config))
    train_now = lambda: train(jax.random.key(0), found, config)  # noqa: E731
    return trained_once(path, like, train_now, f"an evaluator on {len(found.x)} images")


def accuracy(evaluator: Evaluator, found: Images) -> float:
    """Share of images whose class is recognised."""
    logits = in_chunks(jax.jit(lambda x: seen(evaluator, x)[1]), CHUNK, jnp.asarray(found.x))
    return float((np.asarray(logits).argmax(1) == found.label).mean())


def train(key: Array, found: Images, config: EvaluatorConfig) -> Evaluator:
    """Train on images and distorted copies of them. The key is consumed, the result depends on nothing else."""
    x = distorted(found.x)
    label = np.tile(found.label, len(x) // len(found.x))
    params = _fit(key, jnp.asarray(x), jnp.asarray(label), config, found.classes)
    blank = Scale(jnp.zeros(config.latents), jnp.ones(config.latents))
    raw = in_chunks(
        jax.jit(lambda x: seen(Evaluator(params, blank, config, found.classes), x)[0]), CHUNK, jnp.asarray(found.x)
    )
    return Evaluator(params, scale_of(raw), config, found.classes)


def distorted(x: np.ndarray) -> np.ndarray:
    """Images [N, H, W], and c turned, stretched and shifted copies of each: [(c + 1) N, H, W], c `COPIES` or fewer."""
    random, side = np.random.default_rng(0), x.shape[1]
    middle, found = (side - 1) / 2, [x]
    for _ in range(min(COPIES, max(1, COPIED // len(x)))):
        copy = np.empty_like(x)
        for i, image in enumerate(x):
            angle, size = TURN * random.normal(), np.exp(STRETCH * random.normal())
            cosine, sine = size * np.cos(angle), size * np.sin(angle)
            matrix = np.array([[cosine, -sine], [sine, cosine]])
            shift = middle - matrix @ np.full(2, middle) + SHIFT * side * random.uniform(-1, 1, 2)
            copy[i] = affine_transform(image, matrix, shift, order=1)
        found.append(copy)
    return np.concatenate(found)


@partial(jax.jit, static_argnames=("config", "classes"))
def _fit(key: Array, x: Array, label: Array, config: EvaluatorConfig, classes: int) -> Any:
    """Weights after training, in one scan."""
    network, (key_init, key_steps) = Network(config, classes), jax.random.split(key)
    rate = optax.warmup_cosine_decay_schedule(0.0, config.rate, config.steps // 20 + 1, config.steps + 1)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=0.01))
    variance = x.var()

    def loss(params: Any, rows: Array) -> Array:
        _, logits, again = network.apply(params, x[rows])
        wrong = optax.softmax_cross_entropy_with_integer_labels(logits, label[rows]).mean()
        missed = ((again - x[rows]) ** 2).mean() / variance
        return wrong + missed if config.redraws else wrong

    def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], None]:
        params, moments = carry
        slope = jax.grad(loss)(params, jax.random.randint(key, (config.batch,), 0, len(x)))
        return updated(optimiser, slope, moments, params), None

    params = network.init(key_init, x[:1])
    return jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(key_steps, config.steps))[0][0]


def _blank(key: Array, found: Images, config: EvaluatorConfig) -> Evaluator:
    """An evaluator of the right shapes."""
    blank = Scale(jnp.zeros(config.latents), jnp.zeros(config.latents))
    params = Network(config, found.classes).init(key, jnp.zeros((1, *found.x.shape[1:])))
    return Evaluator(params, blank, config, found.classes)


def _modules() -> tuple[Any, ...]:
    """The modules whose code decides what is trained."""
    import sys

    return sys.modules[__name__], slices, training
