"""Flow matching with minibatch optimal transport (OT-CFM): coupling, training loss and sampler.

Noise x_0 and data x_1 are paired by an entropic optimal transport plan of the minibatch, and a network v learns

    x_t = (1 - t) x_0 + t x_1,    v(x_t, t) = x_1 - x_0

so that dx/dt = v carries noise to data from t = 0 to 1 along nearly straight lines. The plan is Sinkhorn's
(Cuturi 2013); each row draws its partner from it, in place of an exact assignment. Source: Tong et al. (TMLR 2024).
Shapes: B samples, T rows, D features.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

Velocity = Callable[[Array, Array, Array], Array]
"""``velocity(x [B, T, D], t [B], label [B]) -> [B, T, D]``; the sampler gives one time [] for all samples."""

REGULARISATION, ITERATIONS = 0.05, 12
"""Of the entropic plan, in units of the mean squared distance, and Sinkhorn's iterations."""
LEAST = 1e-30
"""What is left at least of a sample's column, lest one that is far from all noise be divided by 0."""


def partners(key: Array, noise: Array, x: Array) -> Array:
    """For each row of ``noise`` [B, ...] the index [B] of a row of x [B, ...], drawn from the transport plan."""
    one, other = noise.reshape(len(noise), -1), x.reshape(len(x), -1)
    cost = (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * one @ other.T
    score = -cost / (REGULARISATION * jnp.maximum(cost.mean(), 1e-12))
    # In products, not logarithms: one exponential a pair, and every row's greatest is 1.
    kernel = jnp.exp(score - score.max(1, keepdims=True))

    def turn(_: int, columns: Array) -> Array:
        rows = 1 / (kernel @ columns)
        return 1 / jnp.maximum(rows @ kernel, LEAST)

    plan = kernel * jax.lax.fori_loop(0, ITERATIONS, turn, jnp.ones(len(x), x.dtype))[None]
    edges = jnp.cumsum(plan, axis=1)
    point = jax.random.uniform(key, (len(noise), 1), x.dtype) * edges[:, -1:]
    return jnp.minimum((edges <= point).sum(1), len(x) - 1)


def loss(key: Array, velocity: Velocity, x: Array, label: Array) -> Array:
    """Mean squared error of the velocity at random times, over the minibatch's optimal transport pairs."""
    key_noise, key_time, key_pair = jax.random.split(key, 3)
    noise = jax.random.normal(key_noise, x.shape, x.dtype)
    rows = partners(key_pair, noise, x)
    x, label = x[rows], label[rows]
    time = jax.random.uniform(key_time, (len(x),), x.dtype)
    share = time.reshape(-1, *[1] * (x.ndim - 1))
    return jnp.mean((velocity((1 - share) * noise + share * x, time, label) - (x - noise)) ** 2)


def carried(key: Array, velocity: Velocity, label: Array, shape: tuple[int, int], steps: int) -> Array:
    """Samples [B, T, D] under labels [B]: noise carried by ``steps`` midpoint steps. The key is consumed."""
    start = jax.random.normal(key, (len(label), *shape), jnp.float32)
    size = 1 / steps

    def step(x: Array, time: Array) -> tuple[Array, None]:
        middle = x + 0.5 * size * velocity(x, time, label)
        return x + size * velocity(middle, time + 0.5 * size, label), None

    return jax.lax.scan(step, start, jnp.arange(steps, dtype=jnp.float32) * size)[0]
