"""The Gaussian model: mean and covariance fitted by maximum likelihood.

Letters: N samples, d dimensions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.loop import Model


class GaussianState(NamedTuple):
    """N(mean, covariance)."""

    mean: Array  # [d]
    covariance: Array  # [d, d]


def gaussian(d: int, dtype: jnp.dtype = jnp.float32) -> Model:
    """Gaussians in d dimensions, fitted by weighted maximum likelihood (the covariance divides by the sum of weights).

        mean = sum_i w_i x_i / W,    covariance = sum_i w_i (x_i - mean) (x_i - mean)^T / W,    W = sum_i w_i

    A fit forgets the state before it. Samples need no positive definite covariance: a collapsed direction is sampled
    as its mean. Raises ConfigError where d is below 1.
    """
    if d < 1:
        raise ConfigError(f"d is {d}; a Gaussian has 1 dimension or more")

    def init(key: Array) -> GaussianState:
        return GaussianState(jnp.zeros(d, dtype), jnp.eye(d, dtype=dtype))

    def fit(key: Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
        share = batch.weight / jnp.sum(batch.weight)
        mean = share @ batch.x
        centred = batch.x - mean[None]
        return GaussianState(mean, (centred * share[:, None]).T @ centred), {}

    def sample(key: Array, state: GaussianState, cond: None, n: int) -> Batch:
        noise = jax.random.normal(key, (n, d), dtype)
        return uniform(state.mean[None] + noise @ _root(state.covariance).T)

    return Model(init, fit, sample, log_prob)


def log_prob(state: GaussianState, x: Array) -> Array:
    """log N(x; mean, covariance) [N] of points [N, d]; NaN where the covariance is singular."""
    root = jnp.linalg.cholesky(state.covariance)
    whitened = jax.scipy.linalg.solve_triangular(root, (x - state.mean[None]).T, lower=True)
    volume = jnp.sum(jnp.log(jnp.diagonal(root))) + x.shape[-1] / 2 * jnp.log(2 * jnp.pi)
    return -jnp.sum(whitened**2, 0) / 2 - volume


def _root(covariance: Array) -> Array:
    """A square root A with A A^T = covariance, also of a singular one."""
    values, vectors = jnp.linalg.eigh(covariance)
    return vectors * jnp.sqrt(jnp.maximum(values, 0))[None]
