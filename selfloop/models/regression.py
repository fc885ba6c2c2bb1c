"""Linear regression on a shared design that each generation labels anew (Gerstgrasser et al. 2024).

    y = x^T weights + noise,    noise ~ N(0, noise^2)

Samples are rows (design, label) [N, d + 1]; their condition is the design [N, d], so that the model is asked for labels
of given designs and nothing else. Letters: N rows, d columns of the design.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from selfloop.batch import Batch, uniform
from selfloop.errors import ConfigError
from selfloop.models.limits import at_least, enough, positive
from selfloop.models.linalg import root, solve_root
from selfloop.protocols import Model


class RegressionState(NamedTuple):
    """A linear rule."""

    weights: Array  # [d]


def labelled(design: ArrayLike, label: ArrayLike) -> Batch:
    """The batch of a design [N, d] and its labels [N]: rows (design, label), each of weight 1, given its design."""
    design, label = jnp.asarray(design), jnp.asarray(label)
    return uniform(jnp.concatenate([design, label[:, None]], 1), design)


def regression(d: int, noise: float, dtype: jnp.dtype = jnp.float32) -> Model:
    """Ordinary (weighted) least squares, the labels' noise a known standard deviation.

        weights = (sum_i w_i x_i x_i^T)^-1 sum_i w_i x_i y_i

    A direction that the design does not contain gets weight 0. ``log_prob`` is the log density of the label given the
    design; a sample needs the designs as its condition. A fit forgets the state before it. Raises ConfigError where d
    is below 1, the noise is not above 0, or a fit has room for fewer than d + 2 rows (with fewer the expected error
    noise^2 d / (N - d - 1) of a normal design is infinite).
    """
    at_least(1, d, "d, the number of design columns,")
    positive(noise, "the noise's standard deviation")

    def fit(key: Array, batch: Batch, state: RegressionState) -> tuple[RegressionState, dict]:
        enough(batch, d + 2, f"a regression on {d} columns")
        design, label = batch.x[:, :d], batch.x[:, d:]
        # Square roots on both sides keep the normal matrix symmetric to the bit.
        half = jnp.sqrt(batch.weight / jnp.sum(batch.weight))[:, None]
        design, label = half * design, half * label
        return RegressionState(solve_root(root(design.T @ design), design.T @ label)[:, 0]), {}

    def sample(key: Array, state: RegressionState, cond: Array | None, n: int) -> Batch:
        if cond is None:
            raise ConfigError(
                "a regression labels given designs: give data whose cond is the design [N, d] (`labelled`)"
            )
        return labelled(cond, cond @ state.weights + noise * jax.random.normal(key, (n,), dtype))

    def log_prob(state: RegressionState, x: Array) -> Array:
        residual = (x[:, d] - x[:, :d] @ state.weights) / noise
        return -(residual**2) / 2 - jnp.log(noise) - jnp.log(2 * jnp.pi) / 2

    return Model(lambda key: RegressionState(jnp.zeros(d, dtype)), fit, sample, log_prob)
