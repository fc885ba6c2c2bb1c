"""The plug points of the loop: what a model, a corrector, a policy and a source are, and the loop made of them.

Plain callables in named tuples; nothing here computes, but for `identity`, the corrector that does not correct.
`contracts` holds them to what is said here.
Letters: t generation, n real points, m synthetic samples, N samples of a batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, usable

Corrector = Callable[[Array, Batch, Any], tuple[Batch, dict[str, Array]]]
"""``correct(key, batch, state) -> (Batch, info)``, the state being that of the model which drew the batch.

``info["moved"]`` [N] is how far each sample moved (in a unit that its domain names), ``info["failed"]`` [N], a bool,
marks samples that must not be used, which also have weight 0. The key is consumed."""


class Adaptive(NamedTuple):
    """A corrector that learns while the loop runs, from its real data and current samples alone.

    What it has learned is in the loop's carry, checkpointed and resumed with everything else. Every key is consumed.
    """

    start: Callable[[Array, Batch], Any]
    """``start(key, real) -> learned``: what it knows before it has seen a sample; a pytree of arrays."""
    adapt: Callable[[Array, Array, Batch, Batch, Any], Any]
    """``adapt(key, t, real, raw, learned) -> learned``, of the same shapes, before the samples ``raw`` of generation t
    are corrected."""
    corrector: Callable[[Any], Corrector]
    """``corrector(learned)``: the corrector that it is now. The samples may be others than those it learned from."""


Source = Callable[[Array, Array], Batch]
"""``real(key, t) -> Batch``: the n real points of generation t. The key is that of generation t."""


class Coordinates(NamedTuple):
    """A smooth chart of a model's states: free real numbers theta [P], in which the theory differentiates."""

    theta: Callable[[Any], Array]
    """``theta(state) -> theta`` [P]."""
    state: Callable[[Array], Any]
    """``state(theta) -> state``, the inverse."""


class Model(NamedTuple):
    """What is fitted and sampled: a record of pure functions. Every key is consumed."""

    init: Callable[[Array], Any]
    """``init(key) -> state``: an untrained state."""
    fit: Callable[[Array, Batch, Any], tuple[Any, Any]]
    """``fit(key, batch, state) -> (state, info)``: refit or fine-tune; samples of weight 0 have no influence."""
    sample: Callable[[Array, Any, Any, int], Batch]
    """``sample(key, state, cond, n) -> Batch`` of n samples of weight 1 under the conditions (None, or n rows)."""
    log_prob: Callable[[Any, Any], Array] | None = None
    """``log_prob(state, x)`` [N], where the model has a density."""
    coordinates: Coordinates | None = None
    """How states are free real numbers; None: the state's own leaves, one after the other, are."""
    check: Callable[[Any], None] | None = None
    """``check(state)`` raises ConfigError where a concrete state is degenerate (singular covariance, ...)."""


class Policy(NamedTuple):
    """How real and synthetic data are mixed, and what is remembered of earlier generations."""

    start: Callable[[Batch, int], Any]
    """``start(real, capacity)``: the memory before the first generation, room for ``capacity`` synthetic samples."""
    select: Callable[[Array, Array, Batch, Batch, Any], tuple[Batch, Any]]
    """``select(key, t, real, corrected, memory)``: the training set and the new memory. The key is consumed."""
    wanted: Callable[[int], int] | None = None
    """``wanted(n)``: how many synthetic samples it takes beside n real ones; None: as many as there are."""


def identity(key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
    """No correction: the samples as they are, ``moved`` [N] 0; only what is not finite fails, as with any corrector.

    It is the uncorrected loop, and the gamma = 0 of every other corrector.
    """
    same, failed = usable(batch)
    return same, {"moved": jnp.zeros_like(batch.weight), "failed": failed}


class Loop(NamedTuple):
    """The parts of a loop."""

    model: Model
    policy: Policy
    source: Source
    synthetic: int | None = None
    """The number m of samples drawn a generation; None: as many as the policy wants (floor(lambda n))."""
    corrector: Corrector | Adaptive = identity
    first_fit: Callable[[Array, Batch, Any], tuple[Any, Any]] | None = None
    """How generation 0 learns from the real data; None: as every other generation does."""


class Carry(NamedTuple):
    """All that the next generation needs."""

    state: Any
    memory: Any
    corrector: Any = ()
    """What an `Adaptive` corrector has learned."""


class Generation(NamedTuple):
    """What happened in a generation, for metrics and records; generation 0 has no samples (raw, corrected: None)."""

    t: Array
    state: Any
    raw: Batch | None
    corrected: Batch | None
    correction: dict[str, Array]
    fit: Any
    ended: Array
    """0, or why the chain ends here: a place in `loop.ENDS`. All real numbers of the state are NaN then."""
