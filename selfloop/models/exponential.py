"""Natural exponential families with quadratic variance: Poisson, Bernoulli, exponential, gamma, a Gaussian's mean.

    p_mu(x) = h(x) exp(eta(mu) x - Phi(eta(mu))),    Var(x) = V(mu) = v0 + v1 mu + v2 mu^2      (Morris 1982)

The maximum likelihood fit is the mean, so in the mean parameter the loop is globally linear, and v2 is all that its
stationary variance asks of the family. Of the other models, `gaussian` (mean and covariance) and `discrete` follow the
same recursions with v2 = -1, `gaussian_mean` with v2 = 0. Letters: N samples, d dimensions.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import gammaln, xlog1py, xlogy
from jax.typing import ArrayLike

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.limits import concrete, positive
from selfloop.models.linalg import log_normal, root
from selfloop.models.states import MeanState
from selfloop.protocols import Model


class Family(NamedTuple):
    """A family on the line, known by its mean."""

    name: str
    draw: Callable[[Array, Array, tuple[int, ...], jnp.dtype], Array]
    """``draw(key, mean, shape, dtype)``: independent draws; the mean broadcasts to the shape. The key is consumed."""
    log_density: Callable[[Array, Array], Array]
    """``log_density(mean, x)``, elementwise, against the counting or Lebesgue measure."""
    variance: Callable[[Array], Array]
    """V(mean)."""
    v2: float
    """The quadratic coefficient of V."""


POISSON = Family(
    "Poisson",
    lambda key, mean, shape, dtype: jax.random.poisson(key, mean, shape).astype(dtype),
    lambda mean, x: xlogy(x, mean) - mean - gammaln(x + 1),
    lambda mean: mean,
    0.0,
)

BERNOULLI = Family(
    "Bernoulli",
    lambda key, mean, shape, dtype: (jax.random.uniform(key, shape, dtype) < jnp.broadcast_to(mean, shape)).astype(
        dtype
    ),
    lambda mean, x: xlogy(x, mean) + xlog1py(1 - x, -mean),
    lambda mean: mean * (1 - mean),
    -1.0,
)

EXPONENTIAL = Family(
    "exponential",
    lambda key, mean, shape, dtype: jnp.broadcast_to(mean, shape) * jax.random.exponential(key, shape, dtype),
    lambda mean, x: jnp.where(x < 0, -jnp.inf, -x / mean - jnp.log(mean)),
    lambda mean: mean**2,
    1.0,
)


def gamma_family(shape: float) -> Family:
    """Gamma laws of a known shape k: V(mean) = mean^2 / k."""
    positive(shape, "the gamma family's shape")

    def draw(key: Array, mean: Array, size: tuple[int, ...], dtype: jnp.dtype) -> Array:
        return jnp.broadcast_to(mean / shape, size) * jax.random.gamma(key, shape, size, dtype)

    def log_density(mean: Array, x: Array) -> Array:
        rate = shape / mean
        inside = xlogy(shape - 1, jnp.where(x < 0, 1, x)) + shape * jnp.log(rate) - rate * x
        return jnp.where(x < 0, -jnp.inf, inside - gammaln(jnp.asarray(shape, x.dtype)))

    return Family("gamma", draw, log_density, lambda mean: mean**2 / shape, 1 / shape)


def natural_family(family: Family, dtype: jnp.dtype = jnp.float32) -> Model:
    """The model of a family: samples x [N, 1], its state the mean [1], the coordinates too.

        mean = sum_i w_i x_i / sum_i w_i

    A fit forgets the state before it. ``check`` raises ConfigError where the variance is 0: at the edge of the means
    (nothing but zeros seen) the law is a point.
    """

    def sample(key: Array, state: MeanState, cond: None, n: int) -> Batch:
        return uniform(family.draw(key, state.mean, (n, 1), dtype))

    def log_prob(state: MeanState, x: Array) -> Array:
        return jnp.sum(family.log_density(state.mean[None], x), -1)

    def check(state: MeanState) -> None:
        if not np.all(np.asarray(family.variance(state.mean)) > 0):
            raise ConfigError(
                f"the {family.name} law of mean {float(state.mean[0]):.3g} is a single point: its variance is 0; "
                "take more points, so that they differ"
            )

    # Where the unit parameter starts matters to no fit; 1/2 is inside every family.
    return Model(lambda key: MeanState(jnp.full(1, 0.5, dtype)), _fit, sample, log_prob, check=check)


def poisson(dtype: jnp.dtype = jnp.float32) -> Model:
    """Counts of law exp(-mean) mean^x / x!; v2 = 0."""
    return natural_family(POISSON, dtype)


def bernoulli(dtype: jnp.dtype = jnp.float32) -> Model:
    """Zeros and ones, P(x = 1) = mean; v2 = -1."""
    return natural_family(BERNOULLI, dtype)


def exponential(dtype: jnp.dtype = jnp.float32) -> Model:
    """Density exp(-x / mean) / mean on x >= 0; v2 = 1."""
    return natural_family(EXPONENTIAL, dtype)


def gamma(shape: float, dtype: jnp.dtype = jnp.float32) -> Model:
    """Gamma laws of a known shape k, density x^(k-1) exp(-k x / mean) (k / mean)^k / Gamma(k); v2 = 1 / k."""
    return natural_family(gamma_family(shape), dtype)


def gaussian_mean(covariance: ArrayLike, dtype: jnp.dtype = jnp.float32) -> Model:
    """N(mean, covariance) with a known covariance [d, d]: the state is the mean [d]; v2 = 0.

    Raises ConfigError where a concrete covariance is not a square, finite and positive definite matrix.
    """
    if concrete(covariance):
        _regular(np.asarray(covariance), np.finfo(dtype).eps)
    covariance = jnp.asarray(covariance, dtype)
    d = covariance.shape[0]

    def sample(key: Array, state: MeanState, cond: None, n: int) -> Batch:
        noise = jax.random.normal(key, (n, d), dtype)
        return uniform(state.mean[None] + noise @ root(covariance).T)

    def log_prob(state: MeanState, x: Array) -> Array:
        return log_normal(x, state.mean, covariance)

    return Model(lambda key: MeanState(jnp.zeros(d, dtype)), _fit, sample, log_prob)


def _fit(key: Array, batch: Batch, state: MeanState) -> tuple[MeanState, dict]:
    return MeanState(batch.weight @ batch.x / jnp.sum(batch.weight)), {}


def _regular(covariance: np.ndarray, eps: float) -> None:
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or not np.isfinite(covariance).all():
        raise ConfigError(f"the covariance is {covariance.tolist()}; give a square matrix [d, d] of finite numbers")
    values = np.linalg.eigvalsh(covariance)
    if not values[0] > values[-1] * values.size * eps:
        raise ConfigError(
            f"the covariance is singular: its eigenvalues go from {values[0]:.3g} to {values[-1]:.3g}; "
            "a known covariance must be positive definite"
        )
