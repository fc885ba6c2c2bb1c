"""Where a card's time goes, kernel by kernel, and what might save some of it: material for whoever makes it faster.

What is tried here is not what the package does. It becomes that once a card has shown that it pays.
"""

import collections
import contextlib
import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import pallas as pl

from benchmarks.gpu import Rows, Sizes, real_windows, timed, trainer
from benchmarks.measuring import row

SHOWN = 12
"""Kernels that are named, those that take most time."""
NEWTON = 3
"""Steps of the contact solver, see `brax_backend.ITERATIONS`."""
SIDE = 64
"""Side of the tile that holds a matrix: a power of two."""
PARALLEL = {"xla_gpu_enable_llvm_module_compilation_parallelism": True}
"""Lets XLA compile the kernels of one program side by side."""


def kernels(size: Sizes) -> Rows:
    """Kernels of a training step and of a physics step: how many, and which take most time."""
    model, start, control = rolled(size)
    program = jax.jit(_program())
    works = {
        "training step": (trainer(size, "bfloat16")[0], size.steps),
        "physics step": (lambda: program(model, start, control), control.shape[1]),
    }
    for name, (work, steps) in works.items():
        taken, _ = timed(work, runs=1)
        spent = traced(work)
        count, busy = (sum(pair[i] for pair in spent.values()) for i in (0, 1))
        yield row(f"{name}, kernels", count / steps, "a step", f"{len(spent)} kinds")
        yield row(f"{name}, device at work", busy / taken, "of the time")
        for kernel, (times, seconds) in sorted(spent.items(), key=lambda item: -item[1][1])[:SHOWN]:
            yield row(f"{name}, {kernel[:60]}", 1e6 * seconds / steps, "us/step", f"{times / steps:.3g} a step")


def traced(work: Callable[[], Any]) -> dict[str, tuple[int, float]]:
    """How often each kernel of a call ran on the device, and its seconds in all; nothing on a CPU."""
    options = jax.profiler.ProfileOptions()
    options.host_tracer_level = options.python_tracer_level = 0
    spent = collections.defaultdict(lambda: [0, 0.0])
    with tempfile.TemporaryDirectory() as folder:
        jax.profiler.start_trace(folder, profiler_options=options)
        jax.block_until_ready(work())
        jax.profiler.stop_trace()
        for path in Path(folder).rglob("*.xplane.pb"):
            planes = [plane for plane in jax.profiler.ProfileData.from_file(str(path)).planes if "GPU" in plane.name]
            lines = [line for plane in planes for line in plane.lines if line.name.startswith("Stream")]
            for event in (event for line in lines for event in line.events):
                spent[event.name][0] += 1
                spent[event.name][1] += event.duration_ns / 1e9
    return {name: (times, seconds) for name, (times, seconds) in spent.items()}


def rolled(size: Sizes) -> tuple[dict[str, Any], Array, Array]:
    """What a rollout takes: the model's fields, and start and control of the first chunk of real windows."""
    from selfloop.domains.motion.physics import brax_backend, corrector, tracker
    from selfloop.domains.motion.physics.gains import fields, gains

    batch, steps = real_windows(size.data, size.chunks[0]), corrector.SUBSTEPS
    reference = corrector._prepare(jnp.asarray(batch.x), jnp.asarray(batch.cond["length"]), steps)
    offset = jnp.zeros((*reference.q.shape[:2], reference.torque.shape[-1]), jnp.float32)
    plan = tracker._commands(gains(), reference, offset)
    return fields(brax_backend._model(_step()), gains()), plan.start, plan.control


def _step() -> float:
    from selfloop.domains.motion.data.features import FPS
    from selfloop.domains.motion.physics.corrector import SUBSTEPS

    return 1 / (FPS * SUBSTEPS)


def _program() -> Callable[..., Array]:
    """The rollouts of `brax_backend`, traced anew wherever they are compiled."""
    from selfloop.domains.motion.physics import brax_backend

    base = brax_backend._model(_step())

    def program(strength: dict[str, Any], start: Array, control: Array) -> Array:
        with brax_backend.relaxed():
            return jax.vmap(functools.partial(brax_backend._roll, base.replace(**strength)))(start, control)

    return program


def rollouts(size: Sizes) -> Rows:
    """Rollouts of one chunk as they are, with a solver of known length, and with one kernel a system of equations too.

    A loop of unknown length asks the device in every turn whether to go on; a known one does not. Cholesky factors and
    triangular solutions of many small matrices are several library calls each.
    """
    arguments, first = rolled(size), None
    changes = {"as they are": (), "known length": (known,), "known length, one kernel": (known, one_kernel)}
    for name, change in changes.items():
        with contextlib.ExitStack() as stack:
            for enter in change:
                stack.enter_context(enter())
            lowered = jax.jit(_program()).lower(*arguments)
        options = PARALLEL if jax.default_backend() == "gpu" and change else None
        began = time.perf_counter()
        compiled = lowered.compile(compiler_options=options)
        seconds = time.perf_counter() - began
        taken, _ = timed(lambda compiled=compiled: compiled(*arguments))
        states = np.asarray(compiled(*arguments))
        first = (states, taken) if first is None else first
        apart = float(np.nanmedian(np.abs(states - first[0])[..., 7:37].mean((1, 2))))
        yield row(f"rollouts, {name}", taken, "s", f"{apart:.2g} rad from the first (median)", first[1] / taken)
        yield row(f"rollouts, {name}, compiling", seconds, "s", "kernels side by side" if options else "")


def counted_loop(cond: Callable, body: Callable, start: Any) -> Any:
    """`jax.lax.while_loop` where it turns `NEWTON` times at most, as a loop of that length."""

    def turn(value: Any, _: None) -> tuple[Any, None]:
        goes_on, after = cond(value), body(value)
        return jax.tree.map(lambda new, old: jnp.where(goes_on, new, old), after, value), None

    return jax.lax.scan(turn, start, length=NEWTON)[0]


@contextlib.contextmanager
def known() -> Iterator[None]:
    """What is traced inside has a solver of known length: it is the one loop of unknown length there."""
    kept, jax.lax.while_loop = jax.lax.while_loop, counted_loop
    try:
        yield
    finally:
        jax.lax.while_loop = kept


@contextlib.contextmanager
def one_kernel() -> Iterator[None]:
    """What is traced inside solves its equations by `solved`."""
    linalg = jax.scipy.linalg
    kept = linalg.cho_factor, linalg.cho_solve
    linalg.cho_factor = lambda matrix, **options: (matrix, False)
    linalg.cho_solve = lambda factor, right: solved(factor[0], right)
    try:
        yield
    finally:
        linalg.cho_factor, linalg.cho_solve = kept


def solved(matrix: Array, right: Array) -> Array:
    """x [n] of A x = b for a positive definite A [n, n], n <= `SIDE`, in one kernel; `jax.vmap` it."""
    n = len(right)
    spare = SIDE - n
    shape, cpu = jax.ShapeDtypeStruct((SIDE,), jnp.float32), jax.default_backend() == "cpu"
    options = {} if cpu else {"compiler_params": _triton()}
    call = pl.pallas_call(functools.partial(_eliminate, n), out_shape=shape, interpret=cpu, **options)
    return call(jnp.pad(matrix, ((0, spare), (0, spare))), jnp.pad(right, (0, spare)))[:n]


def _triton() -> Any:
    from jax.experimental.pallas import triton

    return triton.CompilerParams(num_warps=4, num_stages=1)


def _eliminate(n: int, matrix: Any, right: Any, result: Any) -> None:
    """Gauss and Jordan without pivoting: what is left to eliminate stays symmetric, so a column is also its row."""
    at = jax.lax.broadcasted_iota(jnp.int32, (SIDE,), 0)
    rows, columns = (jax.lax.broadcasted_iota(jnp.int32, (SIDE, SIDE), axis) for axis in (0, 1))
    zero = jnp.float32(0)

    def one(j: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        a, b = carry
        column = jnp.sum(jnp.where(columns == j, a, zero), 1)
        share = column / jnp.sum(jnp.where(at == j, column, zero))
        share = jnp.where(at == j, zero, share)
        line = jnp.where(at >= j, column, zero)
        return a - share[:, None] * line[None, :], b - share * jnp.sum(jnp.where(at == j, b, zero))

    a, b = jax.lax.fori_loop(0, n, one, (matrix[...], right[...]))
    result[...] = b / jnp.sum(jnp.where(rows == columns, a, zero), 1)
