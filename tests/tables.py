"""The registered models, policies and correctors that the common laws run over: a new one is one row here."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies
from selfloop.batch import Batch, uniform
from selfloop.correctors.biased import biased
from selfloop.correctors.curation import curation, curation_by_weights
from selfloop.correctors.extrapolation import extrapolation
from selfloop.correctors.failing import failing
from selfloop.correctors.idealized import replacement
from selfloop.correctors.labels import relabel, shrink_labels
from selfloop.correctors.markov import hmc, langevin
from selfloop.correctors.smoothing import smoothing
from selfloop.correctors.transport import geodesic, geodesic_empirical, redraw
from selfloop.correctors.unadjusted import minimisation, unadjusted_langevin
from selfloop.correctors.verifier import verifier
from selfloop.models.discrete import discrete
from selfloop.models.exponential import bernoulli, exponential, gamma, gaussian_mean, poisson
from selfloop.models.gaussian import gaussian
from selfloop.models.kde import kernel_density
from selfloop.models.mixture import mixture, mixture_gradient, mixture_locations
from selfloop.models.regression import labelled, regression
from selfloop.models.states import GaussianState
from selfloop.models.student import logistic, student
from selfloop.protocols import Corrector, Model, identity


def normal_draw(key, n):
    """The target law of the tables' correctors: two independent standard normals."""
    return jax.random.normal(key, (n, 2))


class Case(NamedTuple):
    """A model and data that suit it."""

    model: Callable[[jnp.dtype], Model]
    data: Callable[[jax.Array, int, jnp.dtype], Batch]
    smooth: bool = True  # whether the fit is the maximum of a likelihood that its coordinates can be moved in


def column(draw):
    """Data x [n, 1] of ``draw(key, shape)``."""
    return lambda key, n, dtype: uniform(draw(key, (n, 1)).astype(dtype))


def plane(key, n, dtype):
    return uniform(1 + 2 * jax.random.normal(key, (n, 2), dtype))


def two_clusters(key, n, dtype):
    centre = jnp.where(jnp.arange(n)[:, None] % 2 == 0, 0, jnp.asarray([4, 1])[None])
    return uniform(jax.random.normal(key, (n, 2), dtype) + centre.astype(dtype))


def five_symbols(key, n, dtype):
    return Batch((jax.random.permutation(key, n) % 5).astype(jnp.int32), jnp.ones(n, dtype))


def rule(key, n, dtype):
    design, noise = jnp.split(jax.random.normal(key, (n, 4), dtype), [3], axis=1)
    return labelled(design, design @ jnp.asarray([1, -2, 0.5], dtype) + 0.5 * noise[:, 0])


KNOWN = np.asarray([[2.0, 0.5], [0.5, 1.0]])

MODELS = {
    "gaussian": Case(lambda dtype: gaussian(2, dtype), plane),
    "gaussian_mean": Case(lambda dtype: gaussian_mean(KNOWN, dtype), plane),
    "poisson": Case(poisson, column(lambda key, shape: jax.random.poisson(key, 3, shape))),
    "bernoulli": Case(bernoulli, column(lambda key, shape: jax.random.bernoulli(key, 0.3, shape))),
    "exponential": Case(exponential, column(jax.random.exponential)),
    "gamma": Case(lambda dtype: gamma(2.5, dtype), column(lambda key, shape: jax.random.gamma(key, 2.5, shape))),
    "discrete": Case(lambda dtype: discrete(5, dtype), five_symbols),
    "mixture": Case(lambda dtype: mixture(2, 2, dtype=dtype), two_clusters),
    "mixture_gradient": Case(lambda dtype: mixture_gradient(2, 1, dtype=dtype), column(jax.random.gumbel)),
    "mixture_locations": Case(
        lambda dtype: mixture_locations(1.0, np.asarray([0.4, 0.6]), 2, dtype=dtype), two_clusters
    ),
    "student": Case(lambda dtype: student(5.0, dtype), column(lambda key, shape: 3 + 2 * jax.random.t(key, 5, shape))),
    "logistic": Case(logistic, column(jax.random.logistic)),
    "regression": Case(lambda dtype: regression(3, 0.5, dtype), rule),
    "kernel_density": Case(lambda dtype: kernel_density(0.5, 100, 2, dtype), plane, smooth=False),
}

POLICIES = {
    "augment 0": lambda: policies.augment(0.0),
    "augment 0.5": lambda: policies.augment(0.5),
    "weighted 0.6": lambda: policies.weighted(0.6),
    "replace": policies.replace,
    "growing 3, 0.5": lambda: policies.growing(3, 0.5),
    "accumulate": policies.accumulate,
    "accumulate_subsample": policies.accumulate_subsample,
}


class Row(NamedTuple):
    """A corrector of samples [N, 2]."""

    make: Callable[..., Corrector]
    pointwise: bool = False  # whether it looks at each sample alone and uses no key


STRENGTHS = {
    "replacement": Row(lambda gamma: replacement(normal_draw, gamma)),
    "biased": Row(lambda gamma: biased(lambda key, n: 3 + normal_draw(key, n), gamma)),
    "redraw": Row(lambda gamma: redraw(normal_draw, gamma)),
    "geodesic": Row(lambda gamma: geodesic(GaussianState(jnp.zeros(2), jnp.eye(2)), gamma), pointwise=True),
    "geodesic_empirical": Row(lambda gamma: geodesic_empirical(normal_draw, gamma)),
    "smoothing": Row(lambda gamma: smoothing(gamma)),
    "smoothing, near": Row(lambda gamma: smoothing(gamma, 0.5)),
    "relabel": Row(lambda gamma: relabel(jnp.ones(1), 0.5, gamma)),
    "shrink_labels": Row(lambda gamma: shrink_labels(jnp.ones(1), gamma), pointwise=True),
}
"""Correctors by ``make(gamma)``, gamma a strength."""


def first(x):
    """The reward of the tables' curators, and the truth of their verifier where positive: the first coordinate."""
    return x[:, 0]


KERNELS = {
    "langevin": lambda log_density: langevin(log_density, 8, (0.3, 1.2)),
    "hmc": lambda log_density: hmc(log_density, 4, 0.4, 3, jnp.full(2, 1.5)),
}
"""Kernels by ``make(log_density)``, which leave their law invariant."""


def normal_log_density(x):
    """log N(0, I) [N] of samples [N, 2], but for a constant: the law of `normal_draw`."""
    return -(x**2).sum(1) / 2


CORRECTORS = (
    {
        "identity": Row(lambda: identity, pointwise=True),
        "failing": Row(lambda: failing(replacement(normal_draw, 1.0), 0.3)),
        "verifier": Row(lambda: verifier(lambda x: first(x) > 5, 0.9, 0.2)),
        "extrapolation": Row(lambda: extrapolation(gaussian(2, jnp.result_type(float)), 0.5)),
        "curation": Row(lambda: curation(first, 4)),
        "curation_by_weights": Row(lambda: curation_by_weights(first, 4)),
        "curation_by_weights, best of all": Row(lambda: curation_by_weights(first, float("inf"))),
        "unadjusted_langevin": Row(lambda: unadjusted_langevin(normal_log_density, 5, 0.5)),
        "minimisation": Row(lambda: minimisation(normal_log_density, 5, 0.5), pointwise=True),
    }
    | {name: Row(lambda make=make: make(normal_log_density)) for name, make in KERNELS.items()}
    | {
        f"{name} {gamma}": row._replace(make=lambda make=row.make, gamma=gamma: make(gamma))
        for name, row in STRENGTHS.items()
        for gamma in (1.0, float("inf"))
    }
)
"""Correctors by ``make()``."""


class CorrectorState(NamedTuple):
    """What the tables' correctors ask of a state: the law of their samples [N, 2], and a regression's weights."""

    mean: jax.Array
    covariance: jax.Array
    weights: jax.Array


def corrector_state():
    """Two independent normals of mean 5 and variance 1, and the rule label = 2 design."""
    return CorrectorState(jnp.full(2, 5.0), jnp.eye(2), jnp.full(1, 2.0))
