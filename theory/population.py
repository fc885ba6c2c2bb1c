"""The loop with infinitely many samples, through the same `selfloop.scan`: a law is a Batch of weighted nodes.

A model that "samples" all nodes, weighted by its density, a corrector that mixes weights and a policy that weighs real
against synthetic turn the loop of n points into that of populations, as far as the model's fit is an exact maximum.
Letters: N nodes; a law's weights sum to 1.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, concatenate
from selfloop.loop import Loop, Model
from selfloop.policies import Policy
from selfloop.sources import fixed


def population(
    model: Model, cells: Batch, data: Batch, target: Batch, lam: Array | float, gamma: Array | float
) -> Loop:
    """The loop pi_gamma G_lambda^inf; its generation 0 is the fit to ``data``.

    Args:
        model: one with a density.
        cells: the nodes, weighted by the length of their cells (1 each for a discrete law).
        data: p_data on the same nodes.
        target: what the corrector pulls to, p* as a rule, on the same nodes.
        lam: synthetic per real; may be traced.
        gamma: strength of the corrector, infinity included; may be traced.
    """

    def sample(key: Array, state: Any, cond: None, n: int) -> Batch:
        return law(model, state, cells)

    return Loop(model._replace(sample=sample), weighing(lam), fixed(data), data.capacity, pull(target, gamma))


def law(model: Model, state: Any, cells: Batch) -> Batch:
    """The law of a state on the nodes."""
    weight = jnp.exp(model.log_prob(state, cells.x)) * cells.weight
    return Batch(cells.x, weight / jnp.sum(weight))


def pull(target: Batch, gamma: Array | float) -> Callable[[Array, Batch, Any], tuple[Batch, dict[str, Array]]]:
    """pi_gamma on weights: tau p + (1 - tau) p*, with tau = 1 / (1 + gamma)."""

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        tau = 1 / (1 + jnp.asarray(gamma, batch.weight.dtype))
        weight = tau * batch.weight + (1 - tau) * target.weight
        return batch._replace(weight=weight), {"failed": jnp.zeros(batch.capacity, bool)}

    return correct


def weighing(lam: Array | float) -> Policy:
    """Real and newest synthetic laws, of masses 1 and lambda."""

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
        return concatenate(real, corrected._replace(weight=lam * corrected.weight)), memory

    return Policy(lambda real, capacity: (), select)


def starting(model: Model, start: Callable[[Any], Any]) -> Callable[[Array, Batch, Any], tuple[Any, dict]]:
    """A first fit for ``Loop(first_fit=...)`` that ends beside its own maximum: at ``start(fitted state)``."""

    def fit(key: Array, batch: Batch, state: Any) -> tuple[Any, Any]:
        fitted, info = model.fit(key, batch, state)
        return start(fitted), info

    return fit


def grid(nodes: int = 4001, reach: float = 9.5) -> Batch:
    """Nodes sinh(u), u even in [-reach, reach], weighted by their cells: tails to e^reach / 2; float64 under x64."""
    u = jnp.linspace(-reach, reach, nodes)
    return Batch(jnp.sinh(u)[:, None], jnp.cosh(u) * (2 * reach / (nodes - 1)))


def weigh(cells: Batch, density: Array) -> Batch:
    """The law of a density [N] at the nodes."""
    weight = density * cells.weight
    return Batch(cells.x, weight / jnp.sum(weight))


def normal_mixture(x: Array, weights: list[float], means: list[float], scales: list[float]) -> Array:
    """The density [N] of a mixture of normals at x [N, 1]."""
    parts = [
        w * jax.scipy.stats.norm.pdf(x[:, 0], mean, scale)
        for w, mean, scale in zip(weights, means, scales, strict=True)
    ]
    return sum(parts[1:], parts[0])
