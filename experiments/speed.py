"""How fast the loops are: a table on screen, speed.json and environment.json in the folder --out.

    python experiments/speed.py                     all benchmarks, some 15 minutes on 2 quiet cores
    python experiments/speed.py --only statistics   one of them; may be given several times

A row's ratio is its value divided by what it stands against. Numbers mean little on a machine that does other work.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from benchmarks.table import BENCHMARKS

from selfloop.cli.guard import script


@dataclass(frozen=True)
class SpeedConfig:
    """What is measured."""

    only: tuple[str, ...] = ()
    """A benchmark's name; give it several times for several. None: all."""
    out: Path = Path("runs/speed")
    """Folder of the results."""


def parse(arguments: list[str]) -> SpeedConfig:
    """The settings that the command line asks for."""
    import tyro

    return tyro.cli(
        Annotated[SpeedConfig, tyro.conf.UseAppendAction], args=arguments, description=__doc__.split("\n\n")[0]
    )


def run(arguments: list[str]) -> Path:
    """Measure what the command line asks for; the path of speed.json."""
    return measured(parse(arguments))


def measured(config: SpeedConfig) -> Path:
    """Measure; the path of speed.json. ConfigError for a benchmark that there is not."""
    import jax

    from selfloop.errors import ConfigError
    from selfloop.runs.environment import environment
    from selfloop.runs.progress import progress, table
    from selfloop.runs.record import write_json

    for name in config.only:
        if name not in BENCHMARKS:
            raise ConfigError(f"--only is {name}; choose among {', '.join(BENCHMARKS)}")
    jax.config.update("jax_enable_compilation_cache", False)  # noqa: FBT003  compile time is measured
    write_json(config.out / "environment.json", environment())
    names = [name for name in BENCHMARKS if name in config.only or not config.only]
    rows = []
    with progress(len(names), "benchmarks") as tick:
        for name in names:
            tick(0, name)
            rows += BENCHMARKS[name]()
            write_json(config.out / "speed.json", rows)
            tick(1, name)
    table(rows, ["name", "value", "unit", "against", "ratio"], "Speed")
    return config.out / "speed.json"


if __name__ == "__main__":
    sys.exit(script(run))
