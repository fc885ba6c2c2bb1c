"""The self-consuming loop on real human motion, with and without a physics corrector.

    python experiments/motion_loop.py                      15 clips of the extra `mocap`, 3 arms, 20 generations
    python experiments/motion_loop.py --preset smoke       the same in miniature
    python experiments/motion_loop.py --data FILE --n 256  your own motion capture

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
Results: a table on screen, and in the folder --out a page (report.html), figures and metrics.jsonl.
"""

import sys

from command import experiment


def load() -> tuple:
    """The domain, its presets and which of them is the default."""
    from selfloop.domains.motion.domain import MOTION
    from selfloop.domains.motion.settings import LOOP_PRESETS

    return MOTION, LOOP_PRESETS, "default"


if __name__ == "__main__":
    sys.exit(experiment(load, __doc__))
