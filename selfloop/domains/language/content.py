"""Latent semantic analysis: documents as points by what they are about, and a divergence of histograms over them.

A document is its tf-idf vector of known words, of length 1, on the leading singular directions of real documents' own
(Deerwester et al., 1990), standardised. It knows nothing of order and of words that are none: these are artefacts.
Shapes: N documents, W words, D words of the dictionary, F directions, Q cells.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.cluster.vq import kmeans2
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from selfloop.domains.language.words import Dictionary, Words, look_up
from selfloop.metrics.distances import distances
from selfloop.metrics.scale import Scale, scale_of, standardise

SCALING = 5.0
"""The constant c of MAUVE."""
MIXTURES = 25
"""Points of the divergence curve."""


class Content(NamedTuple):
    """A space fitted to real documents."""

    known: Dictionary
    idf: Array
    """Inverse document frequencies [D + 1], 0 for what is unknown."""
    directions: Array
    """idf times singular direction [D + 1, F]."""
    scale: Scale
    centres: Array
    """Of the cells that histograms are taken over [Q, F]."""


def fit(known: Dictionary, found: Words, directions: int, cells: int) -> Content:
    """The space of these real documents."""
    at, here = np.asarray(look_up(known, found)), np.asarray(found.here)
    size, count = len(at), len(known.hash)
    row = np.broadcast_to(np.arange(size)[:, None], at.shape)
    kept = here & (at < count)
    table = csr_matrix((np.ones(kept.sum()), (row[kept], at[kept])), (size, count))
    idf = np.log((1 + size) / (1 + np.asarray((table > 0).sum(0)).ravel()))
    weighed = table.multiply(idf).tocsr()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(1)).ravel())
    weighed = weighed.multiply(1 / np.where(length > 0, length, 1)[:, None]).tocsr()
    directions = min(directions, min(weighed.shape) - 1)
    _, _, v = svds(weighed, directions, v0=np.ones(min(weighed.shape)))
    idf = np.append(idf, 0.0)
    held = idf[:, None] * np.vstack([v[::-1].T, np.zeros(directions)])
    raw = Content(known, _f32(idf), _f32(held), Scale(jnp.zeros(directions), jnp.ones(directions)), jnp.zeros((1, 1)))
    points = embed(raw, found)
    placed = raw._replace(scale=scale_of(points))
    points = np.asarray(standardise(points, placed.scale), np.float64)
    return placed._replace(centres=_f32(kmeans2(points, min(cells, size), minit="++", seed=0)[0]))


def embed(content: Content, found: Words) -> Array:
    """Points [N, F] of documents; one without a known word lies where the zero vector does."""
    at = look_up(content.known, found)
    idf = content.idf[at]
    same = at[:, :, None] == at[:, None]
    # |tf idf|^2 = sum over words i, j that are the same of idf_i idf_j
    square = jnp.where(same, idf[:, :, None] * idf[:, None], 0).sum((1, 2))
    raw = content.directions[at].sum(1) / jnp.sqrt(jnp.where(square > 0, square, 1))[:, None]
    return standardise(raw, content.scale)


def histogram(content: Content, points: Array, weight: Array) -> Array:
    """Share of points [N, F] in the cell of each centre [Q], by weight."""
    nearest = distances(points, content.centres).argmin(1)
    return jnp.zeros(len(content.centres), points.dtype).at[nearest].add(weight) / weight.sum()


def divergence_area(p: Array, q: Array) -> Array:
    """The area under the divergence curve of histograms p and q [Q]: 1 where they are the same, 0 where they are apart.

        points (exp(-c KL(q || r)), exp(-c KL(p || r))) for r = a p + (1 - a) q, 0 < a < 1, and (0, 1), (1, 0)

    MAUVE (Pillutla et al., NeurIPS 2021) in a space and cells of our own, so that values compare with each other alone.
    """
    a = jnp.linspace(0, 1, MIXTURES + 2, dtype=p.dtype)[1:-1, None]
    r = a * p[None] + (1 - a) * q[None]
    kl = lambda s: jnp.where(s > 0, s * jnp.log(jnp.where(s > 0, s, 1) / jnp.where(s > 0, r, 1)), 0).sum(1)  # noqa: E731
    x, y = jnp.exp(-SCALING * kl(q[None])), jnp.exp(-SCALING * kl(p[None]))
    x = jnp.concatenate([jnp.ones(1, p.dtype), x, jnp.zeros(1, p.dtype)])
    y = jnp.concatenate([jnp.zeros(1, p.dtype), y, jnp.ones(1, p.dtype)])
    return ((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2).sum()


def _f32(values: np.ndarray) -> Array:
    return jnp.asarray(values, jnp.float32)
