"""Processes that work on a grid together: they meet through JAX, and then need nothing but the folder they share.

JAX's multi-process start says who is which (`company`). Its connection ends at once: it would abort every process as
soon as one is lost, and lanes exchange nothing. From then on each process shows that it is alive by touching a file;
process 0 leads by orders, which are files too. Whoever waits for a process that is gone says so and ends (`LostError`).
"""

import argparse
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jax

from selfloop.errors import ConfigError, SelfloopError
from selfloop.runs import files, record

BEAT, PAUSE = 1.0, 0.3
"""Seconds between signs of life, and between looks at what is waited for."""
AGAIN = "start all of them again with the same command: nothing that is finished is computed again"


class LostError(SelfloopError):
    """Another process that is waited for has ended or does not answer."""


class Start(NamedTuple):
    """How a process finds the others."""

    coordinator: str | None = None
    """HOST:PORT of process 0; ``auto`` for what JAX detects itself (Slurm, Open MPI, ...); None to work alone."""
    processes: int | None = None
    process: int | None = None
    patience: float = 300.0
    """Seconds without a sign of life after which a process counts as lost; also how long all may take to meet."""


def options(arguments: list[str]) -> tuple[Start, list[str]]:
    """Take --coordinator, --processes, --process and --patience out of a command line; what remains comes second."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, prog="")
    for name, of in {"coordinator": str, "processes": int, "process": int, "patience": float}.items():
        parser.add_argument(f"--{name}", type=of, default=Start._field_defaults[name])
    found, rest = parser.parse_known_args(arguments)
    return Start(**vars(found)), rest


@dataclass(frozen=True)
class Company:
    """This process among ``count`` that work together; alone, it never waits."""

    me: int
    count: int
    patience: float
    folder: Path
    _seen: dict[int, tuple[int | None, float]] = field(default_factory=dict)
    """The last sign of life of each, and when it was first seen."""

    def check(self) -> None:
        """LostError where a process that this one depends on is gone: any for process 0, which all others depend on."""
        for process in range(1, self.count) if self.me == 0 else [0]:
            if (self.folder / f"ended_{process}").exists():
                raise LostError(f"process {process} of {self.count} has stopped, see what it said; {AGAIN}")
            sign, now = _sign(self.folder / f"alive_{process}"), time.monotonic()
            last, since = self._seen.get(process, (None, now))
            self._seen[process] = sign, since if sign == last else now
            if now - self._seen[process][1] > self.patience:
                silent = f"process {process} of {self.count} does not answer ({self.patience:g} s: killed, or lost)"
                raise LostError(f"{silent}; {AGAIN}")

    def wait(self, ready: Callable[[], bool]) -> None:
        """Until ``ready()``, or LostError."""
        while not ready():
            try:
                self.check()
            except LostError:
                if ready():  # it had ended because all was done
                    return
                raise
            time.sleep(PAUSE)

    def tell(self, k: int, order: Any) -> None:
        """Give order k (JSON) to the others."""
        if self.count > 1:
            record.write_json(self._order(k), order)

    def hear(self, k: int) -> Any:
        """Wait for order k."""
        self.wait(self._order(k).exists)
        return record.read_json(self._order(k))

    def _order(self, k: int) -> Path:
        return self.folder / f"order_{k:05d}.json"


@contextmanager
def company(start: Start, out: Path, begin: Callable[[], None]) -> Iterator[Company]:
    """Meet the others, and be alive to them until the end; process 0 calls ``begin()`` before the others go on.

    Raises:
        ConfigError: a start that is incomplete or that JAX refuses, or process 0 ended before it began.
    """
    home, last = out / "processes", _current(out / "processes")
    with _bounded(start):
        _connect(start)
        me, count = jax.process_index(), jax.process_count()
        try:
            if me == 0:
                begin()
                if count > 1:
                    _open(home)
        finally:
            jax.distributed.shutdown()  # waits for all
    if count > 1 and _current(home) == last:
        raise ConfigError(f"process 0 of {count} has stopped before it began, see what it said; {AGAIN}")
    crew = Company(me, count, start.patience, home / (_current(home) or ""))
    if count == 1:
        yield crew
        return
    with _alive(crew):
        yield crew


def _connect(start: Start) -> None:
    """Let JAX find the others."""
    if start.coordinator is None:
        return
    auto = start.coordinator == "auto"
    if not auto and None in (start.processes, start.process):
        raise ConfigError("--coordinator HOST:PORT needs --processes N, and --process 0 to N - 1 for this one; or auto")
    # The bound is ours (`_bounded`), as JAX's own would abort the process.
    long = int(start.patience * 2) + 60
    try:
        jax.distributed.initialize(
            None if auto else start.coordinator, start.processes, start.process,
            cluster_detection_method=None if auto else "deactivate", initialization_timeout=long,
            heartbeat_timeout_seconds=long, shutdown_timeout_seconds=long,
        )  # fmt: skip
    except (ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"--coordinator {start.coordinator}: {reason}; see docs/sweeps.md") from error


@contextmanager
def _bounded(start: Start) -> Iterator[None]:
    """End the process with a clear line where the others do not come in time: JAX waits deaf to exceptions."""

    def give_up() -> None:
        where = f"--coordinator {start.coordinator}"
        print(f"error: the other processes have not come within {start.patience:g} s ({where}); {AGAIN}, or give "
              "--patience more seconds", file=sys.stderr, flush=True)  # fmt: skip
        os._exit(2)

    timer = threading.Timer(start.patience, give_up)
    timer.daemon = True
    if start.coordinator is not None:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _open(home: Path) -> None:
    """A new folder for this company's signs, in place of those before it."""
    shutil.rmtree(home, ignore_errors=True)
    name = secrets.token_hex(4)
    (home / name).mkdir(parents=True)
    files.replace(home / "current", name.encode())


def _current(home: Path) -> str | None:
    with suppress(OSError):
        return (home / "current").read_text()
    return None


@contextmanager
def _alive(crew: Company) -> Iterator[None]:
    """Give signs of life, and say when they end on purpose."""
    sign, over = crew.folder / f"alive_{crew.me}", threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            with suppress(OSError):  # the folder of a later company has taken this one's place
                os.utime(sign)

    sign.touch()
    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        with suppress(OSError):
            (crew.folder / f"ended_{crew.me}").touch()


def _sign(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return None
