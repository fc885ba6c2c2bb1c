"""Convolutions as shifted slices and one matrix product.

On a CPU the gradients of XLA's own convolutions inside a scan cost many times their arithmetic; these do not.
Shapes: B images, H rows, W columns, C channels, F features, K the kernel's side.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array


class Convolution(nn.Module):
    """A convolution of odd side and stride 1, which keeps the size, or of side 4 and stride 2, which halves it."""

    features: int
    side: int = 3
    stride: int = 1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Images [B, H, W, C]: [B, H / stride, W / stride, F]."""
        _, height, width, _ = x.shape
        edge = (self.side - 1) // 2
        around = jnp.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
        shifts = [(i, j) for i in range(self.side) for j in range(self.side)]
        seen = [around[:, i : i + height : self.stride, j : j + width : self.stride] for i, j in shifts]
        size = (height // self.stride, width // self.stride)
        return nn.Dense(self.features)(jnp.concatenate([one[:, : size[0], : size[1]] for one in seen], -1))


class Transposed(nn.Module):
    """The transposed convolution of side 4 and stride 2: twice as many rows and columns."""

    features: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Images [B, H, W, C]: [B, 2 H, 2 W, F]."""
        count, height, width, _ = x.shape
        parts = nn.Dense(16 * self.features, use_bias=False)(x).reshape(count, height, width, 4, 4, self.features)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        whole = jnp.zeros((count, 2 * height + 2, 2 * width + 2, self.features), x.dtype)
        for i in range(4):
            for j in range(4):
                whole = whole.at[:, i : i + 2 * height : 2, j : j + 2 * width : 2].add(parts[:, :, :, i, j])
        return whole[:, 1:-1, 1:-1] + bias[None, None, None]


def halved(x: Array) -> Array:
    """The largest of every 2 x 2 block of images [B, H, W, C]; an odd row or column is dropped."""
    count, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(count, height // 2, 2, width // 2, 2, channels).max((2, 4))
