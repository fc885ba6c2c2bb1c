"""Variational autoencoder of images from 0 to 1 (Kingma and Welling 2014): networks, bound, and models of the loop.

Every fit is a new network from its own key, as in Shumailov et al. (2024). A *decoder mean* is what that paper calls a
sample; a draw of the model has the decoder's own noise beside it. The negative bound, in nats an image, is

    sum of binary cross-entropies + KL(N(mean, exp(log variance)) || N(0, I))

Shapes: N images, B images a step, H rows, W columns, L latents.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.models.neural.slices import Convolution, Transposed
from selfloop.models.neural.training import draw_rows, updated
from selfloop.protocols import Model

Draw = Literal["mean", "bernoulli", "gaussian"]
Latents = Literal["prior", "posterior"]
SEEN = 1024
"""Training images behind the aggregate posterior and the residual."""


@dataclass(frozen=True)
class VAEConfig:
    """How the network is built, trained and sampled."""

    shape: tuple[int, int] = (28, 28)
    network: Literal["small", "shumailov"] = "small"
    """small: two hidden layers of ``width`` on each side; shumailov: that paper's convolutions (28 x 28 only)."""
    latents: int = 20
    width: int = 256
    batch: int = 128
    steps: int = 1000
    rate: float = 2e-3
    """Of Adam, falling by a cosine to a twentieth."""
    draw: Draw = "mean"
    """mean: the decoder's mean; bernoulli: black and white pixels drawn from it; gaussian: the mean with noise of the
    residual's own size."""
    start: Latents = "prior"
    """Where latents are drawn: N(0, I), or a Gaussian fitted to the posterior means and variances of the training set
    (the aggregate posterior)."""


class VAEState(NamedTuple):
    """The model between two generations."""

    params: Any
    mean: Array
    """Of the aggregate posterior [L]."""
    deviation: Array
    """Of the aggregate posterior [L]."""
    residual: Array
    """Root mean square of what the decoder's mean misses, a scalar."""
    fitted: Array
    """Whether it is trained, a bool."""


class Small(nn.Module):
    """Two hidden layers on each side."""

    config: VAEConfig

    def setup(self) -> None:
        """Layers."""
        c = self.config
        self.into: list[nn.Dense] = [nn.Dense(c.width), nn.Dense(c.width), nn.Dense(2 * c.latents)]
        self.out: list[nn.Dense] = [nn.Dense(c.width), nn.Dense(c.width), nn.Dense(c.shape[0] * c.shape[1])]

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Images [B, H, W]: mean and log variance [B, L]."""
        x = x.reshape(len(x), -1)
        for layer in self.into[:-1]:
            x = nn.relu(layer(x))
        mean, log_variance = jnp.split(self.into[-1](x), 2, -1)
        return mean, log_variance

    def decode(self, z: Array) -> Array:
        """Latents [B, L]: logits [B, H, W]."""
        for layer in self.out[:-1]:
            z = nn.relu(layer(z))
        return self.out[-1](z).reshape(-1, *self.config.shape)

    def __call__(self, x: Array) -> Array:
        """Both, for the shapes."""
        return self.decode(self.encode(x)[0])


class Shumailov(nn.Module):
    """Convolutions of side 4 and stride 2 with 64 and 128 channels: 647,081 weights at 28 x 28 and 20 latents."""

    config: VAEConfig

    def setup(self) -> None:
        """Layers."""
        c = self.config
        self.small: tuple[int, int] = c.shape[0] // 4, c.shape[1] // 4
        self.into: list[Convolution] = [Convolution(64, 4, 2), Convolution(128, 4, 2)]
        self.mean: nn.Dense = nn.Dense(c.latents)
        self.log_variance: nn.Dense = nn.Dense(c.latents)
        self.wide: nn.Dense = nn.Dense(self.small[0] * self.small[1] * 128)
        self.out: list[Transposed] = [Transposed(64), Transposed(1)]

    def encode(self, x: Array) -> tuple[Array, Array]:
        """Images [B, H, W]: mean and log variance [B, L]."""
        x = x[..., None]
        for layer in self.into:
            x = nn.relu(layer(x))
        x = x.reshape(len(x), -1)
        return self.mean(x), self.log_variance(x)

    def decode(self, z: Array) -> Array:
        """Latents [B, L]: logits [B, H, W]."""
        x = nn.relu(self.wide(z)).reshape(-1, *self.small, 128)
        return self.out[1](nn.relu(self.out[0](x)))[..., 0]

    def __call__(self, x: Array) -> Array:
        """Both, for the shapes."""
        return self.decode(self.encode(x)[0])


NETWORKS: dict[str, Callable[[VAEConfig], nn.Module]] = {"small": Small, "shumailov": Shumailov}


def negative_bound(network: nn.Module, key: Array, params: Any, x: Array) -> Array:
    """Mean negative evidence lower bound of images [B, H, W], in nats an image. The key is consumed."""
    mean, log_variance = network.apply(params, x, method="encode")
    z = mean + jnp.exp(log_variance / 2) * jax.random.normal(key, mean.shape, mean.dtype)
    logits = network.apply(params, z, method="decode")
    missed = optax.sigmoid_binary_cross_entropy(logits, x).sum((1, 2))
    apart = -0.5 * (1 + log_variance - mean**2 - jnp.exp(log_variance)).sum(1)
    return (missed + apart).mean()


Minibatch = Callable[[Array, Batch, VAEState], Array]
"""``minibatch(key, batch, state)``: images [B, H, W] of one step; the state is the last generation's."""


def vae(config: VAEConfig) -> Model:
    """The model: a new network for every fit, trained on minibatches of the batch by weight. ``cond`` is not seen."""
    return _model(config, lambda key, batch, state: batch.x[draw_rows(key, batch.weight, config.batch)])


def endless(config: VAEConfig) -> Model:
    """The same as Shumailov et al. run it: once it is trained, every minibatch is drawn anew from the last decoder.

    A generation then sees as many different samples as it has steps times B, and its batch is not used: what is lost
    is the model's own doing, not that of a finite sample.
    """

    def minibatch(key: Array, batch: Batch, state: VAEState) -> Array:
        key_rows, key_draw = jax.random.split(key)
        real = batch.x[draw_rows(key_rows, batch.weight, config.batch)]
        return jnp.where(state.fitted, _drawn(config, key_draw, state, config.batch), real)

    return _model(config, minibatch)


def _model(config: VAEConfig, minibatch: Minibatch) -> Model:
    network = NETWORKS[config.network](config)
    optimiser = optax.adam(optax.cosine_decay_schedule(config.rate, config.steps, 0.05))

    @jax.jit
    def init(key: Array) -> VAEState:
        blank, one = jnp.zeros(config.latents), jnp.ones(config.latents)
        params = network.init(key, jnp.zeros((1, *config.shape)))
        return VAEState(params, blank, one, jnp.zeros(()), jnp.zeros((), bool))

    @jax.jit
    def fit(key: Array, batch: Batch, old: VAEState) -> tuple[VAEState, dict[str, Array]]:
        key_init, key_steps, key_seen = jax.random.split(key, 3)

        def step(carry: tuple[Any, Any], key: Array) -> tuple[tuple[Any, Any], Array]:
            params, moments = carry
            key_batch, key_loss = jax.random.split(key)
            x = minibatch(key_batch, batch, old)
            value, slope = jax.value_and_grad(partial(negative_bound, network, key_loss))(params, x)
            return updated(optimiser, slope, moments, params), value

        new = init(key_init)
        keys = jax.random.split(key_steps, config.steps)
        (params, _), losses = jax.lax.scan(step, (new.params, optimiser.init(new.params)), keys)
        seen = batch.x[draw_rows(key_seen, batch.weight, SEEN)]
        mean, log_variance = network.apply(params, seen, method="encode")
        spread = jnp.sqrt(mean.var(0) + jnp.exp(log_variance).mean(0))
        missed = jax.nn.sigmoid(network.apply(params, mean, method="decode")) - seen
        info = {"loss": jnp.mean(losses[-max(1, config.steps // 4) :])}
        return VAEState(params, mean.mean(0), spread, jnp.sqrt((missed**2).mean()), jnp.ones((), bool)), info

    @partial(jax.jit, static_argnames="n")
    def draw(key: Array, state: VAEState, n: int) -> Array:
        return _drawn(config, key, state, n)

    def sample(key: Array, state: VAEState, cond: Any, n: int) -> Batch:
        return uniform(draw(key, state, n), cond)

    return Model(init, fit, sample)


def _drawn(config: VAEConfig, key: Array, state: VAEState, n: int) -> Array:
    """Samples [N, H, W] as the config says."""
    key_latent, key_noise = jax.random.split(key)
    z = jax.random.normal(key_latent, (n, config.latents))
    if config.start == "posterior":
        z = state.mean[None] + state.deviation[None] * z
    network = NETWORKS[config.network](config)
    mean = jax.nn.sigmoid(network.apply(state.params, z, method="decode"))
    return DRAWS[config.draw](key_noise, mean, state.residual)


DRAWS: dict[str, Callable[[Array, Array, Array], Array]] = {
    "mean": lambda key, mean, residual: mean,
    "bernoulli": lambda key, mean, residual: jax.random.bernoulli(key, mean).astype(mean.dtype),
    "gaussian": lambda key, mean, residual: jnp.clip(
        mean + residual * jax.random.normal(key, mean.shape, mean.dtype), 0, 1
    ),
}
"""``draw(key, mean [N, H, W], residual)``: images from the decoder's mean."""
