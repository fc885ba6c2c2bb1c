"""Decoder-only transformer with rotary positions: a language model with exact likelihood and cached sampling.

    p(x) = prod_t p(x_t | x_0 .. x_{t-1}),    p(. | past) = softmax(E norm(h_t))

with one table E for the tokens that come in and go out (Press and Wolf, 2017), root-mean-square norms before every
branch (Zhang and Sennrich, 2019), and positions as rotations of queries and keys (Su et al., 2021). One function
serves training (all T places at once) and sampling (one place; keys and values of those before it are in a cache).
Weights, residual branches, norms and logits are float32; what the branches multiply may be bfloat16.

Token 0 starts and ends a document. Shapes: N documents, T tokens, P places at a time, V symbols, W width, H heads.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.errors import ConfigError
from selfloop.models.neural.denoiser import Compute, precision
from selfloop.models.neural.training import Subject, Training, trained
from selfloop.models.sequences import END, counted
from selfloop.protocols import Model

Caches = tuple[Array, ...]
"""Of every layer the keys and values [2, N, T, H, W / H] of the places seen so far, 0 elsewhere."""
BASE = 10_000.0
"""Of the rotations' wavelengths."""
EXPAND = 4
"""Width of a perceptron's hidden layer over W."""
WRITTEN, READ = 2048, 64
"""Documents that are written, and whose likelihood is computed, at a time."""


@dataclass(frozen=True)
class TransformerConfig:
    """The size of the network."""

    symbols: int
    """V, the end among them."""
    length: int
    """T."""
    width: int = 64
    layers: int = 2
    heads: int = 4
    compute: Compute = "auto"
    """What the branches multiply in; auto: bfloat16 on an accelerator, float32 on a CPU."""


def transformer(config: TransformerConfig, training: Training, temperature: float = 1.0) -> Model:
    """The model of documents int32 [N, T], trained as every network here (`training.trained`).

    Sampling draws each token by ``p^(1/temperature)``; ``log_prob`` [N] (nats) is that of temperature 1 and of the
    averaged weights, which are those that sample. ConfigError for sizes or temperatures that cannot be.
    """
    check(config, temperature)
    network = Decoder(config)

    def init(key: Array) -> Any:
        return network.init(key, jnp.zeros((1, 1), jnp.int32), blank(config, 1), 0)

    def sample(key: Array, params: Any, cond: None, n: int) -> Array:
        return written(key, network, params, n, temperature)

    def likelihood(state: Any, x: Array) -> Array:
        one = lambda row: log_probs(network, state.average, row[None])[0].sum()  # noqa: E731
        return jax.lax.map(one, x, batch_size=READ)

    return trained(Subject(init, lambda key, params, x, cond: loss(network, params, x), sample), training)._replace(
        log_prob=likelihood
    )


def check(config: TransformerConfig, temperature: float) -> None:
    """ConfigError for sizes and temperatures that cannot be."""
    if not temperature > 0:
        raise ConfigError(f"the temperature is {temperature}; give a number above 0")
    for name, least in (("symbols", 2), ("length", 1), ("width", 2), ("layers", 1), ("heads", 1)):
        if (value := getattr(config, name)) < least:
            raise ConfigError(f"the transformer's {name} is {value}; give {least} or more")
    if config.width % (2 * config.heads):
        raise ConfigError(
            f"a transformer of width {config.width} with {config.heads} heads: give a width that is a multiple of "
            f"{2 * config.heads}, twice the heads"
        )


def blank(config: TransformerConfig, n: int) -> Caches:
    """The caches of n documents before their first token."""
    shape = (2, n, config.length, config.heads, config.width // config.heads)
    return (jnp.zeros(shape, precision(config.compute)),) * config.layers


def log_probs(network: "Decoder", params: Any, tokens: Array) -> Array:
    """Log-probability of every token of documents given those before it [N, T], 0 behind the end; nats."""
    before = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)), constant_values=END)
    logits, _ = network.apply(params, before, blank(network.config, len(tokens)), 0)
    each = jnp.take_along_axis(jax.nn.log_softmax(logits), tokens[:, :, None], 2)[:, :, 0]
    return jnp.where(counted(tokens), each, 0)


def loss(network: "Decoder", params: Any, tokens: Array) -> Array:
    """Nats a token of documents [N, T], ends counted."""
    return -log_probs(network, params, tokens).sum() / counted(tokens).sum().astype(jnp.float32)


def written(key: Array, network: "Decoder", params: Any, n: int, temperature: float = 1.0) -> Array:
    """n documents int32 [n, T], token by token with cached keys and values, `WRITTEN` at a time. Consumes the key."""
    size = min(n, WRITTEN)
    some = partial(_written, network, params, size, temperature)
    found = jax.lax.map(some, jax.random.split(key, -(-n // size)))
    return found.reshape(-1, network.config.length)[:n]


def _written(network: "Decoder", params: Any, n: int, temperature: float, key: Array) -> Array:
    def step(carry: tuple[Array, Array, Caches], now: tuple[Array, Array]) -> tuple[tuple, Array]:
        last, ended, caches = carry
        at, key = now
        logits, caches = network.apply(params, last[:, None], caches, at)
        drawn = jax.random.categorical(key, logits[:, 0] / temperature).astype(jnp.int32)
        token = jnp.where(ended, END, drawn)
        return (token, ended | (token == END), caches), token

    length = network.config.length
    start = jnp.full(n, END, jnp.int32), jnp.zeros(n, bool), blank(network.config, n)
    steps = jnp.arange(length, dtype=jnp.int32), jax.random.split(key, length)
    return jax.lax.scan(step, start, steps)[1].T


class Norm(nn.Module):
    """Root-mean-square norm: ``x / sqrt(mean x^2) * scale``."""

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Tokens [N, P, W], float32."""
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        return x * jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + 1e-6) * scale[None, None]


class Block(nn.Module):
    """Causal self-attention and a perceptron, each a residual branch."""

    heads: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, cache: Array, at: Array | int) -> tuple[Array, Array]:
        """Tokens [N, P, W] at the places at, at + 1, ...: what becomes of them, and the cache with them."""
        size, width = x.shape[:2], x.shape[-1]
        dense = partial(nn.Dense, use_bias=False, dtype=self.dtype)
        places = at + jnp.arange(size[1], dtype=jnp.int32)
        three = dense(3 * width)(Norm()(x).astype(self.dtype)).reshape(*size, 3, self.heads, width // self.heads)
        query, key = (rotated(three[:, :, i], places) for i in (0, 1))
        cache = jax.lax.dynamic_update_slice(cache, jnp.stack([key, three[:, :, 2]]), (0, 0, at, 0, 0))
        past = jnp.arange(cache.shape[2], dtype=jnp.int32)[None] <= places[:, None]
        seen = jax.nn.dot_product_attention(query, cache[0], cache[1], mask=past[None, None])
        x = x + dense(width)(seen.reshape(*size, width)).astype(x.dtype)
        hidden = nn.gelu(dense(EXPAND * width)(Norm()(x).astype(self.dtype)))
        return x + dense(width)(hidden).astype(x.dtype), cache


class Decoder(nn.Module):
    """The network: tokens and the caches of those before them to logits."""

    config: TransformerConfig

    @nn.compact
    def __call__(self, tokens: Array, caches: Caches, at: Array | int) -> tuple[Array, Caches]:
        """Tokens [N, P] at the places at, at + 1, ...: logits [N, P, V] of the tokens after them, float32."""
        c, dtype, kept = self.config, precision(self.config.compute), []
        table = self.param("table", nn.initializers.normal(0.02), (c.symbols, c.width))
        x = table[tokens]
        for cache in caches:
            x, cache = Block(c.heads, dtype)(x, cache, at)
            kept.append(cache)
        ends = (one.astype(dtype) for one in (Norm()(x), table))
        return jnp.einsum("npw,vw->npv", *ends, preferred_element_type=jnp.float32), tuple(kept)


def rotated(x: Array, places: Array) -> Array:
    """Queries or keys [N, P, H, D] turned by angles ``place / BASE^(2 i / D)`` in the planes (i, i + D / 2)."""
    half = x.shape[-1] // 2
    rate = jnp.asarray(BASE ** (-np.arange(half) / half), jnp.float32)
    angle = places.astype(jnp.float32)[:, None] * rate[None]
    cos, sin = (wave(angle)[None, :, None] for wave in (jnp.cos, jnp.sin))
    one, two = x[..., :half].astype(jnp.float32), x[..., half:].astype(jnp.float32)
    return jnp.concatenate([one * cos - two * sin, one * sin + two * cos], -1).astype(x.dtype)


def parameters(params: Any) -> int:
    """How many numbers the weights are."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
