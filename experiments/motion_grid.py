"""The paper's grid on real human motion: n, lambda, guidance and arms, with seeds and coupled chains, job by job.

    python experiments/motion_grid.py --preset smoke       a grid in miniature
    python experiments/motion_grid.py                      the grid behind docs/results.md, for a CPU
    python experiments/motion_grid.py --preset gpu         the whole grid, for an accelerator

The same command continues a grid that was stopped, and may be given several times at once on one --out: each process
takes jobs that no other one holds. --cluster local --workers 2 starts such processes by itself, --cluster auto hands
the jobs to a Ray cluster of many machines (docs/sweeps.md).
"""

import sys

from command import experiment


def load() -> tuple:
    """The domain, its presets and which of them is the default."""
    from selfloop.domains.motion.domain import MOTION
    from selfloop.domains.motion.settings import GRID_PRESETS

    return MOTION, GRID_PRESETS, "cpu"


if __name__ == "__main__":
    sys.exit(experiment(load, __doc__))
