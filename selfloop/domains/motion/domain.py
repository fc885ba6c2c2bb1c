"""The domain of human motion: what an experiment must know of it."""

from collections.abc import Callable, Mapping
from typing import Any

from selfloop.domains.motion import artefacts, scenes, setup
from selfloop.domains.motion.correctors import prior
from selfloop.domains.motion.correctors.chain import chain
from selfloop.domains.motion.correctors.nearest import nearest_real
from selfloop.domains.motion.correctors.smoothing import smoothing
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.observe import observer
from selfloop.domains.motion.physics.backends import chosen
from selfloop.domains.motion.physics.corrector import physics_corrector
from selfloop.domains.motion.settings import MotionSettings, check
from selfloop.engine.domain import Arm, Data, Domain, Measure
from selfloop.errors import ConfigError
from selfloop.protocols import Corrector

ARMS = {
    "baseline": Arm(synthetic=False),
    "uncorrected": Arm(),
    "physics": Arm("physics", pointwise=True),
    "physics_prior": Arm("physics_prior"),
    "smoothing": Arm("smoothing", pointwise=True),
    "nearest_real": Arm("nearest_real", pointwise=True, predicted=False),
    "accumulate": Arm(policy="accumulate", predicted=False),
}

UNITS = {"penetration_mm": "mm", "float_mm": "mm", "skate_mm_per_frame": "mm/frame", "skate_ratio": "",
         "jerk": "m/s³", "limit_violation_deg": "°"}  # fmt: skip
MEASURES = (
    *(Measure(name, UNITS[name], "artefact", "less", headline=True) for name in artefacts.NAMES),
    Measure("label_accuracy", "", "mode", "more", headline=True),
    Measure("r_precision_1", "", "mode", "more", headline=True),
    Measure("r_precision_3", "", "mode", "more"),
    Measure("matching", "", "", "less"),
    Measure("failed"),
    Measure("moved", "mm"),
)


def _others(data: Data, name: str) -> Windows:
    """Windows of clips that neither the loop nor the reference holds."""
    if data.own.encoder is None:
        raise ConfigError(
            f"the corrector {name} learns from other clips, and this set is too small to spare any: give --data"
        )
    return data.own.encoder[0]


def _physics(settings: MotionSettings, data: Data) -> Corrector:
    return physics_corrector(settings.pipeline)


def _physics_prior(settings: MotionSettings, data: Data) -> Corrector:
    model, _ = prior.load_or_train(_others(data, "physics_prior"))
    return chain(prior.prior(model, data.own.real.names), physics_corrector(settings.pipeline))


CORRECTORS: Mapping[str, Callable[[Any, Data], Corrector]] = {
    "physics": _physics,
    "physics_prior": _physics_prior,
    "smoothing": lambda settings, data: smoothing(),
    "nearest_real": lambda settings, data: nearest_real(_others(data, "nearest_real"), data.own.real.names),
}


def environment(settings: MotionSettings) -> dict[str, str]:
    """Which engine corrects, where one does; said aloud, because `auto` leaves it open."""
    if not any("physics" in ARMS[arm].corrector for arm in settings.arms):
        return {}
    print(f"physics: {chosen(settings.pipeline)}", flush=True)
    return {"physics_pipeline": chosen(settings.pipeline)}


MOTION = Domain(
    name="motion",
    settings=MotionSettings,
    data=setup.data,
    model=setup.model,
    observe=observer,
    arms=ARMS,
    correctors=CORRECTORS,
    spaces=("features", "kinetic", "geometric", "artefacts"),
    audited=("artefacts",),
    measures=MEASURES,
    axes=("guidance",),
    by_n=("first_steps", "steps"),
    first_fits=lambda settings: -(-settings.first_steps[0] // settings.steps[0]),
    check=check,
    environment=environment,
    title="Self-consuming training on human motion",
    sections=scenes.sections,
)
