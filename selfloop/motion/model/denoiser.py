"""The network: a transformer over frequency bands that predicts a clean motion from a noisy one.

Shapes: B motions, T frequencies (as many as frames), D features, P bands of ``band`` frequencies, W width.
"""

from dataclasses import dataclass

import flax.linen as nn
import jax.numpy as jnp
from jax import Array


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


class Block(nn.Module):
    """Self-attention and a two-layer perceptron, both modulated by the condition (adaptive layer norm, DiT)."""

    width: int
    heads: int

    @nn.compact
    def __call__(self, tokens: Array, condition: Array) -> Array:
        """Tokens [B, P, W] and condition [B, W]: tokens [B, P, W]."""
        scale, shift, gate, scale2, shift2, gate2 = jnp.split(
            nn.Dense(6 * self.width, kernel_init=nn.initializers.zeros)(condition)[:, None], 6, -1
        )
        norm = nn.LayerNorm(use_bias=False, use_scale=False)
        inner = norm(tokens) * (1 + scale) + shift
        tokens = tokens + gate * nn.MultiHeadDotProductAttention(self.heads)(inner)
        inner = nn.gelu(nn.Dense(4 * self.width)(norm(tokens) * (1 + scale2) + shift2))
        return tokens + gate2 * nn.Dense(self.width)(inner)


class Denoiser(nn.Module):
    """x0 prediction: (noisy motion, noise level, label, length) -> clean motion (MDM, Tevet et al. 2023).

    Motions are standardised cosine coefficients (`spectrum`); a token is a band of ``band`` neighbouring frequencies.
    Label ``labels`` means "no label", for classifier-free guidance.
    """

    config: DenoiserConfig

    @nn.compact
    def __call__(self, noisy: Array, level: Array, label: Array, length: Array) -> Array:
        """Noisy [B, T, D], level [B] in 0..1, label [B] int, length [B] int (frames): the clean motion [B, T, D]."""
        c = self.config
        bands = c.frames // c.band
        tokens = nn.Dense(c.width)(noisy.reshape(-1, bands, c.band * c.features))
        tokens = tokens + self.param("place", nn.initializers.normal(0.02), (1, bands, c.width))
        share = length.astype(noisy.dtype) / c.frames
        waves = jnp.concatenate([_waves(level, c.width), _waves(share, c.width)], -1)
        condition = nn.Dense(c.width)(nn.silu(nn.Dense(c.width)(waves)))
        condition = nn.silu(condition + nn.Embed(c.labels + 1, c.width)(label))
        for _ in range(c.layers):
            tokens = Block(c.width, c.heads)(tokens, condition)
        return nn.Dense(c.band * c.features)(nn.LayerNorm()(tokens)).reshape(-1, c.frames, c.features)


def _waves(level: Array, width: int) -> Array:
    """Sinusoids [B, W] of a number in 0..1 [B], frequencies 1 to 1000 in geometric steps."""
    frequency = jnp.exp(jnp.linspace(0.0, jnp.log(1000.0), width // 2, dtype=level.dtype))
    phase = level[:, None] * frequency[None]
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], -1)
