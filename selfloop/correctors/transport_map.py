"""A learned transport map, online: a network regresses samples onto their optimal-transport partners among real data.

    T(x) = x + g(x),    g least squares of (y_match(i) - x_i),    the match minimising sum_i |x_i - y_match(i)|^2

The map is smooth where the matching is not, so it moves new samples too and does not copy real ones. The assignment is
scipy's (`transport.matching`), in blocks (minibatch optimal transport). Letters: N samples, D numbers of a sample.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.correctors.fallback import fallback, select
from selfloop.correctors.lessons import Scale, like, perceptron, rows, scale_of
from selfloop.correctors.strength import report
from selfloop.correctors.transport import flat, matching
from selfloop.errors import ConfigError
from selfloop.models.neural.training import Training
from selfloop.protocols import Adaptive, Corrector


class Map(NamedTuple):
    """What has been learned."""

    scale: Scale
    net: Any


def transport_map(steps: int = 300, block: int = 1000, batch: int = 256) -> Adaptive:
    """A map of the loop's samples toward its real data, learned further every generation.

    Each generation the samples are matched, ``block`` at a time, to as many real ones (each real one as often as its
    weight says), in coordinates standardised by the real data, and a perceptron is trained for so many more steps to
    predict the way of each. A matching takes O(block^3). Conditions are not looked at. Raises ConfigError for steps or
    a block below 1.

    Source: minibatch optimal transport, Fatras et al., AISTATS 2020; regression onto partners, derived here.
    """
    if steps < 1 or block < 1:
        raise ConfigError(f"steps is {steps} and block {block}; give 1 or more")

    def start(key: Array, real: Batch) -> Map:
        scale = scale_of(real)
        return Map(scale, _mover(len(scale.centre), steps, batch)[0].init(key))

    def adapt(key: Array, t: Array, real: Batch, raw: Batch, own: Map) -> Map:
        of_match, of_fit = jax.random.split(key)
        x = rows(raw.x, own.scale)
        way = _way(of_match, x, rows(real.x, own.scale), raw.weight, real.weight, block)
        model, _ = _mover(x.shape[1], steps, batch)
        return own._replace(net=model.fit(of_fit, Batch(x, raw.weight.astype(x.dtype), way), own.net)[0])

    def corrector(own: Map) -> Corrector:
        _, apply = _mover(len(own.scale.centre), steps, batch)

        @fallback
        def correct(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
            x = _moved(apply, batch, own)
            return batch._replace(x=x), report(batch, x)

        return correct

    return Adaptive(start, adapt, corrector)


_MADE: dict[tuple, tuple] = {}


def _mover(d: int, steps: int, batch: int) -> tuple:
    """The perceptron of these sizes, made once: it is compiled once a process."""
    if (d, steps, batch) not in _MADE:
        training = Training(batch=batch, first_steps=steps, steps=steps, rate=2e-3, fine_rate=1e-3, ema=0.98)
        _MADE[d, steps, batch] = perceptron(d, d, _squares, training)
    return _MADE[d, steps, batch]


def _squares(way: Array, x: Array, wanted: Array) -> Array:
    return jnp.mean((way - wanted) ** 2)


@partial(jax.jit, static_argnums=0)
def _moved(apply: Any, batch: Batch, own: Map) -> Any:
    before = flat(batch.x, own.scale.centre.dtype)
    way = apply(own.net, rows(batch.x, own.scale)).astype(before.dtype) * own.scale.spread[None]
    return select(batch.weight > 0, like(before + way, batch.x), batch.x)


def _way(key: Array, x: Array, y: Array, weight: Array, real_weight: Array, block: int) -> Array:
    """From each row of x [N, D] to its partner among the rows of y [M, D]; 0 for absent ones. Block by block, each on
    real rows of its own.
    """
    size, ways = len(x), []
    of_order, of_rows = jax.random.split(key)
    order = jax.random.permutation(of_order, size)
    for i, at in enumerate(range(0, size, block)):
        mine = order[at : at + block]
        of_shift, of_shuffle = jax.random.split(jax.random.fold_in(of_rows, i))
        edges = jnp.cumsum(real_weight)
        shift = jax.random.uniform(of_shift, (), edges.dtype)
        point = (jnp.arange(len(mine), dtype=edges.dtype) + shift) / len(mine) * edges[-1]
        drawn = jnp.minimum(jnp.searchsorted(edges, point, side="right"), len(y) - 1)
        partner = jax.random.permutation(of_shuffle, y[drawn])
        present = weight[mine] > 0
        to = partner[matching(x[mine], partner, present)]
        ways.append(jnp.where(present[:, None], to - x[mine], 0))
    return jnp.zeros_like(x).at[order].set(jnp.concatenate(ways))
