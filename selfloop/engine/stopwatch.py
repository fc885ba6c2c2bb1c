"""How long each part of a generation takes: on the clock, and in seconds of all cores."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Adds up the time of named parts; ``with watch("train"): ...``."""

    def __init__(self) -> None:
        self._spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Time what is inside."""
        clock, cores = time.perf_counter(), time.process_time()
        yield
        spent = self._spent[part]
        spent[0] += time.perf_counter() - clock
        spent[1] += time.process_time() - cores

    def read(self, share: int) -> dict[str, float]:
        """``seconds_<part>`` and ``core_seconds_<part>`` of one of ``share`` equal shares, since the last reading."""
        row = {}
        for part, (clock, cores) in self._spent.items():
            row |= {f"seconds_{part}": round(clock / share, 4), f"core_seconds_{part}": round(cores / share, 4)}
        self._spent.clear()
        return row
