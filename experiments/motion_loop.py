"""The self-consuming loop on real human motion, with and without a physics corrector.

    python experiments/motion_loop.py                      15 clips of the extra `mocap`, 3 arms, 10 generations
    python experiments/motion_loop.py --preset smoke       the same in miniature
    python experiments/motion_loop.py --data FILE --n 256  your own motion capture

The same command on the same --out continues a run that was stopped. Results: a table on screen, and in the folder
--out a page (report.html), figures and metrics.jsonl.
"""

import sys
from pathlib import Path
from typing import Any

from command import guarded, parsed


def parse(arguments: list[str]) -> Any:
    """The settings (`MotionLoopConfig`) that the command line asks for, on top of those of its --preset."""
    from selfloop.domains.motion.config import PRESETS

    return parsed(arguments, PRESETS, "default", __doc__)


def run(arguments: list[str]) -> Path:
    """Run what the command line asks for; the path of the report."""
    config = parse(arguments)
    from selfloop.domains.motion.run import run
    from selfloop.runs.environment import compilation_cache

    compilation_cache()
    return run(config)


def main() -> int:
    """Run, and say in one line what stopped it if something did."""
    return guarded(run, "report", "stopped; the same command continues")


if __name__ == "__main__":
    sys.exit(main())
