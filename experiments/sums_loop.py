"""The self-consuming loop on sums as strings, where a program knows right from wrong.

    python experiments/sums_loop.py                    8 arms, 3 seeds, 12 generations
    python experiments/sums_loop.py --preset smoke     the same in miniature

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from command import experiment


def load() -> tuple:
    """The domain, its presets and which of them is the default."""
    from selfloop.domains.language.sums.domain import PRESETS, SUMS

    return SUMS, PRESETS, "default"


if __name__ == "__main__":
    sys.exit(experiment(load, __doc__))
