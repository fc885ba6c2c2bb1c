"""``selfloop bench correctors``: what every corrector of motion does to every corruption of real motion."""

from typing import Annotated

import tyro

from selfloop.domains.motion.bench.run import BenchConfig, run
from selfloop.runs.environment import compilation_cache


def correctors(config: Annotated[BenchConfig, tyro.conf.arg(name="")]) -> int:
    """What every corrector of motion does to every corruption of real motion, and to samples of a generator.

    selfloop bench correctors --data bandai-namco                         all of it
    selfloop bench correctors --data PATH --correctors identity physics   some correctors

    The same command on the same --out continues a run that was stopped. Results: two tables on screen (the headline,
    and the goals beside what was measured), and in the folder --out a page (report.html), figures, and bench.json, a
    list of rows with the keys corrector, corruption, split, measure, value, low, high. Only held-out figures are
    headline.
    """
    compilation_cache()
    print(f"report: {run(config)}")
    return 0
