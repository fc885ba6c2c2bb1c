"""The loop: one generation over any model, corrector, policy and source, and a driver that scans over generations.

    real source --------------------------- real --------------------------+
                                                                           v
    state_t --> sample --> synthetic --> correct --> corrected --> select --> training set --> fit --> state_t+1

The loop knows none of its parts by name. Letters: t generation, n real points, m synthetic samples, T generations.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, keep
from selfloop.protocols import Carry, Generation, Loop, corrected

ROLES = ("init", "real", "conditions", "sample", "correct", "select", "fit", "evaluate")
"""What random numbers are drawn for. A key is (seed, generation, role), never the arm: arms share random numbers."""


def role_key(key: Array, t: Array | int, role: str) -> Array:
    """The key of one role in one generation of the chain whose seed is ``key``."""
    return jax.random.fold_in(jax.random.fold_in(key, t), ROLES.index(role))


def begin(loop: Loop, key: Array) -> tuple[Carry, Generation]:
    """Generation 0: a new model fitted to the real data alone, and an empty memory."""
    t = jnp.asarray(0, jnp.int32)
    real = loop.source(role_key(key, t, "real"), t)
    fit = loop.first_fit or loop.model.fit
    state, info = fit(role_key(key, t, "fit"), real, loop.model.init(role_key(key, t, "init")))
    return Carry(state, loop.policy.start(real, loop.capacity)), Generation(t, state, None, None, {}, info)


def generation(loop: Loop, key: Array, t: Array, carry: Carry) -> tuple[Carry, Generation]:
    """One generation: sample, correct, select, fit.

    A pure function of its arguments, traceable where the parts are: the same one serves a Gaussian under ``scan`` and
    a diffusion model of motion driven from Python. Failed samples enter the training set with weight 0 and value 0.
    ``key`` is the chain's seed, the same for every t; ``t`` is an int32 scalar, 1 or more.
    """
    raw = propose(loop, key, t, carry)
    result, correction = corrected(loop.corrector, role_key(key, t, "correct"), raw, carry.state)
    return learn(loop, key, t, carry, raw, result, correction)


def propose(loop: Loop, key: Array, t: Array, carry: Carry) -> Batch:
    """The first half of a generation: m samples of the model, before they are corrected."""
    real = loop.source(role_key(key, t, "real"), t)
    cond = conditions(role_key(key, t, "conditions"), real, loop.synthetic)
    return loop.model.sample(role_key(key, t, "sample"), carry.state, cond, loop.synthetic)


def learn(
    loop: Loop, key: Array, t: Array, carry: Carry, raw: Batch, corrected: Batch, correction: dict[str, Array]
) -> tuple[Carry, Generation]:
    """The second half of a generation: the next training set, from the corrected samples, and the fit to it."""
    real = loop.source(role_key(key, t, "real"), t)
    usable = keep(corrected, ~correction["failed"] & (corrected.weight > 0))
    training, memory = loop.policy.select(role_key(key, t, "select"), t, real, usable, carry.memory)
    state, info = loop.model.fit(role_key(key, t, "fit"), training, carry.state)
    return Carry(state, memory), Generation(t, state, raw, corrected, correction, info)


def conditions(key: Array, real: Batch, m: int) -> Any:
    """m conditions taken from the real data in random order, each as often as the others, give or take one."""
    order = jax.random.permutation(key, real.capacity)
    index = order[jnp.arange(m) % real.capacity]
    return jax.tree.map(lambda leaf: leaf[index], real.cond)


def scan(loop: Loop, key: Array, generations: int, measure: Callable[[Array, Generation], Any]) -> tuple[Carry, Any]:
    """Run T traceable generations under ``lax.scan``: the last carry, and the measures stacked [T + 1, ...].

    ``measure(key, generation)`` sees generation 0 too, whose raw and corrected batches are None: it must depend on the
    state, or take the samples it needs itself. Nothing but its result is kept, so memory does not grow with what is
    not measured. Batches of chains come from ``jax.vmap`` over key, lambda or gamma around a function that builds the
    loop and calls this one.
    """
    carry, first = begin(loop, key)
    start = measure(role_key(key, 0, "evaluate"), first)

    def step(carry: Carry, t: Array) -> tuple[Carry, Any]:
        carry, result = generation(loop, key, t, carry)
        return carry, measure(role_key(key, t, "evaluate"), result)

    carry, rest = jax.lax.scan(step, carry, jnp.arange(1, generations + 1, dtype=jnp.int32))
    return carry, jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), start, rest)
