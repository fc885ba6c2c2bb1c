"""What every command does around its work: clear stops, one-line errors, exit codes."""

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

AGAIN = 5.0
"""Seconds after which a stop that came to nothing is asked for again."""


class _Stop:
    """A handler of signals: raises KeyboardInterrupt, and again every `AGAIN` seconds until the work has ended.

    Python drops an exception that comes up in a destructor or in a callback (JAX has one of the garbage collector).
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self._timer: threading.Timer | None = None
        self._over = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._over:
            return
        self.asked.append(number)
        self._timer = threading.Timer(AGAIN, _thread.interrupt_main, [number])
        self._timer.daemon = True
        self._timer.start()
        raise KeyboardInterrupt

    def end(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()


def guarded(work: Callable[[], int | None], stopped_says: str = "stopped") -> int:
    """Do the work; its exit code, 2 for bad input, 128 + n for signal n.

    Called before the slow imports, which are therefore inside ``work``: a stop is a stop from the first second
    (`selfloop.starting` answers for those of the package itself).
    """
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return work() or 0
    except BaseException as error:
        stop.end()
        if stop.asked:  # whatever the interruption has turned into on its way up
            print(stopped_says, file=sys.stderr)
            return 128 + stop.asked[0]
        return _failed(error)
    finally:
        stop.end()
        for number, handler in before.items():
            signal.signal(number, handler)


def _failed(error: BaseException) -> int:
    """The exit code of what was raised, with its one line; what is no fault of the user's is raised on."""
    from selfloop.errors import SelfloopError

    if isinstance(error, BrokenPipeError):  # whoever read the output has seen enough
        sys.stderr.close()
        return 0
    if not isinstance(error, SelfloopError | OSError):
        raise error
    print(f"error: {error}", file=sys.stderr)
    return 2


def script(run: Callable[[list[str]], Any], made: str = "results", stopped_says: str = "stopped") -> int:
    """Run a script on the command line's arguments, guarded, and print what it made and where: the path it returns."""

    def work() -> None:
        print(f"{made}: {run(sys.argv[1:])}")

    return guarded(work, stopped_says)


def prepare(out: Path) -> dict[str, Any]:
    """Keep compiled programs from run to run, and write what this run runs on into its folder."""
    from selfloop.runs.environment import compilation_cache, environment
    from selfloop.runs.record import write_json

    compilation_cache()
    provenance = environment()
    write_json(out / "environment.json", provenance)
    return provenance


def positive(**settings: int) -> None:
    """ConfigError for a whole number below 1, by its option's name."""
    from selfloop.errors import ConfigError

    for name, value in settings.items():
        if value < 1:
            raise ConfigError(f"--{name} is {value}; give 1 or more")


def one_of(option: str, value: str, choices: Sequence[str]) -> None:
    """ConfigError for a name that is none of the choices."""
    from selfloop.errors import ConfigError

    if value not in choices:
        raise ConfigError(f"{option} is {value}; choose one of {', '.join(choices)}")
