"""What every script of this folder does around its work: clear stops, one-line errors, exit codes."""

import itertools
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any


def guarded(run: Callable[[list[str]], Any], made: str = "results", stopped_says: str = "stopped") -> int:
    """Run on the command line's arguments and print what it made and where: the path it returns.

    The exit code is 0, 2 for bad input, 128 + n for signal n.
    Called before the slow imports, which are therefore inside ``run``: a stop is a stop from the first second.
    """
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        print(f"{made}: {run(sys.argv[1:])}")
    except BaseException as error:
        if stopped:  # whatever the interruption has turned into on its way up
            print(stopped_says, file=sys.stderr)
            return 128 + stopped[0]
        from selfloop.errors import SelfloopError

        if not isinstance(error, SelfloopError | OSError):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def parsed(arguments: list[str], presets: dict[str, Callable[[], Any]], default: str, description: str) -> Any:
    """The settings that the command line asks for, on top of those of its --preset; ConfigError where there is none."""
    import tyro

    from selfloop.errors import ConfigError

    named = [b for a, b in itertools.pairwise(arguments) if a == "--preset"]
    named += [a.removeprefix("--preset=") for a in arguments if a.startswith("--preset=")]
    preset = named[-1] if named else default
    if preset not in presets:
        raise ConfigError(f"--preset is {preset}; choose one of {', '.join(presets)}")
    settings = presets[preset]()
    return tyro.cli(type(settings), default=settings, args=arguments, description=description)


def experiment(load: Callable[[], tuple], description: str) -> int:
    """Run an experiment on the arguments, as `guarded`; ``load() -> domain, presets, default preset``."""

    def run(arguments: list[str]) -> Path:
        domain, presets, default = load()
        settings = parsed(arguments, presets, default, description)
        from selfloop.experiment import run
        from selfloop.runs.environment import compilation_cache

        compilation_cache()
        return run(domain, settings)

    return guarded(run, "report", "stopped; the same command continues")


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
