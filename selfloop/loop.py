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
from jax.typing import ArrayLike

from selfloop import contracts
from selfloop.batch import Batch, keep, sound
from selfloop.contracts import adapted, chosen, corrected, drawn, given, learned, slots
from selfloop.errors import ConfigError, StoppedError
from selfloop.protocols import Adaptive, Carry, Corrector, Generation, Loop

ROLES = ("init", "real", "conditions", "sample", "correct", "select", "fit", "evaluate", "adapt")
"""What random numbers are drawn for. A key is (seed, generation, role), never the arm: arms share random numbers."""

ENDS = {
    "": "",
    "failed": "every synthetic sample failed, or was rejected after some had failed",
    "rejected": "every synthetic sample was given weight 0",
    "empty": "nothing was left to train on: the weights of the training set are all 0, or not finite",
    "nan": "the model's state is not finite",
}
"""Why a chain ends, in the order of ``Generation.ended``."""


def role_key(key: Array, t: ArrayLike, role: str) -> Array:
    """The key of one role in one generation of the chain whose seed is ``key``."""
    return jax.random.fold_in(jax.random.fold_in(key, t), ROLES.index(role))


def begin(loop: Loop, key: Array, generations: int = 0) -> tuple[Carry, Generation]:
    """Generation 0: a new model fitted to the real data alone, and an empty memory with room for T generations.

    Raises:
        ConfigError: a part of the loop that does not do what `protocols` says (`contracts.check`).
        StoppedError: real data of weight 0 alone, or a fit that is not finite (where that is known: not under `jit`).
    """
    contracts.check(loop, key)
    t = jnp.asarray(0, jnp.int32)
    real = given(loop.source, role_key(key, t, "real"), t)
    memory = loop.policy.start(real, slots(loop, real.capacity) * generations)
    blank = loop.model.init(role_key(key, t, "init"))
    state, info = learned(loop.first_fit or loop.model.fit, role_key(key, t, "fit"), real, blank)
    ended = _ended(real, state)
    _stop(t, ended)
    state = _spoiled(ended, state)
    own = first_corrector(loop.corrector, key, real)
    return Carry(state, memory, own), Generation(t, state, None, None, {}, info, ended)


def generation(loop: Loop, key: Array, t: Array, carry: Carry) -> tuple[Carry, Generation]:
    """One generation: sample, correct, select, fit.

    A pure function of its arguments, traceable where the parts are: the same one serves a Gaussian under ``scan`` and
    a diffusion model of motion driven from Python. Failed samples enter the training set with weight 0 and value 0.
    ``key`` is the chain's seed, the same for every t; ``t`` is an int32 scalar, 1 or more.

    A chain ends (`ENDS`) where its state is not finite or nothing is left to train on: under `jit` ``ended`` says so,
    and the state is NaN from then on, though the fit were one that forgets.

    Raises:
        ConfigError: a part that does not return what `protocols` says.
        StoppedError: the chain ends here (where that is known: not under `jit`).
    """
    raw = propose(loop, key, t, carry)
    carry = adapt(loop, key, t, carry, raw)
    corrector = now(loop.corrector, carry.corrector)
    result, correction = corrected(corrector, role_key(key, t, "correct"), raw, carry.state)
    carry, found = learn(loop, key, t, carry, raw, result, correction)
    _stop(t, found.ended)
    return carry, found


def propose(loop: Loop, key: Array, t: Array, carry: Carry) -> Batch:
    """The first half of a generation: m samples of the model, before they are corrected."""
    real = given(loop.source, role_key(key, t, "real"), t)
    m = slots(loop, real.capacity)
    cond = conditions(role_key(key, t, "conditions"), real, m)
    return drawn(loop.model, role_key(key, t, "sample"), carry.state, cond, m, real)


def first_corrector(corrector: Corrector | Adaptive, key: Array, real: Batch) -> Any:
    """What a corrector that adapts knows before the first generation; () of any other."""
    return corrector.start(role_key(key, 0, "adapt"), real) if isinstance(corrector, Adaptive) else ()


def adapt(loop: Loop, key: Array, t: Array, carry: Carry, raw: Batch) -> Carry:
    """The carry, whose corrector has learned from the generation's samples and real data where it is one that does."""
    if not isinstance(loop.corrector, Adaptive):
        return carry
    real = given(loop.source, role_key(key, t, "real"), t)
    return carry._replace(corrector=adapted(loop.corrector, role_key(key, t, "adapt"), t, real, raw, carry.corrector))


def now(corrector: Corrector | Adaptive, own: Any) -> Corrector:
    """A loop's corrector as it is, of which one that adapts has learned ``own``."""
    return corrector.corrector(own) if isinstance(corrector, Adaptive) else corrector


def learn(
    loop: Loop, key: Array, t: Array, carry: Carry, raw: Batch, corrected: Batch, correction: dict[str, Array]
) -> tuple[Carry, Generation]:
    """The second half of a generation: the next training set, from the corrected samples, and the fit to it.

    A chain that ends here is told by ``ended`` alone.
    """
    real = given(loop.source, role_key(key, t, "real"), t)
    usable = keep(corrected, ~correction["failed"] & (corrected.weight > 0))
    training, memory = chosen(loop.policy, role_key(key, t, "select"), t, real, usable, carry.memory)
    state, info = learned(loop.model.fit, role_key(key, t, "fit"), training, carry.state)
    ended = _ended(training, (carry.state, state))
    if usable.capacity and not (loop.policy.wanted and loop.policy.wanted(real.capacity) == 0):
        nothing = ~(usable.weight > 0).any()
        ended = jnp.where(nothing, jnp.where(correction["failed"].any(), 1, 2), ended)
    state = _spoiled(ended, state)
    after = carry._replace(state=state, memory=memory)
    return after, Generation(t, state, raw, corrected, correction, info, ended)


def _ended(training: Batch, states: Any) -> Array:
    """0, or the place in `ENDS`."""
    total = jnp.sum(training.weight)
    full = (total > 0) & jnp.isfinite(total)
    return jnp.where(full, jnp.where(sound(states), 0, 4), 3).astype(jnp.int32)


def _spoiled(ended: Array, state: Any) -> Any:
    """The state, NaN where the chain has ended, so that it stays so though later fits forget this state."""

    def leaf(x: Array) -> Array:
        return jnp.where(ended > 0, jnp.nan, x).astype(x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x

    return jax.tree.map(leaf, state)


def _stop(t: ArrayLike, ended: Array) -> None:
    """StoppedError where the chain has ended and that is known now."""
    if not isinstance(ended, jax.core.Tracer) and int(ended):
        raise StoppedError(f"the chain ended in generation {int(t)}: {list(ENDS.values())[int(ended)]}")


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

    Raises:
        ConfigError: T below 0, a part that does not return what `protocols` says, a measure that cannot take
            generation 0.
        StoppedError: the chain ended, with the generation and why. Under `jit` or `vmap`, where that cannot be known,
            all real numbers of its state are NaN from there on.
    """
    if isinstance(generations, bool) or not hasattr(generations, "__index__") or generations < 0:
        raise ConfigError(f"generations is {generations!r}; give a whole number, 0 or more")
    carry, first = begin(loop, key, generations)
    start = _first(measure, role_key(key, 0, "evaluate"), first)

    def step(carry: Carry, t: Array) -> tuple[Carry, Any]:
        carry, result = generation(loop, key, t, carry)
        return carry, (result.ended, measure(role_key(key, t, "evaluate"), result))

    try:
        carry, (ended, rest) = jax.lax.scan(step, carry, jnp.arange(1, generations + 1, dtype=jnp.int32))
    except contracts.NOT_TRACEABLE as error:
        line = str(error).splitlines()[0]
        raise ConfigError(
            f"a part of the loop or the measure is ordinary Python code, which scan cannot compile ({line}): drive it "
            "with selfloop.checkpointed"
        ) from error
    if generations and not isinstance(ended, jax.core.Tracer):
        at = int(jnp.argmax(ended > 0))
        _stop(at + 1, ended[at])
    return carry, jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), start, rest)


def _first(measure: Callable[[Array, Generation], Any], key: Array, first: Generation) -> Any:
    try:
        return jax.tree.map(jnp.asarray, measure(key, first))
    except (AttributeError, TypeError) as error:
        if "NoneType" not in str(error):
            raise
        raise ConfigError(
            f"measure cannot take generation 0, whose raw and corrected batches are None ({error}): measure the state, "
            "or take samples of your own"
        ) from error
