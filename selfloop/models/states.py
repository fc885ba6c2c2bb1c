"""States that several modules share."""

from typing import NamedTuple

from jax import Array


class GaussianState(NamedTuple):
    """N(mean, covariance)."""

    mean: Array  # [d]
    covariance: Array  # [d, d]


class MeanState(NamedTuple):
    """A law known by its mean alone."""

    mean: Array  # [d]
