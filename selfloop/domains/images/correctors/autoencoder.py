"""Projection by a denoising autoencoder (Vincent et al. 2008): an image becomes what 16 numbers of it can hold.

It is trained on images that neither loop, reference nor evaluators see, once, and kept in the user's cache.
Shapes: N samples, B images a step, H rows, W columns.
"""

import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.correctors.strength import report
from selfloop.domains.images.data.images import Images
from selfloop.models.neural import training
from selfloop.models.neural.cached import cached, trained_once
from selfloop.models.neural.training import updated
from selfloop.protocols import Corrector

CHUNK = 500


@dataclass(frozen=True)
class AutoencoderConfig:
    """How it is built and trained."""

    latents: int = 16
    width: int = 256
    noise: float = 0.2
    """Standard deviation of the noise on what it is shown."""
    steps: int = 2000
    batch: int = 128
    rate: float = 2e-3


class Autoencoder(nn.Module):
    """One hidden layer on each side."""

    config: AutoencoderConfig

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Images [B, H, W] again."""
        h = nn.gelu(nn.Dense(self.config.width)(x.reshape(len(x), -1)))
        h = nn.gelu(nn.Dense(self.config.width)(nn.Dense(self.config.latents)(h)))
        return nn.sigmoid(nn.Dense(x.shape[1] * x.shape[2])(h)).reshape(x.shape)


def autoencoder(others: Images, config: AutoencoderConfig | None = None) -> Corrector:
    """Each image becomes what the autoencoder of ``others`` makes of it."""
    config = config or AutoencoderConfig()
    params = _load_or_train(others, config)
    project = jax.jit(lambda x: Autoencoder(config).apply(params, x))

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        x = in_chunks(project, CHUNK, batch.x)
        return batch._replace(x=x), report(batch, x)

    return correct


def _load_or_train(others: Images, config: AutoencoderConfig) -> Any:
    modules = sys.modules[__name__], training
    path = cached("images_autoencoder", (others.x, config), modules).with_suffix(".msgpack")
    like = jax.eval_shape(lambda: Autoencoder(config).init(jax.random.key(0), jnp.asarray(others.x[:1])))
    return trained_once(path, like, lambda: _trained(jax.random.key(0), jnp.asarray(others.x), config))


@partial(jax.jit, static_argnames="config")
def _trained(key: Array, x: Array, config: AutoencoderConfig) -> Any:
    network, (key_init, key_steps) = Autoencoder(config), jax.random.split(key)
    optimiser = optax.adamw(optax.cosine_decay_schedule(config.rate, config.steps), weight_decay=0.01)

    def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], None]:
        params, moments = carry
        key_rows, key_noise = jax.random.split(key)
        some = x[jax.random.randint(key_rows, (config.batch,), 0, len(x))]
        noisy = some + config.noise * jax.random.normal(key_noise, some.shape)
        slope = jax.grad(lambda params: ((network.apply(params, noisy) - some) ** 2).mean())(params)
        return updated(optimiser, slope, moments, params), None

    params = network.init(key_init, x[:1])
    return jax.lax.scan(step, (params, optimiser.init(params)), jax.random.split(key_steps, config.steps))[0][0]
