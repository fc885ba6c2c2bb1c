"""Compilation ahead of need: a job's programs are compiled in threads while generation 0 is trained.

XLA compiles a program on about one core, and a job's programs do not depend on each other: known by their shapes alone
they are ready when they are first called, and are the same programs, so that results are, bit for bit. What cannot be
compiled ahead is compiled by its first call, which also says what is wrong with it.
Shapes: L chains, m synthetic samples a chain.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct
from jax.sharding import Mesh

from selfloop.batch import Batch
from selfloop.engine.chains import AllChains, placed
from selfloop.engine.observe import Observer
from selfloop.engine.programs import Programs
from selfloop.protocols import Carry, Model

THREADS = 4
"""Programs that are compiled at a time."""

Task = Callable[[], None]


@contextmanager
def compiling(tasks: list[Task]) -> Iterator[None]:
    """Do the tasks in threads; at the end all are done. Where an exception ends it, those not begun are left out.

    A program that is called before it is ready would be compiled twice: what calls it belongs behind the end.
    """
    pool = ThreadPoolExecutor(THREADS, "compile")
    try:
        for task in tasks:
            pool.submit(_tried, task)
        yield
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def _tried(task: Task) -> None:
    with suppress(Exception):
        task()


def ahead(
    model: Model, made: Programs, observer: Observer, inputs: tuple[Batch, Array, Array], mesh: Mesh
) -> list[Task]:
    """Tasks that compile what a generation calls, the largest first; none for chains that cannot be compiled.

    ``inputs`` are the job's real data, and the seed and lambda [L] of every chain.
    """
    if not isinstance(made.propose, AllChains):
        return []
    seed, count = inputs[1], len(inputs[1])

    def each(tree: Any) -> Any:
        many = jax.tree.map(lambda leaf: ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), tree)
        return placed(many, mesh)

    t = each(ShapeDtypeStruct((), jnp.int32))
    state = each(jax.eval_shape(model.init, jax.random.key(0)))

    def carry() -> Carry:
        return Carry(state, placed(made.remember.shapes(*inputs[:2]), mesh))

    def learn() -> None:
        before = carry()
        raw = placed(made.propose.shapes(*inputs, t, before), mesh)
        failed = placed(ShapeDtypeStruct(raw.weight.shape, jnp.bool_), mesh)
        made.learn.compile(*inputs, t, before, raw, failed)

    return [learn, lambda: observer.compile(seed, state), lambda: made.propose.compile(*inputs, t, carry())]
