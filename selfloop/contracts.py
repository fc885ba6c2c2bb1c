"""Contracts of the loop's parts: each part is called here, and what it returns is held to what `protocols` says.

Only shapes, dtypes and structures are looked at, so that it costs nothing under `jit` (it happens once, as the program
is traced) and microseconds elsewhere. `check` does it for a whole loop before anything is computed.
Letters: t generation, n real points, m synthetic samples, N samples of a batch.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch, look
from selfloop.errors import ConfigError
from selfloop.protocols import Adaptive, Corrector, Loop, Model, Policy, Source

NOT_TRACEABLE = (jax.errors.JAXTypeError, jax.errors.JAXIndexError, jax.errors.UnexpectedTracerError)
"""What JAX raises where Python asks for a number that is not known yet."""


def given(source: Source, key: Array, t: Array) -> Batch:
    """``source(key, t)``; ConfigError where that is no batch with float weights."""
    with part("the source", t):
        real = source(key, t)
    _batch("the source", real)
    return real


def learned(fit: Callable[[Array, Batch, Any], Any], key: Array, batch: Batch, state: Any) -> tuple[Any, Any]:
    """``fit(key, batch, state)``; ConfigError where the new state has another structure, shape or dtype."""
    with part("the model's fit", batch):
        result = fit(key, batch, state)
    if type(result) is not tuple or len(result) != 2:  # a state is often a named tuple
        raise ConfigError(f"the model's fit returned {look(result)}; a fit returns (state, info)")
    _alike("the model's fit returned the state", result[0], state, "the state before it (of init) was", batch)
    return result


def drawn(model: Model, key: Array, state: Any, cond: Any, m: int, like: Batch) -> Batch:
    """``sample(key, state, cond, m)``; ConfigError where that is no batch of m samples such as those of ``like``."""
    with part("the model's sample", state):
        raw = model.sample(key, state, cond, m)
    _batch("the model's sample", raw)
    if (sizes := {leaf.shape[0] for leaf in jax.tree.leaves(raw.x)} | {raw.capacity}) != {m}:
        raise ConfigError(
            f"the model's sample returned {_sizes(sizes)} samples of {m}; it returns as many as it is asked"
        )
    # A policy of its own may fold samples of another structure into what the real data are (sufficient statistics).
    if jax.tree.structure(raw.x) == jax.tree.structure(like.x):
        _rows("the model's sample returned samples", raw.x, like.x, "the real ones are")
    _rows("the model's sample returned conditions", raw.cond, like.cond, "those of the real samples are")
    return raw


def corrected(corrector: Corrector, key: Array, batch: Batch, state: Any) -> tuple[Batch, dict[str, Array]]:
    """What the corrector makes of the batch; ConfigError where that is not what `Corrector` says."""
    name, n = getattr(corrector, "__name__", type(corrector).__name__), batch.capacity
    with part(f"the corrector {name}", batch):
        result = corrector(key, batch, state)
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], Batch)):
        raise ConfigError(f"the corrector {name} returned {look(result)}; a corrector returns (Batch, info)")
    after, info = result
    found = {key: getattr(info, "get", {}.get)(key) for key in ("moved", "failed")} | {"weight": after.weight}
    wrong = [value for value in found.values() if getattr(value, "shape", None) != (n,)]
    if wrong or found["failed"].dtype != bool or not jnp.issubdtype(found["moved"].dtype, jnp.floating):
        raise ConfigError(
            f"the corrector {name} returned {look(found)} of {n} samples; a corrector returns as many samples as it is "
            f"given, and info with moved, float [{n}], and failed, bool [{n}]"
        )
    for field in ("x", "weight", "cond"):
        before = getattr(batch, field)
        _alike(f"the corrector {name} returned {field}", getattr(after, field), before, "it was given", batch)
    return after, info


def adapted(adaptive: Adaptive, key: Array, t: Array, real: Batch, raw: Batch, own: Any) -> Any:
    """``adapt(key, t, real, raw, own)``; ConfigError where what it learned has another structure, shape or dtype."""
    with part("the corrector's adapt", raw):
        found = adaptive.adapt(key, t, real, raw, own)
    _alike("the corrector's adapt returned what it learned", found, own, "before it (of start) that was", raw)
    return found


def chosen(policy: Policy, key: Array, t: Array, real: Batch, corrected: Batch, memory: Any) -> tuple[Batch, Any]:
    """``select(...)``; ConfigError where that is no batch of samples such as the real ones and a like memory."""
    with part("the policy's select", real):
        result = policy.select(key, t, real, corrected, memory)
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], Batch)):
        raise ConfigError(f"the policy's select returned {look(result)}; it returns (Batch, memory)")
    _batch("the policy's select", result[0])
    _rows("the policy's select returned samples", result[0].x, real.x, "the real ones are")
    _alike("the policy's select returned the memory", result[1], memory, "the memory before it was", real)
    return result


def slots(loop: Loop, n: int) -> int:
    """The number m of samples that are drawn beside n real points: what the policy asks for, or ``loop.synthetic``.

    Raises:
        ConfigError: neither says it, or the policy asks for more than ``loop.synthetic``.
    """
    wanted, m = loop.policy.wanted(n) if loop.policy.wanted else None, loop.synthetic
    if m is None and wanted is None:
        raise ConfigError("the policy does not say how many synthetic samples there are; give Loop(synthetic=m)")
    if m is None:
        return max(wanted, 1)  # no array is empty; a policy that wants none takes none
    if isinstance(m, bool) or not hasattr(m, "__index__") or m < 1:
        raise ConfigError(f"synthetic is {m!r}; give a whole number of samples, 1 or more")
    if wanted is not None and wanted > m:
        raise ConfigError(
            f"the policy's lambda asks for {wanted} synthetic samples beside {n} real ones and Loop(synthetic={m}) "
            f"draws {m}: leave synthetic out, or give {wanted} or more"
        )
    return m


def check(loop: Loop, key: Array) -> None:
    """Try one generation of a loop without computing it, by shapes alone (`jax.eval_shape`).

    What cannot be traced (code that asks for numbers) is left for its first call. `loop.begin` does this, but under a
    trace, where the loop's own trace is the trial.

    Raises:
        ConfigError: the first part that does not do what `protocols` says, with what it returned and what is expected.
    """
    _parts(loop, key)
    if isinstance(key, jax.core.Tracer):
        return
    jax.eval_shape(lambda key: _once(loop, key), key)


def check_corrector(loop: Loop, key: Array) -> None:
    """`check` of a loop's corrector alone, of whose other parts it was done with another corrector."""
    _parts(loop, key)

    def once(key: Array) -> Any:
        real = given(loop.source, key, jnp.asarray(1, jnp.int32))
        raw = _blank(real, slots(loop, real.capacity))
        corrector = _now(loop.corrector, key, real, raw)
        return _tried(lambda: corrected(corrector, key, raw, loop.model.init(key)), (raw, {}))

    jax.eval_shape(once, key)


def _blank(real: Batch, m: int) -> Batch:
    return jax.tree.map(lambda leaf: jnp.zeros((m, *leaf.shape[1:]), leaf.dtype), real)


def _once(loop: Loop, key: Array) -> Any:
    t = jnp.asarray(1, jnp.int32)
    real = given(loop.source, key, t)
    m = slots(loop, real.capacity)
    blank = loop.model.init(key)
    fit = lambda: learned(loop.first_fit or loop.model.fit, key, real, blank)  # noqa: E731
    state, _ = _tried(fit, (blank, {}))
    like = _blank(real, m)
    raw = _tried(lambda: drawn(loop.model, key, state, like.cond, m, real), like)
    corrector = _now(loop.corrector, key, real, raw)
    after, _ = _tried(lambda: corrected(corrector, key, raw, state), (raw, {}))
    memory = loop.policy.start(real, m)
    training, _ = _tried(lambda: chosen(loop.policy, key, t, real, after, memory), (real, memory))
    return _tried(lambda: learned(loop.model.fit, key, training, state)[0], state)


def _now(corrector: Corrector | Adaptive, key: Array, real: Batch, raw: Batch) -> Corrector:
    """The corrector after its first lesson, where it takes any."""
    if not isinstance(corrector, Adaptive):
        return corrector
    with part("the corrector's start", real):
        own = corrector.start(key, real)
    return corrector.corrector(_tried(lambda: adapted(corrector, key, jnp.asarray(1, jnp.int32), real, raw, own), own))


def _tried(call: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return call()
    except NOT_TRACEABLE:
        return otherwise


def _parts(loop: Loop, key: Any) -> None:
    """ConfigError for a part that is of another kind, such as a function that makes the part and was not called."""
    for name, value, kind in (("model", loop.model, Model), ("policy", loop.policy, Policy)):
        if not isinstance(value, kind):
            hint = f"; call it: {value.__name__}(...)" if callable(value) and hasattr(value, "__name__") else ""
            raise ConfigError(f"Loop's {name} is {look(value)}; give a {kind.__name__}{hint}")
    for name, value in (("source", loop.source), ("corrector", loop.corrector)):
        known = name == "corrector" and isinstance(value, Adaptive)
        if not known and (isinstance(value, Batch) or not callable(value)):
            hint = "; sources.fixed(batch) makes one of a batch" if name == "source" else ""
            raise ConfigError(f"Loop's {name} is {look(value)}; give a function, as selfloop.protocols says{hint}")
    dtype, shape = getattr(key, "dtype", None), getattr(key, "shape", None)
    if dtype is None or not (jnp.issubdtype(dtype, jax.dtypes.prng_key) and shape == () or shape == (2,)):
        raise ConfigError(f"the key is {look(key)}; give one key, jax.random.key(seed)")


@contextmanager
def part(name: str, work: Any) -> Iterator[None]:
    """A TypeError or ValueError of a part (arrays that do not fit) as a ConfigError that names the part."""
    try:
        yield
    except NOT_TRACEABLE:
        raise
    except (TypeError, ValueError) as error:
        told = f" on samples {_leaves(work.x)}" if isinstance(work, Batch) else ""
        line = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        raise ConfigError(f"{name} failed{told}: {type(error).__name__}: {line}") from error


def _batch(who: str, value: Any) -> None:
    if not isinstance(value, Batch):
        raise ConfigError(f"{who} returned {look(value)}; it returns a Batch (selfloop.uniform makes one of an array)")
    weight = value.weight
    if getattr(weight, "ndim", None) != 1 or not jnp.issubdtype(weight.dtype, jnp.floating):
        raise ConfigError(f"{who} returned weights {look(weight)}; give float [N], one a sample")


def _alike(what: str, value: Any, like: Any, than: str, batch: Batch) -> None:
    _compare(what, value, like, than, f" (fitted to samples {_leaves(batch.x)})" if "fit" in what else "", 0)


def _rows(what: str, value: Any, like: Any, than: str) -> None:
    """The same but for the number of samples."""
    _compare(what, value, like, than, "", 1)


def _compare(what: str, value: Any, like: Any, than: str, more: str, skip: int) -> None:
    one, other = (jax.tree_util.tree_flatten_with_path(tree) for tree in (value, like))
    if one[1] != other[1]:
        raise ConfigError(f"{what} as {_leaves(value)}; {than} {_leaves(like)}{more}")
    for (at, leaf), (_, expected) in zip(one[0], other[0], strict=True):
        if jnp.shape(leaf)[skip:] != jnp.shape(expected)[skip:] or jnp.result_type(leaf) != jnp.result_type(expected):
            name = jax.tree_util.keystr(at)
            raise ConfigError(f"{what}{name} as {_look(leaf, skip)}; {than} {_look(expected, skip)}{more}")


def _look(leaf: Any, skip: int) -> str:
    shape = ["N" if i < skip else str(size) for i, size in enumerate(jnp.shape(leaf))]
    return f"{jnp.result_type(leaf)}[{', '.join(shape)}]"


def _leaves(tree: Any) -> str:
    return ", ".join(map(look, jax.tree.leaves(tree))) or "nothing"


def _sizes(sizes: set[int]) -> str:
    return " or ".join(map(str, sorted(sizes)))
