"""Timing: rows of the table of `speed`, compile time apart from run time, and the shortest of a few runs in turns."""

import time
from collections.abc import Callable
from typing import Any

RUNS = 4


def row(name: str, value: float, unit: str, against: str = "", ratio: float | None = None) -> dict[str, Any]:
    """One line of the table and of speed.json; ``ratio`` is the value's to what it is measured against."""
    return {"name": name, "value": float(value), "unit": unit, "against": against, "ratio": ratio}


def compiled(function: Callable, *arguments: Any) -> tuple[Callable, float]:
    """The compiled program of a function for these arguments, and the seconds that tracing and compiling took."""
    import jax

    began = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    return program, time.perf_counter() - began


def best(*works: Callable[[], Any], runs: int = RUNS, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The shortest time in seconds that each took in ``runs`` runs, in turns.

    With ``clock=time.process_time`` these are seconds of all cores, which other work on the machine disturbs less.
    """
    import jax

    times = [[] for _ in works]
    for _ in range(runs):
        for work, taken in zip(works, times, strict=True):
            began = clock()
            jax.block_until_ready(work())
            taken.append(clock() - began)
    return [min(taken) for taken in times]
