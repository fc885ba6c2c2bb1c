"""Table of the correctors of images. A new corrector is one file and one row: arms, ``--help`` and tests read it.

What learns, learns from the loop's own real images (prototypes) or from the prior's (models), never from those that
judge. Trained models are made only by the rows that use them.
"""

from collections.abc import Callable
from typing import NamedTuple

from selfloop.domains.images.correctors import smoothing
from selfloop.domains.images.correctors.prototypes import clusters, ideal, member, nearest, toward
from selfloop.domains.images.data.images import Images
from selfloop.protocols import Corrector, identity


class Known(NamedTuple):
    """What correctors may know."""

    real: Images
    """The n images that the loop trains on."""
    prior: Images
    """Other real images, which neither loop, reference nor evaluators see."""
    clusters: int
    """Clusters a class."""
    gamma: float
    """Strength of the idealised corrector."""


class Entry(NamedTuple):
    """One corrector of the table."""

    make: Callable[[Known], Corrector]
    about: str
    pointwise: bool = True
    """Whether it looks at each image alone and uses no key."""


def _autoencoder(known: Known) -> Corrector:
    from selfloop.domains.images.correctors.autoencoder import autoencoder

    return autoencoder(known.prior)


def _kmeans_latent(known: Known) -> Corrector:
    from selfloop.domains.images.correctors.latent import latent_averages

    return latent_averages(known.real, known.prior, known.clusters)


def _renoise(known: Known) -> Corrector:
    from selfloop.domains.images.correctors.renoise import renoise

    return renoise(known.prior)


def _verifier(known: Known) -> Corrector:
    from selfloop.domains.images.correctors.verifier import verifier

    return verifier(known.prior)


CORRECTORS: dict[str, Entry] = {
    "identity": Entry(lambda known: identity, "The image as it is."),
    "kmeans": Entry(
        lambda known: toward(clusters(known.real, known.clusters)),
        "The nearest of the averages of clusters of real images of its class (Gillman et al.).",
    ),
    "kmeans_half": Entry(
        lambda known: toward(clusters(known.real, known.clusters), 0.5), "Half way toward that average."
    ),
    "kmeans_latent": Entry(
        _kmeans_latent, "The nearest average in the latents of an autoencoder of other real images, drawn again."
    ),
    "medoid": Entry(
        lambda known: nearest(clusters(known.real, known.clusters).medoids),
        "The nearest of the real images that stand for clusters.",
    ),
    "member": Entry(
        lambda known: member(clusters(known.real, known.clusters)),
        "Any real image of the cluster whose average is nearest.",
        pointwise=False,
    ),
    "nearest_real": Entry(lambda known: nearest(known.real), "The nearest real image of its class."),
    "ideal": Entry(
        lambda known: ideal(known.prior, known.gamma),
        "A share gamma / (1 + gamma) replaced by other real images of its class: the positive control.",
        pointwise=False,
    ),
    "autoencoder": Entry(_autoencoder, "Projection by a denoising autoencoder of other real images."),
    "renoise": Entry(
        _renoise, "Noised in part and denoised by a diffusion model of other real images.", pointwise=False
    ),
    "verifier": Entry(_verifier, "Kept where a classifier of other real images is sure of the label."),
    "smoothing": Entry(lambda known: smoothing.smoothing(), "Blurred by a binomial kernel of 3 x 3."),
}
"""Every corrector of images by its name."""
