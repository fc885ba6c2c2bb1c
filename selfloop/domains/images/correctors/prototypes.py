"""Prototype correctors: an image is moved to, or replaced by, what stands for real images of its class near it.

    kmeans      x -> (1 - share) x + share c(x),    c(x) the nearest cluster average of x's class
    medoid      x -> the nearest of the real images that are nearest to the averages
    member      x -> a real image drawn from the cluster of c(x)
    nearest     x -> the nearest real image of its class
    ideal       x -> with probability gamma / (1 + gamma) another real image drawn from its class

An average of images has less variance than they: moving to it shrinks the law, drawing from its cluster does not. An
image whose class no prototype has takes the nearest of all. Source of kmeans: Gillman et al. (2024), section 6.1.
Shapes: N samples, M real images, P prototypes, H rows, W columns.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.cluster.vq import kmeans2

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback, select
from selfloop.correctors.strength import report, share_kept, strength
from selfloop.domains.images.data.images import Images
from selfloop.errors import ConfigError
from selfloop.metrics.distances import squared_distances
from selfloop.protocols import Corrector

CHUNK = 500
"""Samples that are compared at a time."""


class Clusters(NamedTuple):
    """Real images of each class in clusters."""

    averages: Images
    """[P, H, W] and their classes."""
    medoids: Images
    """The real image nearest to each average."""
    members: Images
    """The real images in the order of their clusters [M]."""
    start: np.ndarray
    """Where each cluster's members begin [P]."""
    count: np.ndarray
    """How many there are [P], 1 or more."""


def clusters(real: Images, most: int, seed: int = 0) -> Clusters:
    """``most`` clusters a class by Lloyd's algorithm from k-means++ (scipy); empty ones are left out.

    Raises:
        ConfigError: more clusters than a class has images.
    """
    fewest = min(int((real.label == label).sum()) for label in np.unique(real.label))
    if most > fewest:
        raise ConfigError(f"--clusters is {most}, but a class has {fewest} real images: give at most that")
    averages, medoids, rows, owner = [], [], [], []
    for label in np.unique(real.label):
        own = np.flatnonzero(real.label == label)
        points = real.x[own].reshape(len(own), -1).astype(np.float64)
        centres, found = kmeans2(points, most, iter=50, minit="++", rng=np.random.default_rng([seed, int(label)]))
        for cluster in np.unique(found):
            inside = own[found == cluster]
            middle = real.x[inside].mean(0)
            averages.append((middle, label))
            medoids.append(inside[((real.x[inside] - middle[None]) ** 2).sum((1, 2)).argmin()])
            rows.append(inside)
            owner.append(len(inside))
    x, label = (np.stack(part) for part in zip(*averages, strict=True))
    count = np.array(owner)
    taken = lambda index: real._replace(x=real.x[index], label=real.label[index])  # noqa: E731
    members = taken(np.concatenate(rows))
    return Clusters(
        real._replace(x=x, label=label.astype(np.int32)),
        taken(np.array(medoids)),
        members,
        count.cumsum() - count,
        count,
    )


def toward(found: Clusters, share: float = 1.0) -> Corrector:
    """Each image goes the ``share`` of the way to the nearest average of its class; ConfigError outside [0, 1]."""
    if not 0 <= share <= 1:
        raise ConfigError(f"the share is {share}; an image goes from 0 (nowhere) to 1 (all) of the way to its average")
    averages = jnp.asarray(found.averages.x)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        near = averages[nearest_of(batch, found.averages)]
        x = (1 - share) * batch.x + share * near
        return batch._replace(x=x), report(batch, x)

    return correct


def nearest(prototypes: Images) -> Corrector:
    """Each image becomes the nearest prototype of its class."""
    x = jnp.asarray(prototypes.x)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        near = x[nearest_of(batch, prototypes)]
        return batch._replace(x=near), report(batch, near)

    return correct


def member(found: Clusters) -> Corrector:
    """Each image becomes a real image drawn from the cluster whose average is nearest."""
    members, start, count = jnp.asarray(found.members.x), jnp.asarray(found.start), jnp.asarray(found.count)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        near = nearest_of(batch, found.averages)
        x = members[start[near] + jax.random.randint(key, near.shape, 0, count[near], start.dtype)]
        return batch._replace(x=x), report(batch, x)

    return correct


def ideal(others: Images, gamma: float) -> Corrector:
    """`correctors.idealized.replacement` with the other images as the true law, class by class."""
    strength(gamma)
    x, label = jnp.asarray(others.x), jnp.asarray(others.label)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        key_kept, key_drawn = jax.random.split(key)
        kept = jax.random.uniform(key_kept, batch.weight.shape, batch.weight.dtype) < share_kept(gamma, batch.x.dtype)
        chance = jax.random.gumbel(key_drawn, (batch.capacity, len(x)), batch.x.dtype)
        drawn = jnp.where(_other(batch, label), chance - 1e6, chance).argmax(1)
        new = select(kept, batch.x, x[drawn])
        return batch._replace(x=new), report(batch, new)

    return correct


def nearest_of(batch: Batch, prototypes: Images) -> Array:
    """The index [N] of the nearest prototype of each sample's class."""
    x, label = jnp.asarray(prototypes.x), jnp.asarray(prototypes.label)
    if batch.cond is None:
        return in_chunks(lambda some: _closest(some, x, None), CHUNK, batch.x)
    return in_chunks(lambda some, own: _closest(some, x, own[:, None] != label[None]), CHUNK, batch.x, batch.cond)


@jax.jit
def _closest(some: Array, x: Array, other: Array | None) -> Array:
    square = squared_distances(some.reshape(len(some), -1), x.reshape(len(x), -1))
    # Prototypes of another class lie farther than all of the sample's own.
    far = 0 if other is None else jnp.where(other, 1 + 2 * square.max(1, keepdims=True), 0)
    return jnp.argmin(square + far, axis=1)


def _other(batch: Batch, label: Array) -> Array:
    """Which images [N, M] are of another class than each sample; none where samples have none."""
    if batch.cond is None:
        return jnp.zeros((batch.capacity, len(label)), bool)
    return batch.cond[:, None] != label[None]
