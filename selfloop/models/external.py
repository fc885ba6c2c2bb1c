"""External generator: a model of ordinary Python functions (NumPy, scikit-learn, PyTorch), its state any picklable.

The state travels as the bytes of its pickle in an array of one size, so that it is checkpointed, resumed and compared
as any other. The functions see concrete arrays: such a model runs in the engine (`Domain.traceable` false), in
`selfloop.checkpointed` and in `selfloop.generation`, not under `jit`.
Letters: N samples, n of them drawn, C bytes.
"""

import inspect
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, look, uniform
from selfloop.errors import ConfigError
from selfloop.protocols import Model

SPARE = 2**16
"""Bytes that a state may grow by, beside twice its first size."""


class ExternalState(NamedTuple):
    """A pickled state."""

    pickled: Array  # uint8 [C], zeros after the end
    length: Array  # int32: bytes; 0 for an untrained model
    sound: Array  # float32: 1, and NaN once the chain has ended


def external(
    fit: Callable[..., Any],
    draw: Callable[[int, Any, int], Any],
    example: Any,
    room: int | None = None,
) -> Model:
    """A model of two functions, ``fit(seed, samples, previous) -> state`` and ``draw(seed, state, n) -> samples``.

    Seeds are Python integers in 0 .. 2^32 - 1 and all the chance that there may be. ``samples`` is a NumPy array
    [N, ...] of the training set; ``previous`` the state of the generation before, None in generation 0: a function that
    ignores it refits, one that goes on from it fine-tunes. Samples that are absent are left out; one of weight 2 is
    there twice; a ``fit`` with a parameter ``weight`` is given all that are present and their weights [N]. ``draw``
    returns n samples, which are shuffled by the seed, so that each part of them has the model's law.

    Args:
        fit: the state may be anything that pickles.
        draw: NumPy's own arrays or what it makes one of (a detached tensor).
        example: samples [N, ...] such as those of the loop; ``fit`` and ``draw`` are tried on them once, here.
        room: bytes C for a pickled state; None: twice what the trial took, and 64 KiB.

    Raises:
        ConfigError: a state that does not pickle, or takes more room than there is; samples of another number, shape or
            kind than were asked for; weights that a ``fit`` without them cannot be told of.
    """
    example = np.asarray(uniform(example).x)
    first = _pickle(fit(0, example.copy(), None))
    _samples(draw(0, pickle.loads(first), 3), 3, example)
    room = 2 * len(first) + SPARE if room is None else room
    weighs = "weight" in inspect.signature(fit).parameters

    def init(key: Array) -> ExternalState:
        return ExternalState(jnp.zeros(room, jnp.uint8), jnp.zeros((), jnp.int32), jnp.ones((), jnp.float32))

    def learn(key: Array, batch: Batch, state: ExternalState) -> tuple[ExternalState, dict]:
        samples, more = _training(batch, weighs=weighs)
        if not len(samples) or not np.isfinite(state.sound):  # nothing to fit: the loop says what that means
            return state._replace(sound=jnp.full((), jnp.nan, jnp.float32)), {}
        data = _pickle(fit(_seed(key), samples, _unpickled(state), **more))
        if len(data) > room:
            raise ConfigError(
                f"the state that fit returned takes {len(data)} bytes, and room is {room} (twice its size on the first "
                f"{len(example)} samples): give room={2 * len(data)}"
            )
        pickled = np.zeros(room, np.uint8)
        pickled[: len(data)] = np.frombuffer(data, np.uint8)
        return ExternalState(jnp.asarray(pickled), jnp.asarray(len(data), jnp.int32), state.sound), {}

    def sample(key: Array, state: ExternalState, cond: None, n: int) -> Batch:
        if cond is not None:
            raise ConfigError("an external model knows no conditions (labels): give data without cond")
        if not n or not np.isfinite(state.sound):
            return uniform(jnp.full((n, *example.shape[1:]), np.nan).astype(example.dtype))
        seed = _seed(key)
        found = _samples(draw(seed, _unpickled(state), n), n, example)
        return uniform(jnp.asarray(found[np.random.default_rng(seed).permutation(n)]))

    return Model(init, learn, sample)


def _seed(key: Array) -> int:
    return int(jax.random.bits(key, dtype=jnp.uint32))


def _training(batch: Batch, *, weighs: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The samples that are present, as often as they count, and what else ``fit`` is told."""
    x, weight = np.asarray(batch.x), np.asarray(batch.weight)
    samples, weight = x[weight > 0], weight[weight > 0]
    if weighs:
        return samples, {"weight": weight}
    times = np.round(weight).astype(int)
    if (times != weight).any():
        raise ConfigError(
            f"the training set has weights such as {weight[times != weight][0]:.4g}, which fit cannot be told of: give "
            "fit a parameter `weight`, or take another policy"
        )
    return np.repeat(samples, times, axis=0), {}


def _samples(found: Any, n: int, example: np.ndarray) -> np.ndarray:
    """What ``draw`` returned as an array of the example's dtype; ConfigError where it is not n such samples."""
    found = np.asarray(found)
    wanted, kinds = (n, *example.shape[1:]), "biuf" if example.dtype.kind == "f" else "biu"
    if found.shape != wanted or found.dtype.kind not in kinds:
        raise ConfigError(
            f"draw returned {look(found)} when asked for {n} samples; it returns {example.dtype}{list(wanted)}"
        )
    return found.astype(example.dtype)


def _unpickled(state: ExternalState) -> Any:
    length = int(state.length)
    return pickle.loads(np.asarray(state.pickled)[:length].tobytes()) if length else None


def _pickle(state: Any) -> bytes:
    if state is None:
        raise ConfigError("fit returned None; it returns the state that draw is given")
    try:
        return pickle.dumps(state, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        try:  # knows classes of a script that another process has not imported
            import cloudpickle

            return cloudpickle.dumps(state)
        except (ImportError, pickle.PicklingError, TypeError):
            raise ConfigError(
                f"the state that fit returned ({type(state).__name__}) cannot be pickled ({error}): return numbers, "
                "arrays, or objects of classes at the top of a module"
            ) from error
