"""Work in a notebook: finding, tables and pictures as objects (here saved; a notebook shows what ends a cell)."""

from dataclasses import replace
from pathlib import Path

import selfloop
from selfloop.domains.gaussian.domain import GAUSSIAN, smoke
from selfloop.experiment import run

run(GAUSSIAN, replace(smoke(), arms=("baseline", "uncorrected"), out=Path("gaussian")))
result = selfloop.load("gaussian")
print(result.finding, result.table(), result.table("generations"), sep="\n")
for name in ("curves", "samples"):
    getattr(result.plot, name)().savefig(f"{name}.png")
