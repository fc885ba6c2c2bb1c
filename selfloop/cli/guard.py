"""What every command does around its work: clear stops, one-line errors, exit codes."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any


def guarded(work: Callable[[], int | None], stopped_says: str = "stopped") -> int:
    """Do the work; its exit code, 2 for bad input, 128 + n for signal n.

    Called before the slow imports, which are therefore inside ``work``: a stop is a stop from the first second.
    """
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return work() or 0
    except BaseException as error:
        if stopped:  # whatever the interruption has turned into on its way up
            print(stopped_says, file=sys.stderr)
            return 128 + stopped[0]
        from selfloop.errors import SelfloopError

        if isinstance(error, BrokenPipeError):  # whoever read the output has seen enough
            sys.stderr.close()
            return 0
        if not isinstance(error, SelfloopError | OSError):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
