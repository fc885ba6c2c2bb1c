"""Models as users write them, right and wrong in one thing each: what a certificate must tell apart."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.scipy.special import betaln, i0e

from selfloop.batch import uniform
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Model


class Two(NamedTuple):
    """Two free numbers."""

    a: Array
    b: Array


def user(log_prob, draw=None, fit=None):
    """A model of a log density, of draws ``draw(key, state, n)`` [n, 1], and of a fit that is mostly not needed."""
    return Model(
        lambda key: Two(jnp.zeros(()), jnp.zeros(())),
        fit or (lambda key, batch, state: (state, {})),
        lambda key, state, cond, n: uniform(draw(key, state, n)),
        log_prob,
    )


def _beta(state, x):
    a, b, y = jnp.exp(state.a), jnp.exp(state.b), x[:, 0]
    return (a - 1) * jnp.log(y) + (b - 1) * jnp.log1p(-y) - betaln(a, b)


def _von_mises(state, x):
    k = jnp.sqrt(state.a**2 + state.b**2)
    return state.a * jnp.cos(x[:, 0]) + state.b * jnp.sin(x[:, 0]) - jnp.log(2 * jnp.pi * i0e(k)) - k


def _laplace(state, x):
    return -jnp.abs(x[:, 0] - state.a) * jnp.exp(-state.b) - state.b - jnp.log(2.0)


BETA = user(_beta, lambda key, s, n: jax.random.beta(key, jnp.exp(s.a), jnp.exp(s.b), (n, 1)))
VON_MISES = user(_von_mises)
LAPLACE = user(_laplace, lambda key, s, n: s.a + jnp.exp(s.b) * jax.random.laplace(key, (n, 1)))

GAUSSIAN = gaussian(1, jnp.float64)


def half_as_wide(key, state, cond, n):
    """Samples of the Gaussian, at half its standard deviation: a temperature."""
    return GAUSSIAN.sample(key, state._replace(covariance=state.covariance / 4), cond, n)


def shrunk(key, batch, state):
    """The Gaussian's fit with a mean half way to 0: a penalty as heavy as the data."""
    found, info = GAUSSIAN.fit(key, batch, state)
    return found._replace(mean=found.mean / 2), info


COOLED = GAUSSIAN._replace(sample=half_as_wide)
PENALISED = GAUSSIAN._replace(fit=shrunk)
UNNORMALISED = GAUSSIAN._replace(
    log_prob=lambda s, x: -((x[:, 0] - s.mean[0]) ** 2) / 2 / s.covariance[0, 0], coordinates=None
)
HIDDEN = GAUSSIAN._replace(
    log_prob=lambda s, x: (
        GAUSSIAN.log_prob(s._replace(covariance=jax.lax.stop_gradient(s.covariance)), x)
        - (x[:, 0] - s.mean[0]) ** 2 / 2 * (1 / s.covariance[0, 0] - jax.lax.stop_gradient(1 / s.covariance[0, 0]))
    )
)
COLUMN = GAUSSIAN._replace(log_prob=lambda s, x: GAUSSIAN.log_prob(s, x)[:, None])


class Place(NamedTuple):
    """Where a law is."""

    mean: Array  # [d]


def student_place(d, dof=5.0, dtype=jnp.float64):
    """Student's t in d dimensions, of known scale: F = (dof + d) / (dof + d + 2) I, and no exponential family."""

    def log_prob(state, x):
        return -(dof + d) / 2 * jnp.log1p(jnp.sum((x - state.mean[None]) ** 2, 1) / dof)

    def sample(key, state, cond, n):
        normal, chi = jax.random.split(key)
        scale = jnp.sqrt(dof / 2 / jax.random.gamma(chi, dof / 2, (n, 1), dtype))
        return uniform(state.mean[None] + scale * jax.random.normal(normal, (n, d), dtype))

    return Model(lambda key: Place(jnp.zeros(d, dtype)), lambda key, b, s: (s, {}), sample, log_prob)
