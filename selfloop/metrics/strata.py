"""Post-stratification: a reference weighed until its labels are as frequent as those of the samples it is held against.

Generators are asked for labels, and a reference has them as they come; where the frequencies differ two laws differ by
them alone. Shapes: N raw samples, M reference samples, L labels, B weightings.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.errors import ConfigError

FEWEST = 5
"""Samples a label, on average of either side, under which labels are names of samples and are not compared."""


class Strata(NamedTuple):
    """The labels of both sides, numbered from 0."""

    raw: Array
    """[N] int32."""
    reference: Array
    """[M] int32; those that the raw samples lack have one of their own, the last."""
    numbers: Array
    """0 to L - 1."""

    @property
    def count(self) -> int:
        """L."""
        return self.numbers.shape[0]


def labels(batch: Batch, given: Any, name: str) -> np.ndarray | None:
    """The labels [N]: those given, else the batch's own where its condition is integers [N] or has such a ``label``."""
    if given is not None:
        found = np.asarray(given)
        if found.shape != (batch.capacity,):
            raise ConfigError(f"{name} has the shape {list(found.shape)}; give one each for {batch.capacity} samples")
        return found
    own = batch.cond.get("label") if isinstance(batch.cond, dict) else batch.cond
    dtype = getattr(own, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jnp.integer) or np.shape(own) != (batch.capacity,):
        return None
    return np.asarray(own)


def compared(
    raw: np.ndarray, reference: np.ndarray, raw_here: np.ndarray, reference_here: np.ndarray
) -> tuple[Strata | None, np.ndarray]:
    """The labels that both have, and which raw samples [N] have one of them; None where labels cannot be compared.

    ``_here`` says which samples are present.
    """
    common = np.intersect1d(raw[raw_here], reference[reference_here])
    if not len(common) or min(raw_here.sum(), reference_here.sum()) < FEWEST * len(common):
        return None, np.ones(len(raw), bool)
    known = np.isin(raw, common)
    numbers = [np.where(np.isin(one, common), np.searchsorted(common, one), len(common)) for one in (raw, reference)]
    return Strata(*(jnp.asarray(one, jnp.int32) for one in (*numbers, np.arange(len(common))))), known


def matched(strata: Strata, raw: Array, reference: Array) -> Array:
    """Factors [B, M] of reference weights [B, M] that give every label the share it has of raw weights [B, N]."""
    have, want = (_totals(weights, of, strata.numbers) for weights, of in
                  ((reference, strata.reference), (raw, strata.raw)))  # fmt: skip
    factor = jnp.where(have > 0, want / jnp.where(have > 0, have, 1), 0)
    return jnp.concatenate([factor, jnp.zeros_like(factor[:, :1])], 1)[:, strata.reference]


def _totals(weights: Array, label: Array, numbers: Array) -> Array:
    """The weight [B, L] of each label."""
    return weights @ (label[:, None] == numbers[None]).astype(weights.dtype)
