"""The domain of images: what an experiment must know of its subject."""

from functools import partial

from selfloop.domains.images import model, setup, sheet
from selfloop.domains.images.arms import ARMS
from selfloop.domains.images.correctors.table import CORRECTORS, Known
from selfloop.domains.images.data.plane import PLANES
from selfloop.domains.images.measures import MEASURES
from selfloop.domains.images.observe import observer
from selfloop.domains.images.settings import ImageSettings, check
from selfloop.engine.domain import Data, Domain
from selfloop.protocols import Adaptive, Corrector


def _make(name: str, settings: ImageSettings, data: Data) -> Corrector | Adaptive:
    """A corrector of the table, for these images or points."""
    if settings.data in PLANES:
        return CORRECTORS[name].points(data.own.draw, settings.gamma)
    return CORRECTORS[name].make(Known(data.own.real, data.own.prior, settings.clusters, settings.gamma))


IMAGES = Domain(
    name="images",
    settings=ImageSettings,
    data=setup.data,
    model=model.model,
    observe=observer,
    arms=ARMS,
    correctors={name: partial(_make, name) for name in CORRECTORS if name != "identity"},
    spaces=("latents", "points", "classifier"),
    audited=("classifier",),
    measures=MEASURES,
    axes=("guidance",),
    by_n=("first_steps", "steps"),
    first_fits=model.first_fits,
    check=check,
    title="Self-consuming training on images",
    sections=sheet.sections,
)
