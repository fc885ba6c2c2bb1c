"""A loop that only a verifier keeps: first it gains, then it learns the verifier's own centre.

A Gaussian's mean mu, known variance 1, is fitted to n real points once and from then on to m accepted points of the
model. The verifier accepts a point y with probability exp(-(y - c)^2 / (2 kappa^2)), c what it believes. Accepted
points of N(mu, 1) are N(tau mu + (1 - tau) c, tau), tau = kappa^2 / (1 + kappa^2), so that with b = c - mu*

    E (mu_t - mu*)^2 = (1 - tau^t)^2 b^2 + tau^(2 t) / n + (tau / m) (1 - tau^(2 t)) / (1 - tau^2)

exactly: selection narrows (tau for 1) and pulls. Source: Yi, Liu, Cheng, Xu, arXiv 2510.16657 (near-term gain, then the
verifier's knowledge centre), as recalled; not re-read; the Gaussian case derived here. Letters: T generations.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def verified_path(n: Number, m: Number, tau: Number, bias: Number, generations: int) -> Array:
    """E (mu_t - mu*)^2 [T + 1] in units of one point's variance; ``bias`` is c - mu*, tau lies in (0, 1)."""
    n, m, tau, bias = floats(n, m, tau, bias)
    memory = tau ** jnp.arange(generations + 1, dtype=tau.dtype)
    noise = (tau / m) * (1 - memory**2) / (1 - tau**2)
    return (1 - memory) ** 2 * bias**2 + memory**2 / n + noise


def verified_limit(m: Number, tau: Number, bias: Number) -> Array:
    """``b^2 + tau / (m (1 - tau^2))``: the verifier's own error, and the noise that is left."""
    m, tau, bias = floats(m, tau, bias)
    return bias**2 + tau / (m * (1 - tau**2))


def best_generation(n: Number, m: Number, tau: Number, bias: Number) -> Array:
    """The generation (not rounded) at which the error is least; 0 where the first one brings nothing.

        log z / log tau,    z = b^2 / (b^2 + 1 / n - tau / (m (1 - tau^2)))

    There is a gain where 1 / n, the error of the first fit, exceeds the noise tau / (m (1 - tau^2)); without bias the
    best generation is the last, inf.
    """
    n, m, tau, bias = floats(n, m, tau, bias)
    room = 1 / n - tau / (m * (1 - tau**2))
    return jnp.where(room > 0, -jnp.log1p(jnp.maximum(room, 0) / bias**2) / jnp.log(tau), 0)
