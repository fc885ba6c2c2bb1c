"""Models beside data of another law, with the numbers that two independent computations gave for them."""

import jax.numpy as jnp
from jax.scipy.stats import norm

from selfloop.models.gaussian import gaussian
from selfloop.models.student import student
from selfloop.stability import quadrature

GAUSSIAN = gaussian(1, jnp.float64)
STUDENT = student(5.0, jnp.float64)
"""One object each: programs are compiled once for a model."""


def normals(weights, means, scales):
    """The log density, of x [N, 1], of a mixture of normals."""
    weights, means, scales = (jnp.asarray(v) for v in (weights, means, scales))

    def log_density(x):
        return jnp.log(jnp.exp(norm.logpdf(x, means[None], scales[None])) @ weights)

    return log_density


def skewed(nodes=2001):
    """0.7 N(-0.5, 0.5^2) + 0.3 N(2, 1.2^2) on the line."""
    return quadrature.weigh(quadrature.line(nodes), normals([0.7, 0.3], [-0.5, 2.0], [0.5, 1.2]))


def bimodal(nodes=2001):
    """Two normals of deviation 0.5 at -3 and 3."""
    return quadrature.weigh(quadrature.line(nodes), normals([0.5, 0.5], [-3.0, 3.0], [0.5, 0.5]))
