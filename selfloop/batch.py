"""Batch: the samples that flow through a generation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.errors import DataError


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
    """A batch in which every sample has weight 1, in the samples' own precision."""
    leaf = jax.tree.leaves(x)[0]
    dtype = leaf.dtype if jnp.issubdtype(leaf.dtype, jnp.floating) else jnp.float32
    return Batch(x, jnp.ones(leaf.shape[0], dtype), cond)


def empty(like: Batch, capacity: int) -> Batch:
    """A batch of ``capacity`` absent samples shaped as those of ``like``."""
    return jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape[1:]), leaf.dtype), like)


def concatenate(*batches: Batch) -> Batch:
    """One batch of all samples, in order."""
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *batches)


def take(batch: Batch, index: Array) -> Batch:
    """The samples at ``index`` [M], with their weights."""
    return jax.tree.map(lambda leaf: leaf[index], batch)


def keep(batch: Batch, present: Array) -> Batch:
    """The batch with only the samples where ``present`` [N] is true.

    The others get weight 0 and the value 0, because a weight alone does not stop a NaN: 0 * NaN is NaN.
    """

    def blank(leaf: Array) -> Array:
        mask = present.reshape(-1, *[1] * (leaf.ndim - 1))
        return jnp.where(mask, leaf, jnp.zeros_like(leaf))

    return Batch(jax.tree.map(blank, batch.x), blank(batch.weight), batch.cond)


def usable(batch: Batch) -> tuple[Batch, Array]:
    """The batch that may be computed with, and which of its samples [N] are not finite.

    Those get weight 0, and nulls for just what is not finite in them.
    """
    ill = ~finite_rows(batch.x, batch.capacity)
    x = jax.tree.map(lambda leaf: jnp.where(jnp.isfinite(leaf), leaf, jnp.zeros_like(leaf)), batch.x)
    return Batch(x, jnp.where(ill, jnp.zeros_like(batch.weight), batch.weight), batch.cond), ill


def finite_rows(x: Any, n: int) -> Array:
    """Which of n samples [n] are finite in all their leaves; whole numbers always are."""
    known = jnp.ones(n, bool)
    for leaf in jax.tree.leaves(x):
        known &= jnp.isfinite(leaf).reshape(n, -1).all(1)
    return known


def finite(batch: Batch, what: str = "the data") -> Batch:
    """The batch as it is, or DataError where a present sample or a weight is NaN or infinite, or a weight negative.

    Under a trace nothing is known and nothing is checked.
    """
    leaves = [leaf for leaf in jax.tree.leaves(batch.x) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    if any(isinstance(leaf, jax.core.Tracer) for leaf in (batch.weight, *leaves)):
        return batch
    with jax.ensure_compile_time_eval():  # the data are known, though they be used under a trace
        bad = ~jnp.isfinite(batch.weight) | (batch.weight < 0)
        for leaf in leaves:
            bad |= ~jnp.isfinite(leaf).reshape(leaf.shape[0], -1).all(1) & (batch.weight != 0)
        count, first = int(bad.sum()), int(jnp.argmax(bad))
    if count:
        raise DataError(
            f"{what} hold {count} of {batch.capacity} samples that are NaN or infinite, or of a negative "
            f"weight, the first at row {first}: remove them, or give them weight 0"
        )
    return batch
