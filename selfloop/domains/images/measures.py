"""Measures of images and of points in the plane, with their definitions."""

from selfloop.domains.images.observe import FAR, SAME
from selfloop.engine.domain import Measure


def _seen(name: str, about: str, most: float | None = None) -> Measure:
    """A measure that some settings have, of which neither way is better."""
    return Measure(name, optional=True, about=about, least=0.0, most=most)


MEASURES = (
    Measure(
        "entropy_class", "", "mode", "more", headline=True, least=0.0, most=1.0,
        about="Entropy of the classes that an evaluator recognises in all samples together (of the nearest mode, where "
        "they are points), over its greatest: 1 for equally many of each",
    ),
    Measure(
        "within_class", "", "within", "more", least=0.0,
        about="Mean variance, a dimension of the primary space, about the means of recognised classes",
    ),
    Measure(
        "between_class", "", "mode", least=0.0,
        about="Variance, a dimension of the primary space, between the means of recognised classes",
    ),
    Measure("recall", "", "mode", "more", headline=True),
    Measure("within_latents", "", "within", "more", headline=True),
    Measure("moved", least=0.0, about="Mean Euclidean distance, over all pixels, between a sample before and after "
            "correction"),
    _seen("label_correct", "Share of samples in which an evaluator recognises the class that was asked for; it rises "
          "as a loop collapses, so more is not better", 1.0),
    _seen("confidence", "Mean of an evaluator's greatest class probability; it rises as a loop collapses, so more is "
          "not better", 1.0),
    _seen("grey", "Mean of all pixels"),
    _seen("contrast", "Mean over the samples of the standard deviation of their pixels"),
    _seen("copies", f"Share of samples within {SAME:g} (Euclidean, all pixels) of one of the loop's real images", 1.0),
    Measure(
        "nearest_real", "", "within", headline=True, optional=True, least=0.0,
        about="Mean distance, in the evaluator's latents, to the nearest of the loop's n real images that is no copy",
    ),
    Measure(
        "encoder_square", "", "within", optional=True, least=0.0,
        about="Mean square of the latent means that an autoencoder of real images gives the samples (Shumailov et al. "
        "report its root)",
    ),
    Measure(
        "off_mode", "", "artefact", "less", headline=True, optional=True, least=0.0, most=1.0,
        about=f"Share of points more than {FAR:g} widths away from every mode of the true law",
    ),
    Measure(
        "mode_variance", "", "artefact", headline=True, optional=True, least=0.0,
        about="Variance of points about their nearest mode, over that of the true law; 1 is right",
    ),
    Measure("square", "", "moment", optional=True, least=0.0, about="Mean squared distance of points from the origin"),
    Measure("energy", "", "", "less", headline=True, optional=True, about="Squared energy distance to the reference."),
    Measure("on", optional=True, least=0.0, most=1.0, about="Whether the guard lets the corrector correct."),
)  # fmt: skip
