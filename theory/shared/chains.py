"""Many chains of real loops, in one compiled program, and what is measured along them.

Letters: G settings of a loop, S seeds, T generations.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import selfloop
from selfloop import sources
from selfloop.batch import Batch
from selfloop.protocols import Generation, Loop, Source
from theory.frame.claim import SIGMAS

BLOCK = 2000
"""Chains run at once: a thorough run repeats the quick run's program on other seeds, in the same memory."""

QUICK_COMPILE = {"xla_backend_optimization_level": 1}
"""Half the time to compile, and the programs are as fast: more than that is spent compiling a claim than running it."""


def chains(
    build: Callable[[Array, Any], Loop],
    settings: Any,
    seeds: int,
    generations: int,
    measure: Callable[[Generation], Any],
    seed: int = 0,
) -> Any:
    """The measures [G, S, T + 1, ...] of S chains under each of G settings, as NumPy arrays.

    ``build(key, setting) -> Loop`` draws the chain's own real data from its key; ``settings`` is a pytree of arrays
    with a leading axis of G. Settings share random numbers: each is right alone, and their differences are sharper.
    S is ``seeds``, or the next multiple of BLOCK above it.
    """

    def chain(setting: Any, key: Array) -> Any:
        of_data, of_loop = jax.random.split(key)
        return selfloop.scan(build(of_data, setting), of_loop, generations, lambda key, result: measure(result))[1]

    run = jax.jit(jax.vmap(jax.vmap(chain, (None, 0)), (0, None)), compiler_options=QUICK_COMPILE)
    settings = jax.tree.map(jnp.asarray, settings)
    keys = jax.random.split(jax.random.key(seed), (math.ceil(seeds / BLOCK), min(seeds, BLOCK)))
    blocks = [jax.device_get(run(settings, of_block)) for of_block in keys]
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *blocks)


def renewed(draw: Callable[[Array], Batch], key: Array, new: Array) -> Source:
    """Real data that are the same in every generation, or new ones where ``new`` is true, in one program."""
    same, fresh = sources.fixed(draw(key)), sources.fresh(draw)

    def source(key: Array, t: Array) -> Batch:
        return jax.tree.map(lambda a, b: jnp.where(new, a, b), fresh(key, t), same(key, t))

    return source


def half_width(samples: Any) -> np.ndarray:
    """SIGMAS standard errors of the mean over the seeds [S, ...]: the bars of a figure."""
    samples = np.asarray(samples)
    return SIGMAS * samples.std(0, ddof=1) / math.sqrt(samples.shape[0])
