"""Compare two finished runs: is a stronger corrector worth it? Arm by arm, paired by seed, with intervals."""

from dataclasses import replace
from pathlib import Path

from selfloop.cli.compare import compare
from selfloop.domains.gaussian.domain import GAUSSIAN, smoke
from selfloop.experiment import run

base = replace(smoke(), arms=("baseline", "uncorrected", "idealised"))
for gamma in (0.5, 4.0):
    run(GAUSSIAN, replace(base, gamma=(gamma,), out=Path(f"gamma_{gamma:g}")))
compare([Path("gamma_0.5"), Path("gamma_4")])
