"""Self-consuming Gaussians, where theory knows every answer: arms, seeds, coupled chains and a report in seconds.

    python experiments/gaussian_loop.py                    five arms, 10 seeds, 30 generations
    python experiments/gaussian_loop.py --gamma 0.5 2      two strengths of correction
    python experiments/gaussian_loop.py --model mean       the mean alone is fitted: contraction is exact

The same command on the same --out continues a run that was stopped.
"""

import sys

from command import experiment


def load() -> tuple:
    """The domain, its presets and which of them is the default."""
    from selfloop.domains.gaussian.domain import GAUSSIAN, PRESETS

    return GAUSSIAN, PRESETS, "default"


if __name__ == "__main__":
    sys.exit(experiment(load, __doc__))
