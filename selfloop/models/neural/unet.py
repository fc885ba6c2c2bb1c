"""U-Net: the convolutional network of diffusion and flow models of images, for accelerators.

Residual blocks of two 3 x 3 convolutions, whose second group norm the condition scales and shifts, on three levels,
each of half the last one's rows and columns; self-attention on the lowest (Ho et al. 2020, Dhariwal and Nichol 2021).
It takes and gives what `denoiser.Denoiser` does and may stand in its place. On a CPU gradients of convolutions inside a
scan cost many times their arithmetic: there the residual perceptron learns more a second.

Convolutions and products are in bfloat16 where `UNetConfig.compute` says so; weights, norms, the residual stream's
first and last layer, loss and optimiser are float32.
Shapes: B images, H rows, W columns, C channels, K width of the condition, L labels.
"""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from selfloop.errors import ConfigError
from selfloop.models.neural.denoiser import Compute, precision, sinusoids

GROUP = 8
"""Channels a group of a norm."""
LEVELS = (1, 2, 2)
"""Channels of each level, over the first one's."""


@dataclass(frozen=True)
class UNetConfig:
    """Size of the network."""

    frames: int = 28
    """Rows H."""
    features: int = 28
    """Columns W."""
    labels: int = 10
    width: int = 64
    """Channels of the first level, a multiple of `GROUP`."""
    layers: int = 1
    """Residual blocks a level, on the way down; one more on the way up."""
    heads: int = 4
    compute: Compute = "auto"
    """auto: bfloat16 on an accelerator, float32 on a CPU."""


def unet(config: UNetConfig) -> "UNet":
    """The network; ConfigError for sizes that do not fit together."""
    c, halves = config, 2 ** (len(LEVELS) - 1)
    if c.frames % halves or c.features % halves:
        raise ConfigError(
            f"--size is {c.frames}; --network unet halves images {len(LEVELS) - 1} times: give a multiple of {halves}"
        )
    if c.width % GROUP or (LEVELS[-1] * c.width) % c.heads:
        raise ConfigError(f"--width is {c.width}; a unet's channels are a multiple of {GROUP}")
    return UNet(c)


class Block(nn.Module):
    """Norm, convolution, and again under the condition; the second convolution is zero at first."""

    channels: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, condition: Array, row: Array | None) -> Array:
        """Images [B, H, W, C] and condition [B, K], or a table [R, K] with ``row`` [B]: [B, H, W, ``channels``]."""
        h = self._conv()(_normed(x))
        made = nn.Dense(2 * self.channels, kernel_init=nn.initializers.zeros)(condition)
        made = (made if row is None else made[row])[:, None, None]
        scale, shift = jnp.split(made, 2, -1)
        h = nn.silu(nn.GroupNorm(None, group_size=GROUP)(h.astype(x.dtype)) * (1 + scale) + shift)
        h = self._conv(kernel_init=nn.initializers.zeros)(h)
        same = x.shape[-1] == self.channels
        return (x if same else nn.Dense(self.channels, dtype=self.dtype)(x)).astype(x.dtype) + h.astype(x.dtype)

    def _conv(self, **more: Any) -> nn.Module:
        return nn.Conv(self.channels, (3, 3), dtype=self.dtype, **more)


class Attention(nn.Module):
    """Every place of an image looks at all of it."""

    heads: int
    dtype: Any

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Images [B, H, W, C] again."""
        tokens = nn.GroupNorm(None, group_size=GROUP)(x).reshape(len(x), -1, x.shape[-1])
        seen = nn.MultiHeadDotProductAttention(self.heads, dtype=self.dtype, out_kernel_init=nn.initializers.zeros)(
            tokens, tokens
        )
        return x + seen.reshape(x.shape).astype(x.dtype)


class UNet(nn.Module):
    """(noisy images, noise level, label) -> clean images, or the velocity of a flow. Label L means "no label"."""

    config: UNetConfig

    @nn.compact
    def __call__(self, noisy: Array, level: Array, label: Array, length: Array | None = None) -> Array:
        """Noisy [B, H, W], level [B] or one [] for all, label [B]; ``length`` is not seen: [B, H, W]."""
        c, dtype = self.config, precision(self.config.compute)
        row, label = (None, label) if level.ndim else (label, jnp.arange(c.labels + 1, dtype=label.dtype))
        waves = sinusoids(jnp.atleast_1d(level), c.width)
        condition = nn.Dense(4 * c.width)(nn.silu(nn.Dense(4 * c.width)(waves)))
        condition = nn.silu(condition + nn.Embed(c.labels + 1, 4 * c.width)(label))
        x, kept = nn.Conv(c.width, (3, 3))(noisy[..., None]), []
        for depth, times in enumerate(LEVELS):
            x = x if depth == 0 else nn.Conv(times * c.width, (3, 3), 2, dtype=dtype)(x).astype(x.dtype)
            for _ in range(c.layers):
                x = Block(times * c.width, dtype)(x, condition, row)
                kept.append(x)
        x = Block(x.shape[-1], dtype)(Attention(c.heads, dtype)(x), condition, row)
        for depth, times in reversed(list(enumerate(LEVELS))):
            for _ in range(c.layers):
                x = Block(times * c.width, dtype)(jnp.concatenate([x, kept.pop()], -1), condition, row)
            if depth:
                x = nn.Conv(times * c.width, (3, 3), dtype=dtype)(_doubled(x)).astype(x.dtype)
        return nn.Conv(1, (3, 3), kernel_init=nn.initializers.zeros)(_normed(x))[..., 0]


def _normed(x: Array) -> Array:
    return nn.silu(nn.GroupNorm(None, group_size=GROUP)(x))


def _doubled(x: Array) -> Array:
    """Every pixel [B, H, W, C] four times: [B, 2 H, 2 W, C]."""
    count, height, width, channels = x.shape
    return jax.image.resize(x, (count, 2 * height, 2 * width, channels), "nearest")
