"""Curvature of the likelihood at the optimum, in a model's coordinates theta [P]; the population maps of the loop.

Laws are batches (`laws`): population quadratures, or samples. Letters: P coordinates, N samples or nodes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree

from selfloop.batch import Batch
from selfloop.protocols import Coordinates, Model
from selfloop.stability import quadrature
from selfloop.stability.precision import Number, floats


class Curvature(NamedTuple):
    """What the local theory needs of a model at theta* and of the data: three symmetric matrices [P, P]."""

    H: Array
    """``-E_data Hess log p``: how sharply the data tell theta. Written -A in the papers."""
    F: Array
    """``E_own s s^T = -E_own Hess log p``, the Fisher information, s the score. Written -B in the papers."""
    C: Array
    """``Cov_data(s)``; equals H and F where the data are of the model."""


def coordinates(model: Model, state: Any) -> Coordinates:
    """The model's coordinates; without any, the real leaves of a state like this one, one after the other.

    Whole numbers in the state (a count of steps) are no parameters: they stay what they are.
    """
    if model.coordinates is not None:
        return model.coordinates
    leaves, tree = jax.tree.flatten(state)
    real = [jnp.issubdtype(jnp.asarray(leaf).dtype, jnp.floating) for leaf in leaves]

    def theta(s: Any) -> Array:
        return ravel_pytree([leaf for leaf, free in zip(jax.tree.leaves(s), real, strict=True) if free])[0]

    _, back = ravel_pytree([leaf for leaf, free in zip(leaves, real, strict=True) if free])

    def whole(values: Array) -> Any:
        free = iter(back(values))
        return tree.unflatten([next(free) if one else leaf for leaf, one in zip(leaves, real, strict=True)])

    return Coordinates(theta, whole)


@partial(jax.jit, static_argnums=0)
def curvature(model: Model, state: Any, data: Batch, own: Batch) -> Curvature:
    """H, F and C at a state, usually the `optimum`; ``own`` is the law of that state (`quadrature.own`, or a sample).

    F is taken as the second moment of scores: positive semi-definite, and a tensor under changes of coordinates, even
    where ``own`` is a sample.
    """
    chart = coordinates(model, state)
    theta = chart.theta(state)
    at_data = _scores(model, chart, theta, data)
    centred = at_data - quadrature.average(data.weight, at_data)[None]
    hessian = columns(jax.grad(partial(_likelihood, model, chart, data)), theta)
    return Curvature(-_symmetric(hessian), fisher(model, state, own), _second(data.weight, centred))


@partial(jax.jit, static_argnums=0)
def fisher(model: Model, state: Any, own: Batch) -> Array:
    """F alone [P, P]."""
    chart = coordinates(model, state)
    return _second(own.weight, _scores(model, chart, chart.theta(state), own))


@partial(jax.jit, static_argnums=0)
def optimum(model: Model, state: Any, data: Batch) -> Any:
    """The state of highest ``E_data log p``, the local one reached from ``state``: theta* where data is the population.

    Newton's method in the model's coordinates; state and data in float64.
    """
    chart = coordinates(model, state)
    theta, _ = maximum(partial(_likelihood, model, chart, data), chart.theta(state))
    return chart.state(theta)


@partial(jax.jit, static_argnums=0)
def update(model: Model, now: Any, data: Batch, nodes: Batch, lam: Number, gamma: Number, star: Any) -> Any:
    """The population map ``pi_gamma G_lambda``: the state after one generation with infinite samples.

        argmax_theta  E_data log p_theta + lam E_q log p_theta,    q = (p_now + gamma p_star) / (1 + gamma)

    locally, from ``now``. States in, state out; both laws of q are taken on the ``nodes``.
    """
    chart = coordinates(model, now)
    lam, gamma = floats(lam, gamma)
    kept = 1 / (1 + gamma)
    parts = [quadrature.own(model, state, nodes).weight for state in (now, star)]
    mixture = nodes._replace(weight=kept * parts[0] / jnp.sum(parts[0]) + (1 - kept) * parts[1] / jnp.sum(parts[1]))

    def objective(theta: Array) -> Array:
        real, synthetic = (_likelihood(model, chart, law, theta) for law in (data, mixture))
        return real / (1 + lam) + synthetic / (1 + 1 / lam)

    return chart.state(maximum(objective, chart.theta(now))[0])


def maximum(objective: Callable[[Array], Array], start: Array, steps: int = 100) -> tuple[Array, Array]:
    """A local maximum theta [P] of a smooth objective and the number of Newton steps it took; ``steps`` is the most.

    Each step goes along the gradient divided by the size of the curvature, so that it climbs where the objective is
    not concave too, and is halved until it climbs. Values that are not finite are not climbed to.
    """
    both = jax.value_and_grad(objective)

    def climb(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        theta, _, count = carry
        (here, gradient), (_, hessian) = _tangents(both, theta)
        here, gradient = here[0], gradient[0]
        values, vectors = jnp.linalg.eigh(_symmetric(hessian))
        size = jnp.maximum(jnp.abs(values), jnp.finfo(values.dtype).eps * jnp.max(jnp.abs(values)))
        step = vectors @ ((vectors.T @ gradient) / size)
        noise = 64 * jnp.finfo(here.dtype).eps * (1 + jnp.abs(here))

        def falls(share: Array) -> Array:
            return ~(objective(theta + share * step) >= here - noise) & (share > 0)

        # Where the curvature is next to nothing a step is enormous: halve it for as long as there are digits.
        share = jax.lax.while_loop(falls, lambda share: jnp.where(share > 1e-60, share / 2, 0), jnp.ones_like(here))
        return theta + share * step, gradient @ step, count + 1

    eps = jnp.finfo(start.dtype).eps
    first = (start, jnp.full((), jnp.inf, start.dtype), jnp.zeros((), jnp.int32))
    # The last step starts from an error of eps^(3/4) at most: Newton squares it.
    more = lambda carry: (carry[1] > eps**1.5) & (carry[2] < steps)  # noqa: E731
    theta, _, count = jax.lax.while_loop(more, climb, first)
    return theta, count


def columns(f: Callable[[Array], Array], theta: Array) -> Array:
    """The Jacobian [..., P] of f, one column after the other: batched LAPACK calls can wait for each other for ever."""
    return jnp.moveaxis(_tangents(f, theta)[1], 0, -1)


def _tangents(f: Callable[[Array], Any], theta: Array) -> tuple[Any, Any]:
    """The value of f, P times over, and its derivatives along each coordinate: both [P, ...]."""
    return jax.lax.map(lambda v: jax.jvp(f, (theta,), (v,)), jnp.eye(theta.size, dtype=theta.dtype))


@partial(jax.jit, static_argnums=0)
def scores(model: Model, state: Any, law: Batch) -> Array:
    """The gradients [N, P] of log p in the model's coordinates, at every sample."""
    chart = coordinates(model, state)
    return _scores(model, chart, chart.theta(state), law)


def _scores(model: Model, chart: Coordinates, theta: Array, law: Batch) -> Array:
    """The gradients [N, P] of log p at every sample; of those of weight 0, the heaviest sample's."""
    x = quadrature.present(law).x
    return columns(lambda t: model.log_prob(chart.state(t), x), theta)


def _likelihood(model: Model, chart: Coordinates, law: Batch, theta: Array) -> Array:
    return quadrature.expect(law, lambda x: model.log_prob(chart.state(theta), x))


def _second(weight: Array, values: Array) -> Array:
    """``E v v^T`` of rows v [N, P]."""
    return (values * (weight / jnp.sum(weight))[:, None]).T @ values


def _symmetric(matrix: Array) -> Array:
    return (matrix + matrix.T) / 2
