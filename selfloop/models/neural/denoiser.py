"""The network: a transformer over bands of rows that predicts a clean sample from a noisy one.

A sample is a table [T, D]: the frequencies of a motion, the rows of an image, a point (one row). With one band it is a
residual perceptron, which learns fastest on a CPU.

Its blocks may compute in bfloat16 (`DenoiserConfig.compute`). Weights, what runs along the residual branches, layer
norms, softmax and the first and last layer stay in float32, and so does all of the loss and the optimiser.

Shapes: B samples, T frames (rows), D features, P bands of ``band`` rows, W width, H heads.
"""

from dataclasses import dataclass
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.errors import ConfigError

Compute = Literal["auto", "float32", "bfloat16"]

CONDITION = 64
"""Width K of the condition: noise level, label and length."""

EXPAND = 2
"""Width of a perceptron's hidden layer over W."""


@dataclass(frozen=True)
class DenoiserConfig:
    """Size of the network; ``frames`` must be a multiple of ``band``."""

    frames: int = 40
    features: int = 64
    labels: int = 10
    band: int = 40
    width: int = 256
    layers: int = 4
    heads: int = 4
    compute: Compute = "auto"
    """What the blocks multiply in; auto: bfloat16 on an accelerator, float32 on a CPU, which has no fast bfloat16."""


def denoiser(config: "DenoiserConfig") -> "Denoiser":
    """The network; ConfigError for sizes that do not fit together."""
    c = config
    if c.frames % c.band or c.width % c.heads or c.width % 2:
        raise ConfigError(
            f"a network of {c.frames} frames, bands of {c.band}, width {c.width}, {c.heads} heads: the band must "
            "divide the frames, and the heads (and 2) the width"
        )
    return Denoiser(c)


def precision(compute: Compute) -> Any:
    """The dtype that a setting stands for on what JAX runs on."""
    if compute == "auto":
        compute = "float32" if jax.default_backend() == "cpu" else "bfloat16"
    return jnp.dtype(compute)


def halved(params: Any, compute: Compute) -> dict[str, Any]:
    """The blocks' weights in bfloat16 where the blocks compute in it, by their names in ``params``; else nothing.

    To be laid over the others (`overlaid`) so that they are converted once, and not in every use.
    """
    dtype = precision(compute)
    if dtype == jnp.float32:
        return {}
    blocks = {name: block for name, block in params["params"].items() if name.startswith(Modulated.__name__)}
    return jax.tree.map(lambda leaf: leaf.astype(dtype), blocks)


def overlaid(params: Any, half: dict[str, Any]) -> Any:
    """The weights ``params`` with those that are in ``half`` from there."""
    return params | {"params": params["params"] | half}


class Modulated(nn.Module):
    """A residual branch that the condition scales, shifts and gates (adaptive layer norm, Peebles and Xie 2023).

        tokens + gate * inner(norm(tokens) * (1 + scale) + shift)

    All three are zero at first, so that every branch starts as the identity.
    """

    inner: nn.Module
    dtype: Any

    @nn.compact
    def __call__(self, tokens: Array, condition: Array, row: Array | None = None) -> Array:
        """Tokens [B, P, W] and condition [B, K]: tokens [B, P, W], all float32.

        With ``row`` [B] the condition is a table [R, K], of which each sample has one row.
        """
        made = nn.Dense(3 * tokens.shape[-1], dtype=self.dtype, kernel_init=nn.initializers.zeros)(condition)
        made = made if row is None else made[row]
        scale, shift, gate = jnp.split(made[:, None].astype(tokens.dtype), 3, -1)
        normed = nn.LayerNorm(use_bias=False, use_scale=False)(tokens)
        inner = self.inner((normed * (1 + scale) + shift).astype(self.dtype))
        return tokens + gate * inner.astype(tokens.dtype)


class Attention(nn.Module):
    """Every token looks at all: [B, P, W] to [B, P, W]. One matrix makes queries, keys and values."""

    heads: int
    dtype: Any

    @nn.compact
    def __call__(self, tokens: Array) -> Array:
        """Tokens [B, P, W]: tokens [B, P, W]."""
        width = tokens.shape[-1]
        three = nn.DenseGeneral((3, self.heads, width // self.heads), dtype=self.dtype)(tokens)
        query, key, value = (three[:, :, i] for i in range(3))
        alike = jnp.einsum("bphd,bqhd->bhpq", query, key, preferred_element_type=jnp.float32)
        share = nn.softmax(alike / np.sqrt(width // self.heads).astype(np.float32)).astype(self.dtype)
        seen = jnp.einsum("bhpq,bqhd->bphd", share, value)
        return nn.DenseGeneral(width, (-2, -1), dtype=self.dtype)(seen)


class Perceptron(nn.Module):
    """Two layers on each token: [B, P, W] to [B, P, W]."""

    dtype: Any

    @nn.compact
    def __call__(self, tokens: Array) -> Array:
        """Tokens [B, P, W]: tokens [B, P, W]."""
        width = tokens.shape[-1]
        return nn.Dense(width, dtype=self.dtype)(nn.gelu(nn.Dense(EXPAND * width, dtype=self.dtype)(tokens)))


class Denoiser(nn.Module):
    """x0 prediction: (noisy sample, noise level, label, length) -> clean sample (MDM, Tevet et al. 2023).

    Samples are standardised; a token is a band of ``band`` neighbouring rows. Label ``labels`` means "no label", for
    classifier-free guidance. Samples that all have one length are given none.
    """

    config: DenoiserConfig

    @nn.compact
    def __call__(self, noisy: Array, level: Array, label: Array, length: Array | None = None) -> Array:
        """Noisy [B, T, D], level [B] in 0..1, label [B] int, length [B] int (frames): the clean sample [B, T, D].

        One level [] for samples that are given no length: the condition is then made once a label, not once a sample,
        which is a fifth of the network's arithmetic.
        """
        c, dtype = self.config, precision(self.config.compute)
        bands = c.frames // c.band
        tokens = nn.Dense(c.width)(noisy.reshape(-1, bands, c.band * c.features))
        tokens = tokens + self.param("place", nn.initializers.normal(0.02), (1, bands, c.width))
        numbers = [level] if length is None else [level, length.astype(noisy.dtype) / c.frames]
        row, label = (None, label) if level.ndim else (label, jnp.arange(c.labels + 1, dtype=label.dtype))
        waves = jnp.concatenate([sinusoids(jnp.atleast_1d(number), c.width) for number in numbers], -1)
        condition = nn.Dense(CONDITION)(nn.silu(nn.Dense(c.width)(waves)))
        condition = nn.silu(condition + nn.Embed(c.labels + 1, CONDITION)(label))
        for _ in range(c.layers):
            if bands > 1:  # one band has no other to attend to: the network is then a residual perceptron
                tokens = Modulated(Attention(c.heads, dtype), dtype)(tokens, condition, row)
            tokens = Modulated(Perceptron(dtype), dtype)(tokens, condition, row)
        return nn.Dense(c.band * c.features)(nn.LayerNorm()(tokens)).reshape(-1, c.frames, c.features)


def sinusoids(level: Array, width: int) -> Array:
    """Sinusoids [B, W] of a number in 0..1 [B], frequencies 1 to 1000 in geometric steps."""
    frequency = jnp.exp(jnp.linspace(0.0, jnp.log(1000.0), width // 2, dtype=level.dtype))
    phase = level[:, None] * frequency[None]
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], -1)
