"""The self-consuming loop on text: a character n-gram learns from what the one before it wrote.

    python experiments/language_loop.py                        King James verses, 6 arms, 10 generations
    python experiments/language_loop.py --preset smoke         the same in miniature
    python experiments/language_loop.py --temperature 1 0.8    two sampling temperatures
    python experiments/language_loop.py --data FILE --n 2000   your own text, a document a line

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from command import experiment


def load() -> tuple:
    """The domain, its presets and which of them is the default."""
    from selfloop.domains.language.domain import LANGUAGE
    from selfloop.domains.language.settings import PRESETS

    return LANGUAGE, PRESETS, "default"


if __name__ == "__main__":
    sys.exit(experiment(load, __doc__))
