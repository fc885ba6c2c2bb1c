"""Batch: the samples that flow through a generation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
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
    """A batch in which every sample has weight 1, in the samples' own precision (as far as JAX has it turned on).

    ``x`` is an array [N, ...], what NumPy makes one of (rows of numbers, a data frame), or a pytree of such; ``cond``
    is None or the same. Raises DataError where that is no array of numbers, or leaves have other numbers N of samples.
    """
    x, cond = arrays(x, "x"), arrays(cond, "cond")
    leaves = jax.tree.leaves(x)
    if not leaves:
        raise DataError("x holds no array; give samples [N, ...]")
    sizes = [leaf.shape[:1] for leaf in (*leaves, *jax.tree.leaves(cond))]
    if () in sizes or len(set(sizes)) > 1:
        told = ", ".join(look(leaf) for leaf in (*leaves, *jax.tree.leaves(cond)))
        raise DataError(f"x and cond hold {told}; all need one leading axis of N samples")
    dtype = leaves[0].dtype if jnp.issubdtype(leaves[0].dtype, jnp.floating) else jnp.float32
    return Batch(x, jnp.ones(leaves[0].shape[0], dtype), cond)


def arrays(tree: Any, what: str) -> Any:
    """The pytree with arrays for leaves: rows of numbers and whatever has ``__array__`` become one.

    Raises:
        DataError: where a leaf is no array of numbers.
    """
    if isinstance(tree, list | tuple) and all(isinstance(leaf, int | float) for leaf in jax.tree.leaves(tree)):
        return _array(tree, what)
    return jax.tree.map(lambda leaf: _array(leaf, what), tree)


def _array(leaf: Any, what: str) -> Array:
    if isinstance(leaf, jax.Array):
        return leaf
    try:
        found = np.asarray(leaf)
        if found.dtype.kind not in "biuf":
            raise TypeError(f"{found.dtype}{list(found.shape)}")
        return jnp.asarray(found)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} is no array of numbers ({str(error).splitlines()[0]}); give rows of numbers"
        ) from error


def look(value: Any) -> str:
    """A value in a message: dtype and shape of an array, a batch or a pytree of such, else the name of its type."""
    if value is None:
        return "nothing"
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype}{list(value.shape)}"
    leaves = jax.tree.leaves(value)
    if isinstance(value, dict) and leaves:
        return "{" + ", ".join(f"{name}: {look(one)}" for name, one in value.items()) + "}"
    return type(value).__name__


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
    """The batch as it is, or DataError where it holds no sample of a weight above 0, where a present sample or a weight
    is NaN or infinite, a weight is negative, or weights are no floats.

    Under a trace the numbers are not known and not checked.
    """
    if not isinstance(batch, Batch):
        raise DataError(f"{what} are {look(batch)}; give a Batch (selfloop.uniform makes one of an array)")
    if getattr(batch.weight, "ndim", None) != 1 or not jnp.issubdtype(batch.weight.dtype, jnp.floating):
        raise DataError(f"{what} have weights {look(batch.weight)}; give float [N], one a sample")
    if not batch.capacity:
        raise DataError(f"{what} hold no samples; give 1 or more")
    leaves = [leaf for leaf in jax.tree.leaves(batch.x) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    if any(isinstance(leaf, jax.core.Tracer) for leaf in (batch.weight, *leaves)):
        return batch
    with jax.ensure_compile_time_eval():  # the data are known, though they be used under a trace
        bad = ~jnp.isfinite(batch.weight) | (batch.weight < 0)
        for leaf in leaves:
            bad |= ~jnp.isfinite(leaf).reshape(leaf.shape[0], -1).all(1) & (batch.weight != 0)
        count, first, present = int(bad.sum()), int(jnp.argmax(bad)), bool((batch.weight > 0).any())
    if not count and not present:
        raise DataError(f"{what} hold {batch.capacity} samples of weight 0: there is nothing to learn from")
    if count:
        raise DataError(
            f"{what} hold {count} of {batch.capacity} samples that are NaN or infinite, or of a negative "
            f"weight, the first at row {first}: remove them, or give them weight 0"
        )
    return batch


def sound(tree: Any) -> Array:
    """Whether a pytree holds only finite numbers in its floating leaves: a chain's that does not has diverged."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves] or [jnp.ones((), bool)]).all()
