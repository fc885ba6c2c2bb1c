"""Population laws as batches: nodes whose weights are density times cell, or plain samples of weight 1.

A law is a `Batch`; expectations divide by its total weight. ``nodes`` is a batch whose weights are the cells alone,
which `weigh` turns into a law. Shapes: N nodes, d dimensions. Nodes are float64 where x64 is on.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch
from selfloop.protocols import Model


def line(nodes: int = 4001, reach: float = 9.5, centre: float = 0.0, scale: float = 1.0) -> Batch:
    """Nodes [N, 1] on the real line: ``x = centre + scale sinh(u)``, u even in [-reach, reach], cells dx/du du.

    Reaching 6680 scales to each side, it serves heavy tails too; for smooth densities the error falls faster than any
    power of N.
    """
    u = np.linspace(-reach, reach, nodes)
    cells = scale * np.cosh(u) * (u[1] - u[0])
    return _batch((centre + scale * np.sinh(u))[:, None], cells)


def half_line(nodes: int = 4001, reach: float = 4.0, scale: float = 1.0) -> Batch:
    """Nodes [N, 1] on the positive half line: ``x = scale exp(2 sinh(u))``, cells dx/du du.

    From e^-54 to e^54 scales: densities may jump, vanish or have a power at 0.
    """
    u = np.linspace(-reach, reach, nodes)
    x = scale * np.exp(2 * np.sinh(u))
    return _batch(x[:, None], x * 2 * np.cosh(u) * (u[1] - u[0]))


def interval(low: float, high: float, nodes: int = 801, reach: float = 3.6) -> Batch:
    """Nodes [N, 1] inside a finite interval: ``x = low + (high - low) / (1 + exp(-pi sinh(u)))``, u even (tanh-sinh).

    Densities may vanish, jump or be infinite (integrable) at the ends; a law of angles is integrated too.
    Source: Takahasi and Mori, Publ. RIMS 1974.
    """
    u = np.linspace(-reach, reach, nodes)
    near = 1 / (1 + np.exp(np.pi * np.sinh(u)))  # share of the way from the high end; its mirror image from the low one
    x = np.where(u < 0, low + (high - low) * near[::-1], high - (high - low) * near)
    cells = (high - low) * near * near[::-1] * np.pi * np.cosh(u) * (u[1] - u[0])
    inside = (x > low) & (x < high)
    return _batch(x[inside, None], cells[inside])


def panels(edges: Array, order: int = 8) -> Batch:
    """Nodes [N, 1] on the line, Gauss-Legendre between neighbouring ``edges`` [K], exponentially far beyond the ends.

    With edges among the data it resolves a density wherever there are data, however narrow its peaks.
    """
    edges = np.unique(np.asarray(edges, float))
    z, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges) / 2
    inner = (edges[:-1] + half)[:, None] + half[:, None] * z
    cells = half[:, None] * weight
    u = np.linspace(-4.0, 4.0, 801)
    away = (edges[-1] - edges[0]) * np.exp(2 * np.sinh(u))
    beyond = away * 2 * np.cosh(u) * (u[1] - u[0])
    x = np.concatenate([inner.ravel(), edges[-1] + away, edges[0] - away])
    return _batch(x[:, None], np.concatenate([cells.ravel(), beyond, beyond]))


def grid2(nodes: int = 161, reach: float = 4.5, centre: ArrayLike = 0.0, scale: ArrayLike = 1.0) -> Batch:
    """Nodes [N^2, 2] in the plane: every pair of nodes of `line` about ``centre`` and ``scale``, numbers or [2]."""
    pair = zip(np.broadcast_to(centre, 2), np.broadcast_to(scale, 2), strict=True)
    one, other = (line(nodes, reach, *place) for place in pair)
    x = np.stack(np.meshgrid(one.x[:, 0], other.x[:, 0], indexing="ij"), -1)
    return _batch(x.reshape(-1, 2), np.outer(one.weight, other.weight).ravel())


def hermite(mean: Array, root: Array, nodes: int = 24) -> Batch:
    """Gauss-Hermite nodes [N^d, d] about N(mean, root root^T), root [d, d] invertible; cells are Lebesgue's.

    Exact for that density (and, nearly, those beside it) times any polynomial of degree below 2 N in each axis.
    """
    mean, root = np.asarray(mean, float), np.asarray(root, float)
    d = mean.shape[0]
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    points = np.stack(np.meshgrid(*[z] * d, indexing="ij"), -1).reshape(-1, d)
    cells = np.stack(np.meshgrid(*[weight * np.exp(z**2 / 2)] * d, indexing="ij"), -1).reshape(-1, d).prod(1)
    return _batch(mean + points @ root.T, cells * abs(np.linalg.det(root)))


def counts(k: int) -> Batch:
    """The counts 0 to k - 1 as nodes [k, 1], each of cell 1: for models of counts."""
    return _batch(np.arange(k)[:, None], np.ones(k))


def symbols(k: int) -> Batch:
    """The labels 0 to k - 1 as nodes [k], int32, each of cell 1: for models of labels."""
    return counts(k)._replace(x=jnp.arange(k, dtype=jnp.int32))


def weigh(nodes: Batch, log_density: Callable[[Any], Array]) -> Batch:
    """The law of a density on the nodes: ``weight = cell exp(log_density(x))``; ``log_density(x)`` is [N]."""
    return nodes._replace(weight=nodes.weight * jnp.exp(log_density(nodes.x)))


def own(model: Model, state: Any, nodes: Batch) -> Batch:
    """The law of the model itself, on the nodes."""
    return weigh(nodes, lambda x: model.log_prob(state, x))


def expect(law: Batch, f: Callable[[Any], Array]) -> Array:
    """``E f(x)`` under the law; ``f(x)`` is [N, ...]. Values where the weight is 0 do not count."""
    return average(law.weight, f(present(law).x))


def average(weight: Array, values: Array) -> Array:
    """The weighted mean of values [N, ...] over their first axis."""
    return jnp.tensordot(weight / jnp.sum(weight), values, 1)


def present(law: Batch) -> Batch:
    """The law with its heaviest sample in place of those of weight 0, which may lie where the density is 0 or NaN."""
    heaviest = jnp.argmax(law.weight)

    def fill(leaf: Array) -> Array:
        return jnp.where((law.weight > 0).reshape(-1, *[1] * (leaf.ndim - 1)), leaf, leaf[heaviest][None])

    return law._replace(x=jax.tree.map(fill, law.x))


def _batch(x: np.ndarray, weight: np.ndarray) -> Batch:
    dtype = jnp.result_type(float)
    return Batch(jnp.asarray(x, dtype), jnp.asarray(weight, dtype))
