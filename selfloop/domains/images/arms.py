"""The arms of image experiments: what each corrects its samples with, and what it trains on. A new arm is one row."""

from typing import Any

from selfloop.domains.images.correctors.table import CORRECTORS
from selfloop.engine.domain import Arm


def _corrected(name: str, **more: Any) -> Arm:
    """An arm with a corrector of the table."""
    return Arm(name, pointwise=CORRECTORS[name].pointwise, predicted=False, **more)


REPLACED = ("ideal", *(f"{name}{how}" for name in ("ratio", "map") for how in ("", "_frozen", "_guarded")))
"""Correctors that there is an arm of without real data too."""
ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    **{name: _corrected(name) for name in CORRECTORS if name not in ("identity", "ideal")},
    "ideal": Arm("ideal"),
    "replace": Arm(policy="replace"),
    **{f"replace_{name}": _corrected(name, policy="replace") for name in REPLACED},
    "accumulate": Arm(policy="accumulate"),
    "accumulate_subsample": Arm(policy="accumulate_subsample"),
    "fresh": Arm(source="fresh"),
}
