"""Location and scale of laws on the line with tails heavier than a Gaussian's: Student's t, logistic.

    log p(x) = log f(z) - log s,    z = (x - location) / s

These are no exponential families in (location, s): the loop's Jacobian has eigenvalues on both sides of the
exponential families' when the data are of another law. Letters: N samples.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.limits import enough, positive
from selfloop.models.newton import maximise
from selfloop.protocols import Model


class LocationScale(NamedTuple):
    """A law's place and width; both are free real numbers, so the state is its own coordinates."""

    location: Array  # []
    log_scale: Array  # []


class Shape(NamedTuple):
    """A symmetric law on the line, of location 0 and scale 1."""

    log_density: Callable[[Array], Array]
    """log f(z), elementwise."""
    pull: Callable[[Array], Array]
    """-(d/dz log f(z)) / z, falling in |z|: the weight of a point in reweighted least squares."""
    draw: Callable[[Array, tuple[int, ...], jnp.dtype], Array]
    """``draw(key, shape, dtype)``; the key is consumed."""


def location_scale(shape: Shape, dtype: jnp.dtype = jnp.float32, reweighted: int = 12, newton: int = 8) -> Model:
    """Maximum likelihood location and scale of a shape; samples x [N, 1].

    A fit starts from the mean and the standard deviation, takes ``reweighted`` steps of reweighted least squares
    (for Student's t this is EM; each raises the likelihood, from however far) and ends with ``newton`` damped Newton
    steps. It forgets the state before it. Points that are all equal give scale 0, which ``check`` refuses with
    ConfigError; so is a fit with room for fewer than 3 points.
    """

    def fit(key: Array, batch: Batch, state: LocationScale) -> tuple[LocationScale, dict]:
        enough(batch, 3, "a location and a scale")
        share, x = batch.weight / jnp.sum(batch.weight), batch.x[:, 0]
        mean = share @ x
        spread = jnp.sqrt(share @ (x - mean) ** 2)
        z = (x - mean) / jnp.where(spread > 0, spread, 1)

        def reweigh(_: Array, now: tuple[Array, Array]) -> tuple[Array, Array]:
            location, scale = now
            weight = share * shape.pull((z - location) / scale)
            location = weight @ z / jnp.sum(weight)
            # The floor keeps a point that most samples share from ending the arithmetic in 0 / 0.
            return location, jnp.maximum(jnp.sqrt(weight @ (z - location) ** 2), jnp.finfo(dtype).tiny ** 0.25)

        location, scale = jax.lax.fori_loop(0, reweighted, reweigh, (jnp.zeros((), dtype), jnp.ones((), dtype)))
        start = jnp.stack([location, jnp.log(scale)])
        location, log_scale = maximise(lambda theta: share @ density(theta[0], theta[1], z), start, newton)
        return LocationScale(mean + spread * location, jnp.log(spread) + log_scale), {}

    def density(location: Array, log_scale: Array, x: Array) -> Array:
        return shape.log_density((x - location) * jnp.exp(-log_scale)) - log_scale

    def sample(key: Array, state: LocationScale, cond: None, n: int) -> Batch:
        return uniform(state.location + jnp.exp(state.log_scale) * shape.draw(key, (n, 1), dtype))

    def init(key: Array) -> LocationScale:
        return LocationScale(jnp.zeros((), dtype), jnp.zeros((), dtype))

    def log_prob(state: LocationScale, x: Array) -> Array:
        return density(state.location, state.log_scale, x[:, 0])

    return Model(init, fit, sample, log_prob, check=check)


def student(dof: float, dtype: jnp.dtype = jnp.float32) -> Model:
    """Student's t with a known number of degrees of freedom nu > 0; see `location_scale`.

    f(z) = Gamma((nu + 1) / 2) / (Gamma(nu / 2) sqrt(nu pi)) (1 + z^2 / nu)^(-(nu + 1) / 2)
    """
    positive(dof, "dof, Student's degrees of freedom,")
    constant = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - math.log(dof * math.pi) / 2
    shape = Shape(
        lambda z: constant - (dof + 1) / 2 * jnp.log1p(z**2 / dof),
        lambda z: (dof + 1) / (dof + z**2),
        lambda key, shape, dtype: _draw(key, dof, shape, dtype),
    )
    return location_scale(shape, dtype)


def _draw(key: Array, dof: float, shape: tuple[int, ...], dtype: jnp.dtype) -> Array:
    """z / sqrt(chi^2 / nu); of few whole degrees chi^2 is the sum of squares that it is, without rejection."""
    if dof != int(dof) or dof > 16:
        return jax.random.t(key, dof, shape, dtype)
    normal = jax.random.normal(key, (int(dof) + 1, *shape), dtype)
    return normal[0] * jax.lax.rsqrt(jnp.mean(normal[1:] ** 2, 0))


def logistic(dtype: jnp.dtype = jnp.float32) -> Model:
    """The logistic law, f(z) = 1 / (4 cosh(z / 2)^2), of variance s^2 pi^2 / 3; see `location_scale`."""
    shape = Shape(
        lambda z: jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z),
        lambda z: jnp.tanh(z / 2) / jnp.where(z == 0, 1, z) + jnp.where(z == 0, 0.5, 0).astype(z.dtype),
        jax.random.logistic,
    )
    return location_scale(shape, dtype)


def check(state: LocationScale) -> None:
    """ConfigError where the scale is 0: the law is a single point."""
    if not jnp.isfinite(state.log_scale):
        raise ConfigError(
            f"the scale is {float(jnp.exp(state.log_scale)):.3g} at location {float(state.location):.3g}: "
            "take points that are not all equal"
        )
