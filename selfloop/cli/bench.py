"""``selfloop bench``: correctors, speed and the figures of papers, measured by the code of the experiments."""

from pathlib import Path
from typing import Annotated

import tyro

from selfloop.cli import carried

carried.importable(carried.home() / "experiments")

# Their place is known only now.
import gaussian_toy as toy  # noqa: E402
import phase_diagram as phase  # noqa: E402
import speed as clock  # noqa: E402


def _made(path: Path) -> int:
    print(f"results: {path}")
    return 0


def speed(config: Annotated[tyro.conf.UseAppendAction[clock.SpeedConfig], tyro.conf.arg(name="")]) -> int:
    """How fast the loops are: a table on screen and speed.json; all benchmarks take some 15 minutes on 2 quiet cores.

    A row's ratio is its value divided by what it stands against. Numbers mean little on a machine that does other work.
    """
    return _made(clock.measured(config))


def gaussian_toy(config: Annotated[toy.ToyConfig, tyro.conf.arg(name="")]) -> int:
    """The Gaussian figure of Gillman et al. three ways: as its script runs, with an exact sampler, as stated."""
    return _made(toy.made(config))


def phase_diagram(config: Annotated[phase.PhaseConfig, tyro.conf.arg(name="")]) -> int:
    """Where the loop is stable: theorems' frontiers on the measured rate, over lambda, gamma, n and d."""
    return _made(phase.made(config))
