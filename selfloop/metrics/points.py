"""Batches as points of a space, in independent units: what a comparison of laws is computed from.

Shapes: N samples, F features.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, finite, keep
from selfloop.errors import ConfigError, DataError

UNITS = 10
"""Fewest independent units (raw samples, clips) that a bootstrap may speak for."""


class Sample(NamedTuple):
    """Points of one law."""

    points: Array
    """[N, F], finite."""
    weight: Array
    """[N] >= 0; weight 0 is absence."""
    unit: Array
    """The unit of each sample [N], integers from 0 to N - 1."""


def sample(batch: Batch, features: Callable[[Batch], Array] | None, group: Any, what: str) -> Sample:
    """The present samples as points, and their units; absent ones at the origin."""
    present = batch.weight != 0
    finite(batch, what)
    batch = keep(batch, present)
    points = jnp.asarray((features or flat)(batch))
    if points.ndim != 2 or points.shape[0] != batch.capacity or not jnp.issubdtype(points.dtype, jnp.floating):
        raise DataError(
            f"features of {what} are {points.dtype}{list(points.shape)}; float [{batch.capacity}, F] is needed, "
            "one row of coordinates for each sample"
        )
    points = points.astype(jnp.float32) if points.dtype.itemsize < 4 else points
    finite(Batch(points, batch.weight), f"the features of {what}")
    unit = _units(group, batch.capacity, what)
    count = len(np.unique(unit[np.asarray(present)]))
    if count < UNITS:
        raise DataError(
            f"{what} hold {count} independent units (samples of weight above 0, or clips); "
            f"at least {UNITS} are needed, and some hundreds to read a gamma: give more"
        )
    weight = (batch.weight / batch.weight.mean()).astype(points.dtype)
    return Sample(jnp.where(present[:, None], points, 0), weight, jnp.asarray(unit))


def flat(batch: Batch) -> Array:
    """The samples' own numbers [N, F]."""
    leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(batch.x)]
    if not all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
        raise ConfigError(
            f"the samples are {', '.join(str(leaf.dtype) for leaf in leaves)}, between which there is no distance: "
            "give features, a function of a batch that returns coordinates [N, F] (one-hot vectors for labels)"
        )
    return jnp.concatenate([leaf.reshape(leaf.shape[0], -1) for leaf in leaves], 1)


def _units(group: Any, n: int, what: str) -> np.ndarray:
    """Groups numbered from 0 in the order of their labels [n]; each sample its own where there are none."""
    if group is None:
        return np.arange(n, dtype=np.int32)
    group = np.asarray(group)
    if group.shape != (n,):
        raise ConfigError(
            f"the groups of {what} have the shape {group.shape}; there are {n} samples: give [{n}] labels"
        )
    return np.unique(group, return_inverse=True)[1].astype(np.int32)


def one_a_clip(sample: Sample) -> Sample:
    """The sample with each unit's weight divided among those of its members that are present."""
    size = jnp.zeros_like(sample.weight).at[sample.unit].add((sample.weight > 0).astype(sample.weight.dtype))
    return sample._replace(weight=sample.weight / jnp.maximum(size[sample.unit], 1))


def like(sample: Sample, first: Sample, what: str) -> Sample:
    """The sample in the precision of the first; DataError where it has other features."""
    if sample.points.shape[1] != first.points.shape[1]:
        raise DataError(
            f"{what} have {sample.points.shape[1]} features and the raw samples {first.points.shape[1]}: "
            "both must be points of one space"
        )
    dtype = first.points.dtype
    return sample._replace(points=sample.points.astype(dtype), weight=sample.weight.astype(dtype))
