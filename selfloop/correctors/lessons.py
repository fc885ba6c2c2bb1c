"""What correctors that learn share: samples as standardised rows, folds that a sample itself decides, a perceptron.

Letters: N samples, D numbers of a sample, K folds.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.transport import flat
from selfloop.models.neural.training import Training, trained
from selfloop.protocols import Model

WIDTH = 64
"""Of both hidden layers."""


class Scale(NamedTuple):
    """Mean and standard deviation of the real samples' numbers, each [D]."""

    centre: Array
    spread: Array


def scale_of(real: Batch) -> Scale:
    """Of the present samples; a number that does not vary has spread 1."""
    x, share = flat(real.x, real.weight.dtype), real.weight / jnp.sum(real.weight)
    centre = share @ x
    spread = jnp.sqrt(share @ (x - centre[None]) ** 2)
    return Scale(centre, jnp.where(spread > 0, spread, 1))


def rows(x: Any, scale: Scale) -> Array:
    """Samples as standardised float32 rows [N, D]."""
    x = flat(x, scale.centre.dtype)
    return ((x - scale.centre[None]) / scale.spread[None]).astype(jnp.float32)


def like(rows: Array, x: Any) -> Any:
    """Rows [N, D], in the samples' own unit, as the pytree that ``x`` is."""
    leaves, form = jax.tree.flatten(x)
    ends = np.cumsum([leaf[0].size for leaf in leaves])[:-1]
    parts = jnp.split(rows, ends, axis=1)
    return form.unflatten([p.reshape(leaf.shape).astype(leaf.dtype) for p, leaf in zip(parts, leaves, strict=True)])


@partial(jax.jit, static_argnums=(1, 2))
def folds(x: Any, count: int, salt: int = 0) -> Array:
    """The fold [N] of each sample, 0 to ``count`` - 1: a hash of its own bits and of ``salt``, and of nothing else.

    So a sample has the same fold wherever it turns up, the fold of a new one is decided by chance, and equal samples
    are never on two sides of a split.
    """
    bits = jax.lax.bitcast_convert_type(flat(x, jnp.dtype(jnp.float32)), jnp.uint32)

    def stir(word: Array) -> Array:  # murmur3's finaliser
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            word = (word ^ (word >> np.uint32(shift))) * np.uint32(factor)
        return word ^ (word >> np.uint32(16))

    def column(word: Array, next_: Array) -> tuple[Array, None]:
        return stir(word * np.uint32(0x9E3779B1) + next_), None

    start = jnp.full(bits.shape[0], np.uint32(salt * 0x27D4EB2F + 1 & 0xFFFFFFFF))
    word = jax.lax.scan(column, start, bits.T)[0]
    return (word % np.uint32(count)).astype(jnp.int32)


def perceptron(d: int, outputs: int, loss: Callable[[Array, Any, Any], Array], training: Training) -> tuple[Model, Any]:
    """A perceptron of two hidden layers as a model of `trained`, and its ``apply(state, rows)`` [N, outputs].

    ``loss(predicted, x, cond)`` is the mean loss of a minibatch. The last layer starts at 0: what it has not learned
    it does not do.
    """
    from flax import linen  # seconds to import, which `import selfloop` need not take

    from selfloop.models.neural.training import Subject

    layers = [linen.Dense(WIDTH), linen.silu, linen.Dense(WIDTH), linen.silu]
    network = linen.Sequential([*layers, linen.Dense(outputs, kernel_init=linen.initializers.zeros)])

    def init(key: Array) -> Any:
        return network.init(key, jnp.zeros((1, d)))

    def minibatch(key: Array, params: Any, x: Array, cond: Any) -> Array:
        return loss(network.apply(params, x), x, cond)

    def nothing(key: Array, params: Any, cond: Any, n: int) -> Any:
        return jnp.zeros((n, d))

    model = trained(Subject(init, minibatch, nothing), training)
    return model, jax.jit(lambda state, x: network.apply(state.average, x))
