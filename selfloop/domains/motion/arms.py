"""The arms of motion experiments: what each corrects its samples with, and what it trains on. A new arm is one row."""

from typing import Any

from selfloop.domains.motion.correctors.table import CORRECTORS
from selfloop.engine.domain import Arm


def _corrected(name: str, **more: Any) -> Arm:
    """An arm with a corrector of the table."""
    return Arm(name, pointwise=CORRECTORS[name].pointwise, **more)


ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    "physics": _corrected("physics"),
    "physics_prior": _corrected("physics_prior"),
    "smoothing": _corrected("smoothing"),
    "nearest_real": _corrected("nearest_real", predicted=False),
    "accumulate": Arm(policy="accumulate"),
}
