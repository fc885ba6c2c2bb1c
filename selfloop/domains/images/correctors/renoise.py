"""Partial re-noising (SDEdit, Meng et al. 2022): a diffusion model of other real images makes an image anew in part.

    x_u = cos(pi u / 2) x_0 + sin(pi u / 2) noise,    then DDIM from level u to 0 under the image's label

The model is the loop's own kind, trained on images that neither loop, reference nor evaluators see, once, and kept in
the user's cache. Shapes: N samples, H rows, W columns.
"""

import sys
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.domains.images import model as models
from selfloop.domains.images.data.images import Images
from selfloop.errors import ConfigError
from selfloop.models.neural import denoiser, diffusion, training
from selfloop.models.neural.cached import cached, trained_once
from selfloop.protocols import Corrector

CHUNK = 500


@dataclass(frozen=True)
class PriorConfig:
    """How the model is built and trained."""

    width: int = 256
    layers: int = 3
    steps: int = 3000


def renoise(others: Images, level: float = 0.5, steps: int = 5, config: PriorConfig | None = None) -> Corrector:
    """Each image is noised up to ``level`` and denoised in ``steps`` steps; one without label as of any class.

    Raises:
        ConfigError: a level outside (0, 1].
    """
    if not 0 < level <= 1:
        raise ConfigError(f"level is {level}; an image is noised by a level over 0 (not at all) and up to 1 (fully)")
    subject, params = _load_or_train(others, config or PriorConfig())

    @jax.jit
    def anew(noise: Array, x: Array, label: Array) -> Array:
        x = subject.given(x)
        predict = lambda *args: subject.network.apply(params, *args)  # noqa: E731
        noisy = diffusion.noised(x, noise, jnp.full(len(x), level))
        return subject.shown(diffusion.denoised(predict, noisy, level, label, None, steps))

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        noise = jax.random.normal(key, batch.x.shape, batch.x.dtype)
        label = jnp.full(batch.capacity, subject.classes, jnp.int32) if batch.cond is None else batch.cond
        x = in_chunks(anew, CHUNK, noise, batch.x, label)
        return batch._replace(x=x), report(batch, x)

    return correct


def _load_or_train(others: Images, config: PriorConfig) -> tuple[models.Pixels, Any]:
    """The network with its scale, and its averaged weights."""
    modules = sys.modules[__name__], models, training, denoiser, diffusion
    path = cached("images_prior", (others.x, others.label, config), modules).with_suffix(".msgpack")
    pixels = models.pixels(others.x, others.classes, config.width, config.layers)
    settings = training.Training(batch=128, first_steps=config.steps, steps=config.steps)
    model = training.trained(models.diffusion_of(pixels, guidance=1.0, sample_steps=10), settings)
    like = jax.eval_shape(model.init, jax.random.key(0)).average

    def train() -> Any:
        key_init, key_fit = jax.random.split(jax.random.key(0))
        real = uniform(jnp.asarray(others.x), jnp.asarray(others.label))
        return model.fit(key_fit, real, model.init(key_init))[0].average

    return pixels, trained_once(path, like, train, f"a model of {len(others.x)} other images")
