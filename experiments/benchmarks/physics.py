"""Benchmarks of physics: the whole correction in both engines, on the same real windows.

Speeds are seconds of motion a second of one core, from the processor time of all threads: other work on the machine
hardly counts.
"""

import time
from typing import Any

from benchmarks.measuring import row

GOALS = {"mujoco": 300, "mjx": 60}
"""Motion-seconds a core-second wanted of each engine on a CPU."""
WINDOWS, FRAMES, RUNS = 16, 40, 3


def corrector() -> list[dict[str, Any]]:
    """The whole correction by MuJoCo's C engine and by Brax's mjx pipeline; no rows where there are no real clips."""
    from selfloop.domains.motion import setup
    from selfloop.domains.motion.data import datasets, windows
    from selfloop.domains.motion.data.features import FPS
    from selfloop.domains.motion.physics.corrector import physics_corrector
    from selfloop.errors import DataError

    try:
        batch = setup.batch(windows.cut(datasets.load(None), FRAMES, WINDOWS))
    except DataError as error:
        print(f"corrector: left out; {error}")
        return []
    motion, rows, first = float(batch.cond["length"].sum()) / FPS, [], None
    for pipeline, goal in GOALS.items():
        correct = physics_corrector(pipeline, chunk=WINDOWS)
        speed = motion / _core_seconds(lambda correct=correct: correct(None, batch, None))
        rows.append(row(f"correction, {pipeline}", speed, "motion_s/core_s", f"goal: {goal}", speed / goal))
        if first:
            rows.append(
                row(f"{pipeline} beside mujoco", speed, "motion_s/core_s", f"mujoco: {first:.0f}", speed / first)
            )
        first = first or speed
    return rows


def _core_seconds(work: Any) -> float:
    """The least processor time that a call took, after one that compiles."""
    import jax

    jax.block_until_ready(work())
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        jax.block_until_ready(work())
        taken.append(time.process_time() - began)
    return min(taken)
