"""The loop with infinitely many samples, through the same `selfloop.scan`: a law is a Batch of weighted nodes.

A model that "samples" all nodes, weighted by its density, a corrector that mixes weights and a policy that weighs real
against synthetic turn the loop of n points into that of populations, as far as the model's fit is an exact maximum.
Letters: N nodes, T generations, P coordinates.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import selfloop
from selfloop.batch import Batch, concatenate
from selfloop.protocols import Corrector, Loop, Model, Policy
from selfloop.sources import fixed
from selfloop.stability import quadrature


def population(model: Model, nodes: Batch, data: Batch, lam: Array | float, corrector: Corrector) -> Loop:
    """The loop G_lambda^inf with a corrector of laws; its generation 0 is the fit to ``data``.

    Args:
        model: one with a density.
        nodes: weighted by their cells, as `quadrature.line` makes them.
        data: p_data on the same nodes.
        lam: synthetic per real; may be traced.
        corrector: one that acts on weights, as `pull` and `curation_by_weights` do.
    """

    def sample(key: Array, state: Any, cond: None, n: int) -> Batch:
        return whole(quadrature.own(model, state, nodes))

    return Loop(model._replace(sample=sample), weighing(lam), fixed(whole(data)), data.capacity, corrector)


def whole(law: Batch) -> Batch:
    """The law with weights that sum to 1."""
    return law._replace(weight=law.weight / jnp.sum(law.weight))


def pull(target: Batch, gamma: Array | float) -> Corrector:
    """pi_gamma on weights: tau p + (1 - tau) p*, with tau = 1 / (1 + gamma); ``target`` is p* on the same nodes."""

    def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
        tau = 1 / (1 + jnp.asarray(gamma, batch.weight.dtype))
        weight = tau * batch.weight + (1 - tau) * whole(target).weight
        none = jnp.zeros_like(weight)
        return batch._replace(weight=weight), {"moved": none, "failed": none > 0}

    return correct


def weighing(lam: Array | float) -> Policy:
    """Real and newest synthetic laws, of masses 1 and lambda; lambda = inf is the synthetic law alone."""

    def select(key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
        synthetic = 1 / (1 + 1 / jnp.asarray(lam, real.weight.dtype))
        parts = (
            real._replace(weight=(1 - synthetic) * real.weight),
            corrected._replace(weight=synthetic * corrected.weight),
        )
        return concatenate(*parts), memory

    return Policy(lambda real, capacity: (), select)


def trajectory(loop: Loop, start: Any, generations: int, measure: Callable[[Any], Any]) -> Any:
    """Measures [T + 1, ...] of the states of a loop whose generation 0 is ``start`` in place of a fit."""
    begun = loop._replace(first_fit=lambda key, batch, state: (start, {}))
    return selfloop.scan(begun, jax.random.key(0), generations, lambda key, result: measure(result.state))[1]


def normal_mixture(nodes: Batch, weights: list[float], means: list[float], scales: list[float]) -> Batch:
    """The law of a mixture of normals on nodes [N, 1]."""
    parts = np.log(weights)[None] + jax.scipy.stats.norm.logpdf(nodes.x, np.array([means]), np.array([scales]))
    return whole(quadrature.weigh(nodes, lambda x: jax.nn.logsumexp(parts, axis=1)))
