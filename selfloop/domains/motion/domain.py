"""The domain of human motion: what an experiment must know of it."""

from functools import partial

from selfloop.domains.motion import artefacts, scenes, setup
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.correctors.table import CORRECTORS, corrector
from selfloop.domains.motion.observe import observer
from selfloop.domains.motion.settings import MotionSettings, check
from selfloop.engine.domain import Data, Domain, Measure
from selfloop.protocols import Corrector

UNITS = {"penetration_mm": "mm", "float_mm": "mm", "skate_mm_per_frame": "mm/frame", "skate_ratio": "",
         "jerk": "m/s³", "limit_violation_deg": "°"}  # fmt: skip
SHOWN = ("penetration_mm", "skate_mm_per_frame", "jerk")
"""The artefacts that stand in the first table, by which corrections are judged."""
MEASURES = (
    *(Measure(name, UNITS[name], "artefact", "less", headline=name in SHOWN) for name in artefacts.NAMES),
    Measure("label_accuracy", "", "mode", "more", headline=True),
    Measure("modes_effective", "", "mode", "more", headline=True),
    Measure("within_features", "", "within", "more", headline=True),
    Measure("r_precision_1", "", "mode", "more", headline=True, optional=True),
    Measure("r_precision_3", "", "mode", "more", optional=True),
    Measure("matching", "", "", "less", optional=True),
    Measure("failed"),
    Measure("moved", "mm"),
)


def _make(name: str, settings: MotionSettings, data: Data) -> Corrector:
    """A corrector of the table, for the labels of these data."""
    others = None if data.own.encoder is None else data.own.encoder[0]
    return corrector(name, settings.pipeline, others, data.own.real.names)


def environment(settings: MotionSettings) -> dict[str, str]:
    """Which engine corrects, where one does; said aloud, because `auto` leaves it open."""
    if not any("physics" in ARMS[arm].corrector for arm in settings.arms):
        return {}
    from selfloop.domains.motion.physics.backends import chosen

    print(f"physics: {chosen(settings.pipeline)}", flush=True)
    return {"physics_pipeline": chosen(settings.pipeline)}


MOTION = Domain(
    name="motion",
    settings=MotionSettings,
    data=setup.data,
    model=setup.model,
    observe=observer,
    arms=ARMS,
    correctors={name: partial(_make, name) for name in CORRECTORS if name != "identity"},
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
