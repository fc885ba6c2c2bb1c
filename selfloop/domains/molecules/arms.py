"""The arms of molecule experiments: what each corrects its conformers with, and what it trains on."""

from selfloop.domains.molecules.correctors.table import CORRECTORS
from selfloop.engine.domain import Arm


def _arm(name: str, policy: str) -> Arm:
    return Arm(name, policy=policy, pointwise=CORRECTORS[name].pointwise, predicted=name == "ideal")


ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    **{name: _arm(name, "augment") for name in CORRECTORS},
    "replace": Arm(policy="replace"),
    **{f"replace_{name}": _arm(name, "replace") for name in CORRECTORS},
    "accumulate": Arm(policy="accumulate"),
}
