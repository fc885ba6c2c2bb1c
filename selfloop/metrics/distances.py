"""Distances between all pairs of samples, what the kernel, neighbour and diversity measures share."""

import jax.numpy as jnp
from jax import Array


def squared_distances(x: Array, y: Array) -> Array:
    """Squared Euclidean distances [N, M] between rows of x [N, F] and y [M, F].

    Both are first moved by the mean of y: the expanded square loses digits only relative to their spread.
    """
    centre = y.mean(0, keepdims=True)
    x, y = x - centre, y - centre
    square = (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T
    return jnp.maximum(square, 0)


def distances(x: Array, y: Array) -> Array:
    """Euclidean distances [N, M], with gradient 0 where two samples coincide."""
    square = squared_distances(x, y)
    apart = square > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, square, 1)), 0)


def filled(x: Array, weight: Array | None) -> tuple[Array, Array]:
    """Samples and weights: weight 1 where none were given, absent samples (weight 0, maybe NaN) at the origin."""
    if weight is None:
        return x, jnp.ones(x.shape[0], x.dtype)
    return jnp.where((weight > 0)[:, None], x, 0), weight.astype(x.dtype)
