"""The self-consuming loop on sums as strings, where a program knows right from wrong.

    python experiments/sums_loop.py                    8 arms, 3 seeds, 12 generations
    python experiments/sums_loop.py --preset smoke     the same in miniature

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "sums", *sys.argv[1:]]))
