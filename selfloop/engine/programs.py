"""The compiled programs of a job: the halves of a generation, each of all its chains at once.

Jobs of one shape share them, so that each is compiled once a process.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, sound
from selfloop.engine.context import Context
from selfloop.engine.plan import Job
from selfloop.loop import ENDS, learn, propose
from selfloop.policies import POLICIES
from selfloop.protocols import Carry, Loop, identity

ENDED = list(ENDS)
"""Why a chain has ended, by the number that its program gives: 0 is not at all."""


class Programs(NamedTuple):
    """The compiled halves of a generation, of all chains of a job."""

    remember: Callable[..., Any]
    """``(real, seed) -> memory``: the policies' memories before the first generation."""
    propose: Callable[..., Batch]
    """``(real, seed, lam, t, carry) -> raw``."""
    uncorrected: Callable[..., tuple[Batch, dict[str, Array]]]
    """``(real, raw) -> (raw, info)``: `protocols.identity`, where no arm corrects."""
    learn: Callable[..., tuple[Carry, dict[str, Array], Array]]
    """``(real, seed, lam, t, carry, corrected, failed) -> (carry, info, ended)``: 0, or a place in `loop.ENDS`."""


@functools.cache
def programs(context: Context, shape: Job, capacity: int) -> Programs:
    """The programs of jobs of one shape, whose policies may remember ``capacity`` synthetic samples."""
    model, data, make = context.learner(shape.subject), context.data(shape.n), POLICIES[shape.policy]

    def loop(real: Batch, lam: Array) -> Loop:
        return Loop(model, make(lam), data.sources[shape.source](real), shape.synthetic)

    def remember(real: Batch, seed: Array) -> Any:
        return make(jnp.zeros((), real.weight.dtype)).start(real, capacity)

    def first(real: Batch, seed: Array, lam: Array, t: Array, carry: Carry) -> Batch:
        return propose(loop(real, lam), jax.random.key(seed), t, carry)

    def second(real: Batch, seed: Array, lam: Array, t: Array, carry: Carry, corrected: Batch, failed: Array) -> tuple:
        key = jax.random.key(seed)
        failed &= lam > 0  # where nothing is taken of them
        after, result = learn(loop(real, lam), key, t, carry, corrected, corrected, {"failed": failed})
        info = {name: value for name, value in result.fit.items() if jnp.ndim(value) == 0}
        return after, info, jnp.where((result.ended == 0) & ~sound(info), ENDED.index("nan"), result.ended)

    def between(real: Batch, raw: Batch) -> tuple[Batch, dict[str, Array]]:
        return identity(jax.random.key(0), raw, None)

    return Programs(*map(context.over, (remember, first, between, second)))
