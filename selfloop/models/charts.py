"""Coordinates of a Gaussian's states: location and scale, natural parameters, mean parameters.

All have P = d + d (d + 1) / 2 numbers. The model, its fits and its loop are the same in each; the Jacobian's spectrum
is too (it is invariant), while the alpha and L of the published bounds are not. Letters: d dimensions.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.models.linalg import root
from selfloop.models.states import GaussianState
from selfloop.protocols import Coordinates


def location_scale(d: int) -> Coordinates:
    """theta = (mean, lower triangle of the Cholesky factor C with log-diagonal), covariance = C C^T."""

    def theta(state: GaussianState) -> Array:
        factor = root(state.covariance)
        factor = jnp.where(jnp.eye(d, dtype=bool), jnp.log(jnp.diagonal(factor))[:, None], factor)
        return jnp.concatenate([state.mean, factor[jnp.tril_indices(d)]])

    def state(theta: Array) -> GaussianState:
        factor = _lower(theta[d:], d)
        factor = jnp.where(jnp.eye(d, dtype=bool), jnp.exp(jnp.diagonal(factor))[:, None], factor)
        return GaussianState(theta[:d], factor @ factor.T)

    return Coordinates(theta, state)


def natural(d: int) -> Coordinates:
    """theta = (covariance^-1 mean, the lower triangle of -covariance^-1 / 2): natural parameters of (x, x x^T)."""

    def theta(state: GaussianState) -> Array:
        precision = jnp.linalg.inv(state.covariance)
        return jnp.concatenate([precision @ state.mean, (-precision / 2)[jnp.tril_indices(d)]])

    def state(theta: Array) -> GaussianState:
        covariance = jnp.linalg.inv(-2 * _symmetric(theta[d:], d))
        return GaussianState(covariance @ theta[:d], covariance)

    return Coordinates(theta, state)


def mean_parameters(d: int) -> Coordinates:
    """theta = (mean, the lower triangle of the raw second moment E x x^T), in which the loop is globally linear."""

    def theta(state: GaussianState) -> Array:
        second = state.covariance + state.mean[:, None] * state.mean[None]
        return jnp.concatenate([state.mean, second[jnp.tril_indices(d)]])

    def state(theta: Array) -> GaussianState:
        mean = theta[:d]
        return GaussianState(mean, _symmetric(theta[d:], d) - mean[:, None] * mean[None])

    return Coordinates(theta, state)


def _lower(entries: Array, d: int) -> Array:
    return jnp.zeros((d, d), entries.dtype).at[jnp.tril_indices(d)].set(entries)


def _symmetric(entries: Array, d: int) -> Array:
    lower = _lower(entries, d)
    return lower + lower.T - jnp.diag(jnp.diagonal(lower))
