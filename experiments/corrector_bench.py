"""What every corrector of motion does to every corruption of real motion, and to samples of a generator.

    python experiments/corrector_bench.py --data bandai-namco                         all of it
    python experiments/corrector_bench.py --data PATH --correctors identity physics   some correctors

The same command on the same --out continues a run that was stopped. Results: two tables on screen (the headline, and
the goals beside what was measured), and in the folder --out a page (report.html), figures, and bench.json, a list of
rows with the keys corrector, corruption, split, measure, value, low, high. Only held-out figures are headline.
"""

import sys

from selfloop.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["bench", "correctors", *sys.argv[1:]]))
