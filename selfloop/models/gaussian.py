"""The Gaussian model: mean and covariance fitted by maximum likelihood.

Letters: N samples, d dimensions.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.charts import location_scale
from selfloop.models.limits import columns
from selfloop.models.linalg import log_normal, root
from selfloop.models.states import GaussianState
from selfloop.protocols import Model


def gaussian(d: int, dtype: jnp.dtype = jnp.float32) -> Model:
    """Gaussians in d dimensions, fitted by weighted maximum likelihood (the covariance divides by the sum of weights).

        mean = sum_i w_i x_i / W,    covariance = sum_i w_i (x_i - mean) (x_i - mean)^T / W,    W = sum_i w_i

    A fit forgets the state before it. Samples need no positive definite covariance: a collapsed direction is sampled
    as its mean. Its coordinates are `charts.location_scale`; ``gaussian(d)._replace(coordinates=...)`` takes others.
    Raises ConfigError where d is below 1, or a fit has room for fewer than d + 2 points.
    """
    if d < 1:
        raise ConfigError(f"d is {d}; a Gaussian has 1 dimension or more")

    def init(key: Array) -> GaussianState:
        return GaussianState(jnp.zeros(d, dtype), jnp.eye(d, dtype=dtype))

    def fit(key: Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
        columns(batch, d, "a Gaussian")
        if batch.capacity < d + 2:
            raise ConfigError(
                f"n is {batch.capacity}; a mean and a covariance in {d} dimensions need {d + 2} points or more"
            )
        share = batch.weight / jnp.sum(batch.weight)
        mean = share @ batch.x
        centred = batch.x - mean[None]
        return GaussianState(mean, (centred * share[:, None]).T @ centred), {}

    def sample(key: Array, state: GaussianState, cond: None, n: int) -> Batch:
        noise = jax.random.normal(key, (n, d), dtype)
        return uniform(state.mean[None] + noise @ root(state.covariance).T)

    return Model(init, fit, sample, log_prob, location_scale(d), check)


def log_prob(state: GaussianState, x: Array) -> Array:
    """log N(x; mean, covariance) [N] of points [N, d]; NaN where the covariance is singular."""
    return log_normal(x, state.mean, state.covariance)


def check(state: GaussianState) -> None:
    """ConfigError where the covariance is singular: such a Gaussian has no density."""
    values = jnp.linalg.eigvalsh(state.covariance)
    if not values[0] > values[-1] * values.shape[0] * jnp.finfo(values.dtype).eps:
        raise ConfigError(
            f"the covariance is singular: its eigenvalues go from {values[0]:.3g} to {values[-1]:.3g}; "
            "take more points, or drop the directions in which they do not vary"
        )
