"""The paper's grid on real human motion: n, lambda, guidance and arms, with seeds and twins, block by block.

    python experiments/motion_grid.py --preset smoke       a grid in miniature
    python experiments/motion_grid.py                      the grid behind docs/results.md, for a CPU
    python experiments/motion_grid.py --preset gpu         the whole grid, for an accelerator

The same command continues a grid that was stopped, and may be given several times at once on one --out: each process
takes blocks that no other one holds. On a CPU give each process its own cores (taskset -c 0 python ...).
Several processes share one block's lanes with --coordinator HOST:PORT --processes N --process I, or --coordinator auto
under Slurm; one that gives no sign of life for --patience 300 seconds counts as lost (docs/sweeps.md).
"""

import sys
from pathlib import Path
from typing import Any

from command import guarded, parsed


def parse(arguments: list[str]) -> Any:
    """The settings (`GridConfig`) that the command line asks for, on top of those of its --preset."""
    from selfloop.engine.settings import PRESETS

    return parsed(arguments, PRESETS, "cpu", __doc__)


def run(arguments: list[str]) -> Path:
    """Run what the command line asks for; the path of the report."""
    from selfloop.domains.motion.grid import processes

    start, rest = processes.options(arguments)
    config = parse(rest)
    from selfloop.engine.cluster import run
    from selfloop.runs.environment import compilation_cache

    compilation_cache()
    return run(config, start)


def main() -> int:
    """Run, and say in one line what stopped it if something did."""
    return guarded(run, "results", "stopped; the same command continues")


if __name__ == "__main__":
    sys.exit(main())
