"""Run the motion loop on my own BVH folder."""

from dataclasses import replace
from pathlib import Path

from selfloop.domains.motion.domain import MOTION
from selfloop.domains.motion.settings import loop_smoke
from selfloop.experiment import run

settings = replace(loop_smoke(), data="my_bvh", out=Path("runs/mine"))
report = run(MOTION, settings)
print(f"report: {report}")
