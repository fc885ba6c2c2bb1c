"""Exponential families, recognised from their derivatives: where F = H without a quadrature and without a sample.

In any coordinates a family h(x) exp(eta(theta) T(x) - Phi) has, at every theta,

    Hess log p(x) = -I + sum_k c_k s_k(x),    s the score,  I the Fisher information,  c_k matrices that know no x,

because Hess is affine in T and so is s, whose own map (the Jacobian of eta) is invertible. The mean of s is 0 under the
model, and at theta* under the data too: both means of -Hess are I, **F = H for any data, and every m is 1**. Conversely
a Hessian that is affine in the score gives that, whether the family has a name or not. Derived here.
Letters: P coordinates, N points.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.protocols import Model
from selfloop.stability.curvature import coordinates, scores
from selfloop.stability.quadrature import present

PAIRS = 4
"""Random pairs of directions in which Hess is looked at; one that is not affine is so in almost none."""
ROUNDING, FAR = 1e-6, 30.0
"""Of Hess in units of H; and of scores, in standard deviations, that are looked at."""


def affine(model: Model, state: Any, points: Batch, scale: Array) -> bool:
    """Whether Hess log p(x) is an affine function of the score over the points; the state in float64.

    Args:
        model: With a log density.
        state: theta*.
        points: Data and samples; more different ones than P + 3, or they say nothing and it is False.
        scale: A square root [P, P] of the inverse of H: the units in which directions are drawn.
    """
    found = np.asarray(scores(model, state, points)) @ np.asarray(scale)
    # Far out everything is large, and what is not affine in the middle would be lost in its rounding.
    here = (np.asarray(points.weight) > 0) & (np.linalg.norm(found, axis=1) < FAR * found.shape[1] ** 0.5)
    found = found[here]
    size = found.shape[1]
    if len(np.unique(np.round(found, 9), axis=0)) <= size + 3 or not np.isfinite(found).all():
        return False
    directions = np.random.default_rng(0).normal(size=(2, PAIRS, size)) @ np.asarray(scale).T / size**0.5
    bent = np.asarray(_bilinear(model, state, present(points).x, *map(jnp.asarray, directions)))[here]
    design = np.concatenate([np.ones((len(found), 1)), found], 1)
    left = bent - design @ np.linalg.lstsq(design, bent, rcond=None)[0]
    return bool(np.abs(left).max() <= ROUNDING * max(1.0, np.abs(bent).max()))


@partial(jax.jit, static_argnums=0)
def _bilinear(model: Model, state: Any, x: Any, left: Array, right: Array) -> Array:
    """``u^T Hess log p(x) v`` [N, K] for K pairs of directions [K, P]."""
    chart = coordinates(model, state)
    theta = chart.theta(state)

    def one(pair: tuple[Array, Array]) -> Array:
        u, v = pair
        along = lambda t: jax.jvp(lambda s: model.log_prob(chart.state(s), x), (t,), (u,))[1]  # noqa: E731
        return jax.jvp(along, (theta,), (v,))[1]

    return jax.lax.map(one, (left, right)).T
