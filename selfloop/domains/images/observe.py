"""What is measured of samples: points in two feature spaces, recognised classes, grey levels, distance to real images.

Spaces of images: ``latents`` and ``classifier`` (`evaluator`); of points: ``points``. Values and classes are said in
`domain.MEASURES`. Shapes: N samples, M real images, L latents, K classes, C centres.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.tree_util import Partial

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.domains.images import encoding
from selfloop.domains.images import evaluator as evaluators
from selfloop.domains.images.data.plane import PLANES
from selfloop.domains.images.evaluator import CHUNK, PAPERS, PRIMARY, Evaluator, seen
from selfloop.domains.images.settings import ImageSettings
from selfloop.engine.domain import Data, Observation
from selfloop.metrics.distances import distances, squared_distances
from selfloop.metrics.mmd import energy_distance2

SAME = 0.02
"""Distance of pixels, all together, below which a sample is a copy of a real image: five grey levels of 255 in one
pixel, and above what squares lose by rounding."""
FAR = 4.0
"""Widths from the nearest centre beyond which a point is off mode."""


def observer(settings: ImageSettings, data: Data) -> Partial:
    """``observe(batch) -> Observation`` of images [N, H, W] with labels [N] or None, or of points [N, 1, 2].

    The evaluators are trained on images that the loop never sees, once, and cached.
    """
    if settings.data in PLANES:
        plane = data.own
        known = {"classes": plane.classes, "width": plane.width, "spread": plane.spread}
        return Partial(partial(describe_points, **known), jnp.asarray(plane.centres), data.reference.x[:, 0])
    configs = (replace(one, steps=settings.evaluator_steps) for one in (PRIMARY, PAPERS))
    primary, second = (evaluators.load_or_train(data.own.encoder, config) for config in configs)
    real = jnp.asarray(data.own.real.x)
    near = in_chunks(jax.jit(lambda x: seen(primary, x)[0]), CHUNK, real)
    coder = None if data.real.cond is not None else encoding.load_or_train(settings, data.own.real)
    return Partial(partial(describe, encoding.network(settings)), primary, second, real, near, coder)


def describe(
    network: Any, primary: Evaluator, second: Evaluator, real: Array, near: Array, coder: Any, batch: Batch
) -> Observation:
    """What is measured of each image alone.

    ``near`` [M, L] are the latents of the ``real`` images [M, H, W]; ``coder`` are the weights of an autoencoder's
    ``network``, where samples have no label.
    """
    x, label = batch.x, batch.cond
    latents, logits = seen(primary, x)
    features, _ = seen(second, x)
    shares = jax.nn.softmax(logits)
    apart, pixels = distances(latents, near), _flat(x, real)
    copy = pixels.min(1) < SAME**2
    apart = jnp.where(pixels < SAME**2, jnp.inf, apart).min(1)
    right = jnp.full(len(x), jnp.nan, x.dtype) if label is None else (logits.argmax(1) == label).astype(x.dtype)
    values = {
        "label_correct": right,
        "confidence": shares.max(1),
        "grey": x.mean((1, 2)),
        "contrast": x.std((1, 2)),
        "nearest_real": jnp.where(jnp.isfinite(apart), apart, jnp.nan),
        "copies": copy.astype(x.dtype),
    }
    if coder is not None:
        values["encoder_square"] = (network.apply(coder, x, method="encode")[0] ** 2).mean(1)
    return Observation({"latents": latents, "classifier": features}, values, shares={"class": shares})


def describe_points(
    centres: Array, reference: Array, batch: Batch, *, classes: int, width: float, spread: int
) -> Observation:
    """What is measured of each point alone, against the centres [C, 2] of its law, and of all against the reference."""
    points = batch.x[:, 0]
    square = squared_distances(points, centres)
    least, mode = square.min(1), square.argmin(1) % classes
    off = least > (FAR * width) ** 2
    values = {
        "off_mode": off.astype(points.dtype),
        "mode_variance": jnp.where(off, jnp.nan, least / (spread * width**2)),
        "square": (points**2).sum(1),
    }
    numbers = {"energy": energy_distance2(points, reference)}
    shares = {"class": jax.nn.one_hot(mode, classes, dtype=points.dtype)}
    return Observation({"points": points}, values, numbers, shares)


def _flat(x: Array, real: Array) -> Array:
    return squared_distances(x.reshape(len(x), -1), real.reshape(len(real), -1))
