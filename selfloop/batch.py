"""Batch: the samples that flow through a generation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Batch(NamedTuple):
    """Weighted samples of one fixed capacity N.

    Arrays keep their size from generation to generation, so that nothing recompiles; what is absent, rejected or
    failed has weight 0 and must never influence a fit.
    """

    x: Any
    """The samples: a pytree whose leaves share a leading axis of N."""
    weight: Array
    """Non-negative weights [N]."""
    cond: Any = None
    """What the samples are conditioned on (labels, lengths, captions): None, or a pytree with the same leading axis."""

    @property
    def capacity(self) -> int:
        """The number N of slots, present or absent."""
        return self.weight.shape[0]


def uniform(x: Any, cond: Any = None) -> Batch:
    """A batch in which every sample has weight 1."""
    leaf = jax.tree.leaves(x)[0]
    dtype = leaf.dtype if jnp.issubdtype(leaf.dtype, jnp.floating) else jnp.float32
    return Batch(x, jnp.ones(leaf.shape[0], dtype), cond)


def concatenate(*batches: Batch) -> Batch:
    """One batch of all samples, in order."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *batches)


def take(batch: Batch, index: Array) -> Batch:
    """The samples at ``index`` [M], with their weights."""
    return jax.tree.map(lambda leaf: leaf[index], batch)


def drop_failed(batch: Batch, failed: Array) -> Batch:
    """The batch with weight 0 wherever ``failed`` [N] is true."""
    return batch._replace(weight=jnp.where(failed, jnp.zeros_like(batch.weight), batch.weight))
