"""The paper's grid on real human motion: n, lambda, guidance and arms, with seeds and coupled chains, job by job.

    python experiments/motion_grid.py --preset smoke       a grid in miniature
    python experiments/motion_grid.py                      the grid behind docs/results.md, for a CPU
    python experiments/motion_grid.py --preset gpu         the whole grid, for an accelerator

The same command continues a grid that was stopped, and may be given several times at once on one --out: each process
takes jobs that no other one holds. --cluster local --workers 2 starts such processes by itself, --cluster auto hands
the jobs to a Ray cluster of many machines (docs/sweeps.md).
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "motion-grid", *sys.argv[1:]]))
