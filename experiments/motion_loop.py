"""The self-consuming loop on real human motion, with and without a physics corrector.

    python experiments/motion_loop.py                      15 clips of the extra `mocap`, 3 arms, 10 generations
    python experiments/motion_loop.py --preset smoke       the same in miniature
    python experiments/motion_loop.py --data FILE --n 256  your own motion capture

The same command on the same --out continues a run that was stopped. Results: a table on screen, and in the folder
--out a page (report.html), figures and metrics.jsonl.
"""

import itertools
import signal
import sys

import tyro

from selfloop.errors import SelfloopError
from selfloop.motion.config import PRESETS, MotionLoopConfig
from selfloop.runs.environment import compilation_cache


def parse(arguments: list[str]) -> MotionLoopConfig:
    """The settings that the command line asks for, on top of those of its --preset."""
    named = [b for a, b in itertools.pairwise(arguments) if a == "--preset"]
    named += [a.removeprefix("--preset=") for a in arguments if a.startswith("--preset=")]
    preset = named[-1] if named else "default"
    if preset not in PRESETS:
        raise SelfloopError(f"--preset is {preset}; choose one of {', '.join(PRESETS)}")
    return tyro.cli(MotionLoopConfig, default=PRESETS[preset](), args=arguments, description=__doc__)


def main() -> int:
    """Run, and say in one line what stopped it if something did."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        config = parse(sys.argv[1:])
        compilation_cache()
        from selfloop.motion.run import run

        print(f"report: {run(config)}")
    except (SelfloopError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command continues", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
