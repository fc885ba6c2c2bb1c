"""Checkpointed driver: the loop driven from Python, for parts that `scan` cannot compile; called again it goes on.

Letters: t generation, T generations.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.contracts import NOT_TRACEABLE, given, slots
from selfloop.digest import digest
from selfloop.errors import ConfigError
from selfloop.loop import begin, first_corrector, generation, role_key
from selfloop.protocols import Carry, Generation, Loop
from selfloop.runs import checkpoint, record

FILE = "loop.json"
"""In the folder: the fingerprint of the loop, and the generations that its memory has room for."""


def checkpointed(
    loop: Loop, key: Array, generations: int, folder: str | Path, measure: Callable[[Array, Generation], Any]
) -> Carry:
    """Drive T generations, each ending with a call of ``measure(key, generation)`` and a checkpoint in ``folder``.

    Called again with the same arguments it goes on from the last checkpoint, to the same result as if it had never
    stopped; a generation that was stopped between the two is measured a second time. It may be asked for more
    generations, where the policy remembers none. The last two checkpoints and every tenth are kept.

    Raises:
        ConfigError: a part of the loop that does not do what `protocols` says; a folder of another loop (parts, real
            data, key), as far as JAX can trace it; more generations than a memory was made for.
        StoppedError: the chain ended, with the generation and why.
    """
    if isinstance(generations, bool) or not hasattr(generations, "__index__") or generations < 0:
        raise ConfigError(f"generations is {generations!r}; give a whole number, 0 or more")
    folder = Path(folder)
    held = _held(loop, key, generations, folder)
    at = checkpoint.latest(folder, generations)
    if at is None:
        carry, result = begin(loop, key, held)
        measure(role_key(key, 0, "evaluate"), result)
        at = 0
        checkpoint.save(checkpoint.name(folder, 0), carry)
    else:
        carry = checkpoint.load(checkpoint.name(folder, at), jax.eval_shape(lambda: _blank(loop, key, held)))
    for t in range(at + 1, generations + 1):
        carry, result = generation(loop, key, jnp.asarray(t, jnp.int32), carry)
        measure(role_key(key, t, "evaluate"), result)
        checkpoint.save(checkpoint.name(folder, t), carry)
        checkpoint.prune(folder)
    return carry


def _held(loop: Loop, key: Array, generations: int, folder: Path) -> int:
    """The generations of the memory: those asked for when the folder was begun, where the policy remembers any."""
    now = _fingerprint(loop, key)
    path = folder / FILE
    if path.exists():
        stored = record.read_json(path)
        if differ := [name for name in now if stored.get(name) != now[name]]:
            raise ConfigError(f"{folder} holds another loop: its {' and '.join(differ)} differ; give another folder")
        if generations <= stored["generations"] or not _remembers(loop, key):
            return stored["generations"]
        raise ConfigError(
            f"{folder} was begun for {stored['generations']} generations, and its memory has room for no more: "
            "give another folder"
        )
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty and holds no loop ({FILE}); give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    record.write_json(path, now | {"generations": generations})
    return generations


def _fingerprint(loop: Loop, key: Array) -> dict[str, str]:
    """Hashes of the key, of the first real data and, where JAX can trace it, of the program of a generation."""
    t = jnp.asarray(0, jnp.int32)
    real = given(loop.source, role_key(key, t, "real"), t)
    blank = _blank(loop, key, 1)
    try:
        program = jax.make_jaxpr(lambda key, t, carry: generation(loop, key, t, carry)[0])(key, t + 1, blank)
        told = digest((re.sub(r"0x[0-9a-f]+", "", str(program)), list(map(_numbers, program.consts))))
    except NOT_TRACEABLE:
        told = digest(str(jax.eval_shape(lambda: blank)))
    return {"parts": told, "real data": digest(jax.tree.map(_numbers, real)), "key": digest(_numbers(key))}


def _numbers(leaf: Any) -> np.ndarray:
    """An array or key as NumPy has it."""
    is_key = hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)


def _remembers(loop: Loop, key: Array) -> bool:
    one, other = (jax.eval_shape(lambda k=k: _blank(loop, key, k).memory) for k in (1, 2))
    return one != other


def _blank(loop: Loop, key: Array, generations: int) -> Carry:
    """A carry of the loop's structure, for its shapes."""
    real = given(loop.source, key, jnp.asarray(0, jnp.int32))
    memory = loop.policy.start(real, slots(loop, real.capacity) * generations)
    return Carry(loop.model.init(key), memory, first_corrector(loop.corrector, key, real))
