"""Self-consuming Gaussians, where theory knows every answer: arms, seeds, coupled chains and a report in seconds.

    python experiments/gaussian_loop.py                    five arms, 6 seeds, 20 generations
    python experiments/gaussian_loop.py --gamma 0.5 2      two strengths of correction
    python experiments/gaussian_loop.py --model mean       the mean alone is fitted: contraction is exact

The same command on the same --out continues a run that was stopped.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "gaussian", *sys.argv[1:]]))
