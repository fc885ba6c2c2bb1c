"""Failure fallback: a sample that a corrector cannot correct keeps its input, and nobody is trained on it.

Every corrector of the library is wrapped in it, so that all fail alike and none has to think of NaN. N samples.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, finite_rows, usable
from selfloop.protocols import Corrector


def fallback(correct: Corrector) -> Corrector:
    """The same corrector, which now only sees finite samples and fails in one way.

    A sample that is not finite is shown to the corrector as an absent one (weight 0, nulls for what is not finite), so
    that it spoils no other. It fails, as do those in ``info["failed"]``, those of which correction made something not
    finite, weights included, and those that went too far for a finite ``info["moved"]``: they keep what they were (with
    the nulls), get weight 0, and all figures of ``info`` are 0 for them.
    """

    @functools.wraps(correct)
    def checked(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        (x, weight), ill = _usable(batch.x, batch.weight)
        result, info = correct(key, Batch(x, weight, batch.cond), state)
        (x, weight), info = _settled(x, ill, result.x, result.weight, info)
        return Batch(x, weight, result.cond), info

    return checked


@jax.jit
def _usable(x: Any, weight: Array) -> tuple[tuple[Any, Array], Array]:
    given, ill = usable(Batch(x, weight))
    return (given.x, given.weight), ill


@jax.jit
def _settled(
    given: Any, ill: Array, x: Any, weight: Array, info: dict[str, Array]
) -> tuple[tuple[Any, Array], dict[str, Array]]:
    """Corrected samples, weights and info once those that failed are put back to what was ``given``."""
    failed = ill | info["failed"] | ~finite_rows((x, weight, info["moved"]), len(ill))
    nothing = jax.tree.map(jnp.zeros_like, (weight, info))
    weight, info = select(failed, nothing, (weight, info))
    return (select(failed, given, x), weight), info | {"failed": failed}


def select(choice: Array, yes: Any, no: Any) -> Any:
    """Sample by sample, those of ``yes`` where ``choice`` [N] is true, those of ``no`` elsewhere; any pytrees."""

    def leaf(one: Array, other: Array) -> Array:
        return jnp.where(choice.reshape(-1, *[1] * (one.ndim - 1)), one, other)

    return jax.tree.map(leaf, yes, no)
