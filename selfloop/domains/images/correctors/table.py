"""Table of the correctors of images. A new corrector is one file and one row: arms, ``--help`` and tests read it.

What learns, learns from the loop's own real images (prototypes) or from the prior's (models), never from those that
judge. Trained models are made only by the rows that use them.
"""

from collections.abc import Callable
from typing import NamedTuple

from jax import Array

from selfloop.correctors.adaptive import frozen, guarded
from selfloop.correctors.density_ratio import density_ratio
from selfloop.correctors.idealized import replacement
from selfloop.correctors.transport_map import transport_map
from selfloop.domains.images.correctors import smoothing
from selfloop.domains.images.correctors.prototypes import clusters, ideal, member, nearest, toward
from selfloop.domains.images.data.images import Images
from selfloop.protocols import Adaptive, Corrector, identity


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

    make: Callable[[Known], Corrector | Adaptive]
    about: str
    pointwise: bool = True
    """Whether it looks at each image alone and uses no key."""
    points: Callable[[Callable[[Array, int], Array], float], Corrector | Adaptive] | None = None
    """``points(draw, gamma)``: the same for points of the plane, of the law ``draw``; None: it needs images."""


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


def _online(make: Callable[[], Adaptive], about: str) -> Entry:
    """A corrector that learns from the loop's own real data and samples, whatever they are."""
    return Entry(lambda known: make(), about, pointwise=False, points=lambda draw, gamma: make())


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
        points=replacement,
    ),
    "autoencoder": Entry(_autoencoder, "Projection by a denoising autoencoder of other real images."),
    "renoise": Entry(
        _renoise, "Noised in part and denoised by a diffusion model of other real images.", pointwise=False
    ),
    "verifier": Entry(_verifier, "Kept where a classifier of other real images is sure of the label."),
    "ratio": _online(density_ratio, "Weighed by a classifier of real against synthetic, taught every generation."),
    "ratio_frozen": _online(lambda: frozen(density_ratio()), "The same, taught in generation 1 alone."),
    "ratio_guarded": _online(lambda: guarded(density_ratio()), "The same, off where its own audit is not above 0."),
    "map": _online(transport_map, "Moved by a map onto optimal-transport partners, taught every generation."),
    "map_frozen": _online(lambda: frozen(transport_map()), "The same, taught in generation 1 alone."),
    "map_guarded": _online(lambda: guarded(transport_map()), "The same, off where its own audit is not above 0."),
    "smoothing": Entry(lambda known: smoothing.smoothing(), "Blurred by a binomial kernel of 3 x 3."),
}
"""Every corrector of images by its name."""
