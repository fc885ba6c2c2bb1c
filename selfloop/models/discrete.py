"""Discrete laws over K symbols, learned as a table of frequencies. Letters: N samples, K symbols."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.errors import ConfigError, DataError
from selfloop.models.limits import at_least, concrete
from selfloop.protocols import Coordinates, Model


class DiscreteState(NamedTuple):
    """A law over K symbols."""

    probs: Array  # [K], sum 1


def discrete(k: int, dtype: jnp.dtype = jnp.float32) -> Model:
    """Categorical laws over the symbols 0 .. K-1, samples x int32 [N]; the fit is the table of weighted frequencies.

        probs_j = sum_i w_i [x_i = j] / sum_i w_i

    Fitted to its own samples it is the Wright-Fisher chain: a symbol once lost never returns. Coordinates are the
    logits against the last symbol, ``log(probs_j / probs_K)`` [K - 1]; v2 = -1. A fit forgets the state before it.
    Raises ConfigError where K is below 2; a fit, DataError where a concrete label is not one of the symbols; ``check``,
    ConfigError where a symbol has probability 0 (its logit is infinite).
    """
    at_least(2, k, "k, the number of symbols,")

    def fit(key: Array, batch: Batch, state: DiscreteState) -> tuple[DiscreteState, dict]:
        _symbols(batch, k)
        counts = jnp.zeros(k, dtype).at[batch.x].add(batch.weight)
        return DiscreteState(counts / jnp.sum(batch.weight)), {}

    def sample(key: Array, state: DiscreteState, cond: None, n: int) -> Batch:
        x = jax.random.choice(key, k, (n,), p=state.probs)
        return Batch(x.astype(jnp.int32), jnp.ones(n, dtype))

    def log_prob(state: DiscreteState, x: Array) -> Array:
        return jnp.log(state.probs)[x]

    def init(key: Array) -> DiscreteState:
        return DiscreteState(jnp.full(k, 1 / k, dtype))

    return Model(init, fit, sample, log_prob, Coordinates(_logits, _softmax), check)


def zipf(beta: float, k: int, dtype: jnp.dtype = jnp.float32) -> Array:
    """Zipf's law cut at K symbols: probabilities [K] proportional to i^-beta, i = 1 .. K.

    Raises ConfigError where beta is not above 1, for which the law would have no limit as K grows.
    """
    at_least(2, k, "k, the number of symbols,")
    if not beta > 1:
        raise ConfigError(f"beta is {beta}; Zipf's law has an exponent above 1")
    mass = np.arange(1, k + 1, dtype=np.float64) ** -beta
    return jnp.asarray(mass / mass.sum(), dtype)


def check(state: DiscreteState) -> None:
    """ConfigError where a symbol has probability 0: at the edge of the simplex there are no coordinates."""
    absent = np.flatnonzero(~(np.asarray(state.probs) > 0))
    if absent.size:
        raise ConfigError(
            f"{absent.size} of {state.probs.shape[0]} symbols have probability 0, the first is symbol {absent[0]}: "
            "take more points, or a smaller alphabet"
        )


def _symbols(batch: Batch, k: int) -> None:
    if not (concrete(batch.x) and concrete(batch.weight)):
        return
    wrong = (batch.weight > 0) & ((batch.x < 0) | (batch.x >= k))
    if wrong.any():
        at = int(jnp.argmax(wrong))
        raise DataError(
            f"the label of row {at} is {int(batch.x[at])}; symbols are 0 to {k - 1}: "
            "renumber the labels, or give a larger k"
        )


def _logits(state: DiscreteState) -> Array:
    return jnp.log(state.probs[:-1]) - jnp.log(state.probs[-1])


def _softmax(theta: Array) -> DiscreteState:
    return DiscreteState(jax.nn.softmax(jnp.concatenate([theta, jnp.zeros(1, theta.dtype)])))
