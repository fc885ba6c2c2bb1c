"""The arms of language experiments: what each corrects its samples with, and what it trains on."""

from selfloop.domains.language.correctors.table import CORRECTORS
from selfloop.engine.domain import Arm

ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    **{name: Arm(name, predicted=name == "idealised") for name in CORRECTORS},
    "replace": Arm(policy="replace"),
    **{f"replace_{name}": Arm(name, policy="replace") for name in CORRECTORS},
    "tenth": Arm(policy="tenth"),
    "accumulate": Arm(policy="accumulate"),
    "accumulate_subsample": Arm(policy="accumulate_subsample"),
    "fresh": Arm(source="fresh"),
}
