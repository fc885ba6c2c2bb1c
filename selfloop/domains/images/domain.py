"""The domain of images: what an experiment must know of its subject."""

from functools import partial

from selfloop.domains.images import model, setup, sheet
from selfloop.domains.images.arms import ARMS
from selfloop.domains.images.correctors.table import CORRECTORS, Known
from selfloop.domains.images.observe import observer
from selfloop.domains.images.settings import ImageSettings, check
from selfloop.engine.domain import Data, Domain, Measure
from selfloop.protocols import Corrector

MEASURES = (
    Measure("entropy_class", "", "mode", "more", headline=True),
    Measure("within_class", "", "within", "more"),
    Measure("between_class", "", "mode"),
    Measure("recall", "", "mode", "more", headline=True),
    Measure("within_latents", "", "within", "more", headline=True),
    Measure("moved"),
    *(Measure(name, optional=True) for name in ("label_correct", "confidence", "grey", "contrast", "copies")),
    Measure("nearest_real", "", "within", headline=True, optional=True),
    Measure("encoder_square", "", "within", optional=True),
    Measure("off_mode", "", "artefact", "less", headline=True, optional=True),
    Measure("mode_variance", "", "artefact", headline=True, optional=True),
    Measure("square", "", "moment", optional=True),
)
"""entropy_class: of the recognised classes, over its greatest. within_class: variance about their means. label_correct:
share whose asked label is recognised; it and confidence rise as a loop collapses, so neither is better. grey, contrast:
mean and standard deviation of pixels. nearest_real: distance in latents to the nearest of the loop's n real images that
is no copy; copies: share that are one. encoder_square: mean square of an encoder's means (Shumailov et al. report its
root). off_mode: share of points four widths off the law; mode_variance: about its nearest mode, over the law's own."""


def _make(name: str, settings: ImageSettings, data: Data) -> Corrector:
    """A corrector of the table, for these images."""
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
