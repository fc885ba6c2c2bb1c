"""The self-consuming loop on real human motion, with and without a physics corrector.

    python experiments/motion_loop.py                      15 clips, 3 arms, 20 generations
    python experiments/motion_loop.py --preset smoke       the same in miniature
    python experiments/motion_loop.py --data FILE --n 256  your own motion capture

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
Results: a table on screen, and in the folder --out a page (report.html), figures and metrics.jsonl.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "motion", *sys.argv[1:]]))
