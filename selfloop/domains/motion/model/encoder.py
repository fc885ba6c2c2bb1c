"""The network behind FID, and what it reads of a motion: an MLP-mixer over patches of frames.

Shapes: B motions, T frames, P patches of p frames, J = 15 joints, D = 64 features, C = 91 channels, L latents.
"""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import MIRROR, J
from selfloop.metrics.scale import Scale, standardise

C = 6 * J + 1


def channels(x: Array) -> Array:
    """What the encoder reads, [B, T, C], of features x [B, T, D], every part turned into the frame's heading.

    Joint positions from the point under the pelvis (m), joint velocities in the world (m/s), yaw rate (rad/s).
    """
    motion = features.decode(x)
    positions, _ = skeleton.forward(motion)
    yaw = rotations.heading(motion.rotations[..., 0, :, :])
    home = jnp.swapaxes(rotations.about_axis("z", yaw), -1, -2)[:, :, None]
    under = positions[:, :, :1] * jnp.array([1, 1, 0], x.dtype).reshape(1, 1, 1, 3)
    velocity = jnp.diff(positions, axis=1) * FPS
    velocity = jnp.concatenate([velocity[:, :1], velocity], 1)
    seen = (home @ jnp.concatenate([positions - under, velocity], 2)[..., None])[..., 0]
    return jnp.concatenate([seen.reshape(*x.shape[:2], 6 * J), x[..., :1]], -1)


def mirrored(channel: Array) -> Array:
    """Channels [B, T, C] of the motion with left and right exchanged."""
    body = channel[..., : 6 * J].reshape(*channel.shape[:-1], 2, J, 3)[..., np.array(MIRROR), :]
    body = body * jnp.array([1, -1, 1], channel.dtype).reshape(1, 1, 1, 1, 3)
    return jnp.concatenate([body.reshape(*channel.shape[:-1], 6 * J), -channel[..., -1:]], -1)


def patched(channel: Array, length: Array, scale: Scale, patch: int) -> tuple[Array, Array]:
    """Standardised channels [B, T, C] as patches [B, P, p * C], zero beyond the length [B], and their mask [B, P]."""
    b, t, c = channel.shape
    kept = jnp.arange(t)[None] < length[:, None]
    flat = standardise(channel.reshape(-1, c), scale).reshape(b, t, c)
    flat = jnp.where(kept[..., None], flat, 0)
    return flat.reshape(b, t // patch, patch * c), kept[:, ::patch].astype(channel.dtype)


class Encoder(nn.Module):
    """From patches [B, P, p * C] and their mask [B, P] to the raw latent [B, L]; Tolstikhin et al., NeurIPS 2021."""

    latent: int
    width: int
    blocks: int
    dropout: float

    @nn.compact
    def __call__(self, patches: Array, mask: Array, *, deterministic: bool) -> Array:
        """Latents; dropout is active unless ``deterministic``."""
        keep = mask[..., None]
        place = self.param("place", nn.initializers.normal(0.02), (1, patches.shape[1], self.width))
        h = (nn.Dense(self.width)(patches) + place) * keep
        for _ in range(self.blocks):
            across = jnp.swapaxes(nn.LayerNorm()(h) * keep, 1, 2)
            across = nn.Dense(h.shape[1])(nn.gelu(nn.Dense(4 * h.shape[1])(across)))
            h = (h + jnp.swapaxes(across, 1, 2)) * keep
            within = nn.Dense(self.width)(nn.gelu(nn.Dense(2 * self.width)(nn.LayerNorm()(h))))
            h = (h + nn.Dropout(self.dropout, deterministic=deterministic)(within)) * keep
        pooled = nn.LayerNorm()(h.sum(1) / jnp.maximum(mask.sum(1, keepdims=True), 1))
        return nn.Dense(self.latent)(pooled)


class Heads(nn.Module):
    """From the raw latent [B, L] to the logits of label and style, and the patches (count, size) again."""

    labels: int
    styles: int
    patches: tuple[int, int]

    @nn.compact
    def __call__(self, latent: Array) -> tuple[Array, Array, Array]:
        """Logits [B, labels], logits [B, styles], patches [B, P, p * C]."""
        count, size = self.patches
        hidden = nn.gelu(nn.Dense(256, name="hidden")(latent))
        again = nn.Dense(count * size, name="again")(hidden).reshape(-1, count, size)
        return nn.Dense(self.labels, name="label")(latent), nn.Dense(self.styles, name="style")(latent), again
