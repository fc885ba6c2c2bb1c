"""The self-consuming loop on text: a language model learns from what the one before it wrote.

    python experiments/language_loop.py                        King James verses, 6 arms, 10 generations
    python experiments/language_loop.py --preset smoke         the same in miniature
    python experiments/language_loop.py --preset transformer   a small transformer in place of the n-gram
    python experiments/language_loop.py --temperature 1 0.8    two sampling temperatures
    python experiments/language_loop.py --data FILE --n 2000   your own text, a document a line

The same command on the same --out continues a run that was stopped; more generations, seeds or arms may be asked for.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["run", "language", *sys.argv[1:]]))
