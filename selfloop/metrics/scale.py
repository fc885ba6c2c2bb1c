"""Standardisation of features by a reference: what makes distances in different units comparable.

Shapes: N samples, M of a reference, F features.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


class Scale(NamedTuple):
    """Mean [F] and divisor [F] by which features are standardised."""

    mean: Array
    deviation: Array


def scale_of(values: Array, floor: float = 0.1) -> Scale:
    """The scale of reference features [M, F].

    No divisor is smaller than ``floor`` times the root mean square of all: what hardly varies in the reference does not
    rule the distance.
    """
    deviation = values.std(0)
    least = floor * jnp.sqrt((deviation**2).mean())
    return Scale(values.mean(0), jnp.maximum(deviation, jnp.maximum(least, 1e-6)))


def standardise(values: Array, scale: Scale) -> Array:
    """``(values - mean) / deviation`` of features [N, F]."""
    return (values - scale.mean[None]) / scale.deviation[None]


def log_points(values: Array, reference: Array, least: Array, floor: float) -> Array:
    """Features [N, F], each 0 or more, as logarithms of multiples of the reference's own, standardised by its spread.

        log(1 + value / unit),    unit the mean over the reference [M, F], but ``least`` [F] at least

    What is as the reference lies where the reference does: 0 is not the target, but the reference's own figure.
    ``floor`` is that of `scale_of`.
    """
    unit = jnp.maximum(reference.mean(0), least.astype(reference.dtype))[None]
    return standardise(jnp.log1p(values / unit), scale_of(jnp.log1p(reference / unit), floor))
