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
ABOUT = {
    "penetration_mm": "Mean depth of the body's deepest point under the floor; 0 is none",
    "float_mm": "Mean height of the body's lowest point over the floor; real jumps count too: compare with real motion",
    "skate_mm_per_frame": "How far a standing foot slides from frame to frame (1/20 s), mean over feet and frames",
    "skate_ratio": "Share of steps between frames in which a standing foot slides faster than 0.2 m/s",
    "jerk": "Mean size of the third derivative of the joints' places: jitter is high, oversmoothed motion low; real "
    "motion is the aim, not 0",
    "limit_violation_deg": "Mean angle by which joints are bent beyond what bodies can do",
    "label_accuracy": "Share of samples whose label a classifier of real motion recognises",
    "r_precision": "How often a sample's own caption is among the nearest of 32 captions",
    "matching": "Mean distance of a sample and its caption in a shared space",
}
"""Definitions for readers; whole ones in `artefacts` and docs/measures.md."""
MEASURES = (
    *(
        Measure(name, UNITS[name], "artefact", "less", headline=name in SHOWN, about=ABOUT[name], least=0.0)
        for name in artefacts.NAMES
    ),
    Measure("label_accuracy", "", "mode", "more", headline=True, about=ABOUT["label_accuracy"], least=0.0, most=1.0),
    Measure("modes_effective", "", "mode", "more", headline=True),
    Measure("within_features", "", "within", "more", headline=True),
    Measure(
        "r_precision_1",
        "",
        "mode",
        "more",
        headline=True,
        about=ABOUT["r_precision"],
        least=0.0,
        most=1.0,
        optional=True,
    ),
    Measure("r_precision_3", "", "mode", "more", about=ABOUT["r_precision"], least=0.0, most=1.0, optional=True),
    Measure("matching", "", "", "less", about=ABOUT["matching"], least=0.0, most=2.0, optional=True),
    Measure(
        "failed", about="Synthetic motions that fell or blew up under physics; they are never trained on", least=0.0
    ),
    Measure("moved", "mm", about="Mean distance between a joint before and after correction", least=0.0),
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
