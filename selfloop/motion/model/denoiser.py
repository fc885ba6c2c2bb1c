"""The network: a transformer over patches of frames that predicts a clean motion from a noisy one.

Shapes: B motions, T frames, D features a frame, P patches of ``patch`` frames, W width.
"""

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from selfloop.motion.data.features import valid


@dataclass(frozen=True)
class DenoiserConfig:
    """Size of the network; ``frames`` must be a multiple of ``patch``."""

    frames: int = 40
    features: int = 64
    labels: int = 10
    patch: int = 4
    width: int = 128
    layers: int = 4
    heads: int = 4


class Block(nn.Module):
    """Self-attention and a two-layer perceptron, both modulated by the condition (adaptive layer norm, DiT)."""

    width: int
    heads: int

    @nn.compact
    def __call__(self, tokens: Array, condition: Array, mask: Array) -> Array:
        """Tokens [B, P, W], condition [B, W], mask [B, 1, 1, P] of keys that may be seen: tokens [B, P, W]."""
        scale, shift, gate, scale2, shift2, gate2 = jnp.split(
            nn.Dense(6 * self.width, kernel_init=nn.initializers.zeros)(condition)[:, None], 6, -1
        )
        norm = nn.LayerNorm(use_bias=False, use_scale=False)
        inner = norm(tokens) * (1 + scale) + shift
        tokens = tokens + gate * nn.MultiHeadDotProductAttention(self.heads)(inner, mask=mask)
        inner = nn.gelu(nn.Dense(4 * self.width)(norm(tokens) * (1 + scale2) + shift2))
        return tokens + gate2 * nn.Dense(self.width)(inner)


class Neighbours(nn.Module):
    """A linear map of each frame and the two on either side: a convolution, as one matrix product.

    XLA's convolution gradients on a CPU cost twice the rest of the network; this costs a fifth of it.
    """

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Frames [B, T, D]: [B, T, features]."""
        padded = jnp.pad(x, ((0, 0), (2, 2), (0, 0)))
        return nn.Dense(self.features)(jnp.concatenate([padded[:, i : i + x.shape[1]] for i in range(5)], -1))


class Denoiser(nn.Module):
    """x0 prediction: (noisy motion, noise level, label, length) -> clean motion, all standardised (MDM, Tevet 2023).

    Patches keep the count of tokens and the cost low; a map over neighbouring frames then joins their seams. Label
    ``labels`` means "no label", for classifier-free guidance.
    """

    config: DenoiserConfig

    @nn.compact
    def __call__(self, noisy: Array, level: Array, label: Array, length: Array) -> Array:
        """Noisy [B, T, D], level [B] in 0..1, label [B] int, length [B] int: the clean motion [B, T, D]."""
        c = self.config
        patches = c.frames // c.patch
        tokens = nn.Dense(c.width)(noisy.reshape(-1, patches, c.patch * c.features))
        tokens = tokens + self.param("place", nn.initializers.normal(0.02), (1, patches, c.width))
        condition = nn.Dense(c.width)(nn.silu(nn.Dense(c.width)(_waves(level, c.width))))
        condition = nn.silu(condition + nn.Embed(c.labels + 1, c.width)(label))
        mask = valid(length, c.frames).reshape(-1, patches, c.patch).any(-1)[:, None, None]
        for _ in range(c.layers):
            tokens = Block(c.width, c.heads)(tokens, condition, mask)
        rough = nn.Dense(c.patch * c.features)(nn.LayerNorm()(tokens)).reshape(-1, c.frames, c.features)
        return rough + Neighbours(c.features)(nn.gelu(Neighbours(c.features)(rough)))


def _waves(level: Array, width: int) -> Array:
    """Sinusoids [B, W] of a noise level [B], frequencies 1 to 1000 in geometric steps."""
    frequency = jnp.exp(jnp.linspace(0.0, jnp.log(1000.0), width // 2, dtype=level.dtype))
    phase = level[:, None] * frequency[None]
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], -1)
