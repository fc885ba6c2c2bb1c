"""Wasserstein distances of samples: exact on the line, sliced in more dimensions. N, M samples, F features."""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.metrics.distances import filled


def wasserstein_power(
    x: Array, y: Array, x_weight: Array | None = None, y_weight: Array | None = None, p: int = 1
) -> Array:
    """Exact ``W_p^p = int_0^1 |F^-1(u) - G^-1(u)|^p du`` of weighted samples x [N] and y [M] on the line.

    The integrand is constant between the merged steps of the two distribution functions.
    """
    x_column, x_weight = filled(x[:, None], x_weight)
    y_column, y_weight = filled(y[:, None], y_weight)
    x, y = x_column[:, 0], y_column[:, 0]
    x_order, y_order = jnp.argsort(x), jnp.argsort(y)
    x_steps, y_steps = _steps(x_weight[x_order]), _steps(y_weight[y_order])
    edges = jnp.sort(jnp.concatenate([x_steps, y_steps]))
    width = jnp.diff(edges, prepend=0)
    middle = edges - width / 2
    gap = x[x_order][_index(x_steps, middle)] - y[y_order][_index(y_steps, middle)]
    return (width * jnp.abs(gap) ** p).sum()


def _steps(weight: Array) -> Array:
    """The distribution function after each sample, ending at exactly 1."""
    total = jnp.cumsum(weight)
    return total / total[-1]


def _index(steps: Array, level: Array) -> Array:
    return jnp.minimum(jnp.searchsorted(steps, level), steps.shape[0] - 1)


def wasserstein1(x: Array, y: Array, x_weight: Array | None = None, y_weight: Array | None = None) -> Array:
    """Exact W1 of samples x [N] and y [M] on the line, in their unit."""
    return wasserstein_power(x, y, x_weight, y_weight, 1)


def wasserstein2(x: Array, y: Array, x_weight: Array | None = None, y_weight: Array | None = None) -> Array:
    """Exact W2 of samples x [N] and y [M] on the line, in their unit."""
    return jnp.sqrt(wasserstein_power(x, y, x_weight, y_weight, 2))


def sliced_wasserstein(
    key: Array,
    x: Array,
    y: Array,
    x_weight: Array | None = None,
    y_weight: Array | None = None,
    p: int = 2,
    slices: int = 128,
) -> Array:
    """Sliced W_p: ``(mean over random unit directions of W_p^p of the projections)^(1/p)`` of x [N, F] and y [M, F].

    Source: Bonneel et al., JMIV 2015. Biased upwards at finite N. The key is consumed.
    """
    x, x_weight = filled(x, x_weight)
    y, y_weight = filled(y, y_weight)
    direction = jax.random.normal(key, (slices, x.shape[1]), x.dtype)
    direction = direction / jnp.linalg.norm(direction, axis=1, keepdims=True)
    power = jax.vmap(lambda u: wasserstein_power(x @ u, y @ u, x_weight, y_weight, p))(direction)
    return jnp.mean(power) ** (1 / p)
