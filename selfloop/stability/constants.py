"""The constants alpha, L and eps on which the published stability bounds stand, for a model and data.

They depend on the coordinates; the exact rate does not. Letters: P coordinates, N points, d dimensions.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.metrics.wasserstein import wasserstein1
from selfloop.protocols import Model
from selfloop.stability.curvature import Curvature, columns, coordinates
from selfloop.stability.precision import Number, floats


class Constants(NamedTuple):
    """Assumptions 1 to 3 of Bertrand et al. and Gillman et al., as numbers."""

    alpha: Number
    """The smallest eigenvalue of H: the likelihood's strong concavity at theta*."""
    lipschitz: Number
    """L: how fast the Hessian of log p changes along x, where the data are."""
    eps: Number
    """W1 between the data and the model at theta*."""


def eta(constants: Constants) -> Array:
    """``eps L / alpha``, the only way the three enter a rate; free of the unit of x."""
    alpha, lipschitz, eps = floats(*constants)
    product = jnp.where((eps == 0) | (lipschitz == 0), 0, eps * lipschitz)  # no misfit, or no slope: F = H
    return product / alpha


def alpha(c: Curvature) -> Array:
    """``lambda_min(H)``."""
    return jnp.linalg.eigvalsh(c.H)[0]


def lipschitz(model: Model, state: Any, points: Array, radius: float = 0.0) -> Array:
    """L: the largest ``|d/dx Hess_theta log p(x)|`` over points x [N, d], theta at and ``radius`` around the state.

    On the line the operator norm, exactly; in more dimensions ``sqrt(sum_j |d/dx_j Hess|^2)``, which is no less.
    With a radius, theta also moves by it up and down along each coordinate: a lower estimate of the ball's supremum.
    Labels (integers [N]) are at distance 1 from each other: L is then at most twice the largest
    ``|Hess(x) - Hess(x_0)|``. A model whose Hessian does not depend on x gives 0 to rounding.
    """
    theta = coordinates(model, state).theta(state)
    offsets = radius * np.concatenate([np.eye(theta.size), -np.eye(theta.size)]) if radius else []
    slopes = [_slope(model, state, theta + offset, points) for offset in [np.zeros(theta.size), *offsets]]
    return jnp.max(jnp.stack(slopes))


def _slope(model: Model, state: Any, theta: Array, points: Array) -> Array:
    if jnp.issubdtype(points.dtype, jnp.integer):
        hessians = _hessians(model, state, theta, points)
        return 2 * jnp.max(_norms(hessians - hessians[:1]))
    slopes = [_slopes(model, state, theta, points, axis) for axis in jnp.eye(points.shape[1], dtype=points.dtype)]
    return jnp.max(jnp.sqrt(sum(_norms(slope) ** 2 for slope in slopes)))


@partial(jax.jit, static_argnums=0)
def _hessians(model: Model, state: Any, theta: Array, x: Array) -> Array:
    """The Hessian of log p at every sample [N, P, P]."""
    chart = coordinates(model, state)
    return columns(lambda t: columns(lambda s: model.log_prob(chart.state(s), x), t), theta)


@partial(jax.jit, static_argnums=0)
def _slopes(model: Model, state: Any, theta: Array, x: Array, axis: Array) -> Array:
    """The derivative of `_hessians` along a direction [d] of x."""
    chart = coordinates(model, state)

    def along(t: Array) -> Array:
        return jax.jvp(lambda y: model.log_prob(chart.state(t), y), (x,), (jnp.broadcast_to(axis, x.shape),))[1]

    return columns(lambda t: columns(along, t), theta)


def _norms(matrices: Array) -> Array:
    """The operator norms [N] of symmetric matrices [N, P, P]."""
    return jnp.max(jnp.abs(jnp.linalg.eigvalsh(matrices)), -1)


def eps(data: Batch, own: Batch, points: int = 1000) -> Array:
    """W1 between two laws: exact on the line and for labels (total variation), an upper bound in more dimensions.

    In d dimensions it is the cost of the best assignment between ``points`` equally likely points of each law (their
    own samples where those are as many): that of a coupling, so no less than W1 of those points.
    """
    if jnp.issubdtype(data.x.dtype, jnp.integer):
        size = int(max(data.x.max(), own.x.max())) + 1
        masses = [jnp.zeros(size, jnp.result_type(float)).at[law.x].add(_share(law)) for law in (data, own)]
        return jnp.sum(jnp.abs(masses[0] - masses[1])) / 2
    if data.x.shape[1] == 1:
        return wasserstein1(data.x[:, 0], own.x[:, 0], data.weight, own.weight)
    from scipy.optimize import linear_sum_assignment  # slow to import, seldom needed

    x, y = (_equally_likely(law, points) for law in (data, own))
    cost = np.linalg.norm(x[:, None] - y[None], axis=-1)
    return jnp.asarray(cost[linear_sum_assignment(cost)].mean())


def _equally_likely(law: Batch, points: int) -> np.ndarray:
    """``points`` samples of the law, each as often as its weight says."""
    steps = np.cumsum(np.asarray(_share(law)))
    index = np.searchsorted(steps, (np.arange(points) + 0.5) / points * steps[-1])
    return np.asarray(law.x)[index]


def _share(law: Batch) -> Array:
    return law.weight / jnp.sum(law.weight)
