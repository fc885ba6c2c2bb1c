"""Sources of real data: the same n points every generation, or fresh ones.

A source is a function ``real(key, t) -> Batch`` of one fixed capacity n. The key belongs to generation t.
"""

from collections.abc import Callable

import jax
from jax import Array

from selfloop.batch import Batch, finite, take
from selfloop.errors import ConfigError
from selfloop.protocols import Source


def fixed(real: Batch) -> Source:
    """The same n real points every generation, as in Gillman et al. and Bertrand et al. (2024).

    Raises DataError where they are no batch, or hold no sample of weight above 0, NaN, infinity or a negative weight.
    """
    finite(real, "the real data")
    return lambda key, t: real


def fresh(draw: Callable[[Array], Batch]) -> Source:
    """n new real points every generation from ``draw(key)`` ("fresh data loop", Alemohammad et al. 2024)."""
    return lambda key, t: draw(key)


def fresh_from(pool: Batch, n: int) -> Source:
    """n different points of a finite pool every generation, drawn without replacement; ConfigError where n > pool."""
    finite(pool, "the pool")
    if not 0 < n <= pool.capacity:
        raise ConfigError(f"n is {n}; the pool holds {pool.capacity} points: ask for 1 to {pool.capacity}")
    return fresh(lambda key: take(pool, jax.random.choice(key, pool.capacity, (n,), replace=False)))
