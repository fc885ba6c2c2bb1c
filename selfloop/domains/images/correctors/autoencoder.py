"""Projection by a denoising autoencoder (Vincent et al. 2008): an image becomes what 16 numbers of it can hold.

It is trained on images that neither loop, reference nor evaluators see, once, and kept in the user's cache.
Shapes: N samples, B images a step, H rows, W columns, L latents.
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

    shape: tuple[int, int]

    def setup(self) -> None:
        """Layers."""
        c, (rows, columns) = self.config, self.shape
        self.into: tuple[nn.Dense, nn.Dense] = nn.Dense(c.width), nn.Dense(c.latents)
        self.out: tuple[nn.Dense, nn.Dense] = nn.Dense(c.width), nn.Dense(rows * columns)

    def encode(self, x: Array) -> Array:
        """Images [B, H, W]: latents [B, L]."""
        return self.into[1](nn.gelu(self.into[0](x.reshape(len(x), -1))))

    def decode(self, z: Array) -> Array:
        """Latents [B, L]: images [B, H, W]."""
        return nn.sigmoid(self.out[1](nn.gelu(self.out[0](z)))).reshape(-1, *self.shape)

    def __call__(self, x: Array) -> Array:
        """Images [B, H, W] again."""
        return self.decode(self.encode(x))


def autoencoder(others: Images, config: AutoencoderConfig | None = None) -> Corrector:
    """Each image becomes what the autoencoder of ``others`` makes of it."""
    network, params = load_or_train(others, config or AutoencoderConfig())
    project = jax.jit(lambda x: network.apply(params, x))

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        x = in_chunks(project, CHUNK, batch.x)
        return batch._replace(x=x), report(batch, x)

    return correct


def load_or_train(others: Images, config: AutoencoderConfig) -> tuple[Autoencoder, Any]:
    """The autoencoder of ``others`` and its weights, from the user's cache where it was trained before."""
    modules, network = (sys.modules[__name__], training), Autoencoder(config, others.x.shape[1:])
    path = cached("images_autoencoder", (others.x, config), modules).with_suffix(".msgpack")
    like = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.asarray(others.x[:1])))
    return network, trained_once(path, like, lambda: _trained(jax.random.key(0), jnp.asarray(others.x), network))


@partial(jax.jit, static_argnames="network")
def _trained(key: Array, x: Array, network: Autoencoder) -> Any:
    config, (key_init, key_steps) = network.config, jax.random.split(key)
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
