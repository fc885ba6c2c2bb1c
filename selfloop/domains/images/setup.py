"""From the settings of images to an experiment's parts: real samples by their roles."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch, uniform
from selfloop.digest import digest
from selfloop.domains.images.data import sets, splits
from selfloop.domains.images.data.images import Images, shrunk
from selfloop.domains.images.data.plane import PLANES, Plane
from selfloop.domains.images.settings import ImageSettings
from selfloop.engine.domain import Data
from selfloop.errors import ConfigError
from selfloop.sources import fixed, fresh, fresh_from

REFERENCE = 1500
"""Images that samples are judged by, at most."""
POINTS = 2000
"""Points of a law of the plane in the reference and in the pool."""


class Roles(NamedTuple):
    """The real images of a run."""

    real: Images
    """The n images that the loop trains on."""
    reference: Images
    encoder: Images
    prior: Images


def data(settings: ImageSettings, n: int) -> Data:
    """The real samples of an experiment for one n, as the engine takes them.

    Raises:
        SelfloopError: there are none, too few, or something is wrong with them.
    """
    return _points(PLANES[settings.data](), settings, n) if settings.data in PLANES else _images(settings, n)


def _images(settings: ImageSettings, n: int) -> Data:
    found = shrunk(sets.load(settings.data), settings.size)
    parts = splits.split(found)
    for role, part in parts.items():
        if len(np.unique(part.label)) < found.classes:
            raise ConfigError(f"{len(found.x)} images leave some class without any in the part {role}; give more")
    reference = splits.first(parts["reference"], min(REFERENCE, len(parts["reference"].x)))
    own = Roles(splits.first(parts["loop"], n), reference, parts["encoder"], parts["prior"])
    labelled = not settings.model.startswith("vae")
    batch = lambda images: _batch(images, labelled=labelled)  # noqa: E731
    loop = batch(parts["loop"])
    return Data(
        real=batch(own.real),
        reference=batch(reference),
        pool=batch(splits.first(parts["loop"], min(len(parts["loop"].x), max(n, settings.evaluate)))),
        sources={"fixed": fixed, "fresh": lambda real: fresh_from(loop, n)},
        conditions=(lambda count: jnp.arange(count, dtype=jnp.int32) % found.classes) if labelled else _none,
        names=tuple(map(str, range(found.classes))),
        digest=digest((own, labelled)),
        about=found.about,
        own=own,
    )


def _batch(images: Images, *, labelled: bool) -> Batch:
    return uniform(jnp.asarray(images.x), jnp.asarray(images.label) if labelled else None)


def _none(count: int) -> Any:
    return None


def _points(plane: Plane, settings: ImageSettings, n: int) -> Data:
    keys = jax.random.split(jax.random.key(0), 3)
    real, reference, pool = (
        uniform(plane.draw(key, size)) for key, size in zip(keys, (n, POINTS, POINTS), strict=True)
    )

    def anew(key: Array) -> Batch:
        return uniform(plane.draw(key, n))

    sources = {"fixed": fixed, "fresh": lambda real: fresh(anew)}
    about = f"made: {settings.data} in the plane"
    return Data(real, reference, pool, sources=sources, digest=digest((real.x,)), about=about, own=plane)
