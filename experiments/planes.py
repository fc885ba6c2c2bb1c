"""Planes of Gaussian loops, cell by cell: the measured rate and the stationary error, in sufficient statistics.

Every cell (lambda = m / n, gamma, n, d) runs a chain a seed from a state that is displaced by START in every direction.
Along the way x_t, the mean's coordinates averaged, comes down as E x_t = START rate^t, whence

    rate = sum_{1 <= t <= EARLY} (x_t - x) / sum_{0 <= t < EARLY} (x_t - x),    x = its average over the last half,

and the stationary error is s = E |mean|^2 / d over the last half of the chain. Nothing is kept of a generation but
sums, so that memory depends on the chunk of chains alone. float32: its rounding, 1e-6, is far below the seeds' noise.

Letters: C cells, S seeds, T generations, most: the static bound on a chunk's m.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import Batch, GaussianState, Loop, begin, generation, policies, sources
from selfloop.correctors.statistics import replacement_statistics
from selfloop.models.statistics import draw, gaussian_statistics
from selfloop.stability import rates, recursions

START = 10.0
EARLY = 5
CHAINS = 4096
"""Chains of a chunk: enough to keep two cores busy, few enough for their cache."""
BOUNDS = (25, 50, 100, 256)
"""Each chunk draws what the smallest of these at or above its m needs; one program is compiled for each."""
LARGEST = 128
"""Bound on n."""


class Cells(NamedTuple):
    """The cells of a plane, all of one dimension d."""

    n: np.ndarray  # [C]
    m: np.ndarray  # [C]
    gamma: np.ndarray  # [C]
    d: int


class Measured(NamedTuple):
    """What was measured in each cell, with standard errors over the seeds, and what the theory says."""

    rate: np.ndarray  # [C]
    rate_error: np.ndarray
    rate_exact: np.ndarray
    s: np.ndarray  # stationary E |mean|^2 / d
    s_error: np.ndarray
    s_exact: np.ndarray


def measure(cells: Cells, seeds: int, generations: int, seed: int, tick: Callable[[int], None]) -> Measured:
    """Run all cells, a chunk of about CHAINS chains at a time; ``tick(cells)`` is called after each chunk."""
    sums = np.empty((len(cells.m), seeds, 3), np.float32)
    size = max(CHAINS // seeds, 1)
    keys = jax.random.split(jax.random.key(seed), len(cells.m))
    for most, chosen in chunks(cells.m, size):
        full = np.resize(chosen, size)  # the last chunk of a bound repeats cells, so that no program is compiled for it
        program = _program(cells.d, most, seeds, generations)
        found = program(keys[full], cells.n[full], cells.m[full], cells.gamma[full])
        sums[chosen] = np.asarray(found)[: len(chosen)]
        tick(len(chosen))
    return summary(cells, sums)


def chunks(m: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray]]:
    """Cells with about the same m, ``size`` at a time: (bound, cells)."""
    bound = np.asarray(BOUNDS)[np.searchsorted(BOUNDS, m)]
    for most in sorted(set(bound.tolist())):
        at = np.flatnonzero(bound == most)
        for start in range(0, len(at), size):
            yield most, at[start : start + size]


@cache
def _program(d: int, most: int, seeds: int, generations: int) -> Callable:
    """``program(keys, n, m, gamma) -> [C, S, 3]``, compiled once."""

    def cell(key: Array, n: Array, m: Array, gamma: Array) -> Array:
        return jax.vmap(lambda key: chain(key, n, m, gamma))(jax.random.split(key, seeds))

    def chain(key: Array, n: Array, m: Array, gamma: Array) -> Array:
        key_real, key_loop = jax.random.split(key)
        target = GaussianState(jnp.zeros(d), jnp.eye(d))
        real = draw(key_real, target, n, LARGEST)
        corrector = replacement_statistics(target, gamma, m, most)
        model = gaussian_statistics(d, m, most=most)
        loop = Loop(model, policies.augment(1.0), sources.fixed(real), 1, corrector, first_fit=_displaced)
        return follow(loop, key_loop, generations)

    return jax.jit(jax.vmap(cell))


def _displaced(key: Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
    return state._replace(mean=state.mean + START), {}


def follow(loop: Loop, key: Array, generations: int) -> Array:
    """The rate's numerator and denominator, and the stationary |mean|^2 / d, of one chain: [3]."""
    early, late = min(EARLY, generations), generations // 2

    def step(carry: tuple, t: Array) -> tuple[tuple, None]:
        inner, sums = carry
        inner, result = generation(loop, key, t, inner)
        x = jnp.mean(result.state.mean)
        square = jnp.mean(result.state.mean**2)
        seen = jnp.stack([jnp.where(t <= early, x, 0), jnp.where(t < early, x, 0)])
        kept = jnp.where(t > late, jnp.stack([x, square]), 0)
        return (inner, sums + jnp.concatenate([seen, kept])), None

    first, _ = begin(loop, key)
    steps = jnp.arange(1, generations + 1, dtype=jnp.int32)
    (_, sums), _ = jax.lax.scan(step, (first, jnp.zeros(4)), steps)
    x, square = sums[2] / (generations - late), sums[3] / (generations - late)
    return jnp.stack([sums[0] - early * x, sums[1] + START - early * x, square])


def summary(cells: Cells, sums: np.ndarray) -> Measured:
    """Rates as ratios of means over seeds, with the standard error of a ratio; the theory beside them."""
    top, bottom, square = np.moveaxis(sums.astype(np.float64), -1, 0)
    seeds = top.shape[1]
    rate = top.mean(1) / bottom.mean(1)
    scatter = lambda values: values.std(1, ddof=min(1, seeds - 1)) / np.sqrt(seeds)  # noqa: E731
    with jax.enable_x64(True):  # noqa: FBT003
        exact = np.asarray(rates.exact(cells.m / cells.n, cells.gamma))
        s_exact = np.asarray(recursions.reuse_limit(cells.n, cells.m, cells.gamma, -1.0))
    return Measured(
        rate,
        scatter(top - rate[:, None] * bottom) / bottom.mean(1),
        exact,
        square.mean(1),
        scatter(square),
        s_exact,
    )
