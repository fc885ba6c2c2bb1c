"""What every corrector of motion does to every corruption of real motion, and to samples of a generator.

    python experiments/corrector_bench.py --data bandai-namco                         all of it
    python experiments/corrector_bench.py --data PATH --correctors identity physics   some correctors

The same command on the same --out continues a run that was stopped. Results: two tables on screen (the headline, and
the goals beside what was measured), and in the folder --out a page (report.html), figures, and bench.json, a list of
rows with the keys corrector, corruption, split, measure, value, low, high. Only held-out figures are headline.
"""

import sys
from pathlib import Path

from command import guarded


def run(arguments: list[str]) -> Path:
    """Run what the command line asks for; the path of the page."""
    import tyro

    from selfloop.domains.motion.bench.run import BenchConfig, run
    from selfloop.runs.environment import compilation_cache

    config = tyro.cli(BenchConfig, args=arguments, description=__doc__)
    compilation_cache()
    return run(config)


def main() -> int:
    """Run, and say in one line what stopped it if something did."""
    return guarded(run, "report", "stopped; the same command continues")


if __name__ == "__main__":
    sys.exit(main())
