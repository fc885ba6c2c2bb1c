"""How good a set of motions is, beside a reference of real ones: the motion metrics of a generation.

Distances are Frechet distances in three spaces: ``features`` (latents of the encoder), ``kinetic`` and ``geometric``
(training-free). All grow as the number N of motions falls: use one N for every figure that is to be compared, and
print the floor lines (`floors`: real motion measured in the same way, at the same N) beside them.
Shapes: N motions, T frames, D = 64 features, M reference motions, R resamples.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion import artefacts
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model import kinetics
from selfloop.domains.motion.model.evaluator import Evaluator, embed, label_logits
from selfloop.domains.motion.model.kinetics import Scale, scale_of, standardise
from selfloop.errors import ConfigError
from selfloop.metrics import Moments, moments, prdc, random_pair_distance, squared_frechet

PAIRS = 300
"""Random pairs behind each diversity."""


class Reference(NamedTuple):
    """What motions are compared with, prepared once."""

    evaluator: Evaluator | None
    answer: Array
    """For each label of the motions to be measured, the evaluator's; -1 where it knows none."""
    scales: dict[str, Scale]
    """Scale of each training-free space, from the reference."""
    points: dict[str, Array]
    """The reference in each space [M, F]."""
    fitted: dict[str, Moments]
    clip: Array | None
    """The clip that each reference motion is from [M]; None where motions to be measured may come from the same ones,
    so that pieces of one clip count as neighbours."""


class Described(NamedTuple):
    """Motions as points of each space [N, F], whether their label is recognised [N] (NaN: unknown), artefacts [N]."""

    points: dict[str, Array]
    right: Array
    artefacts: dict[str, Array]


def prepare(reference: Windows, evaluator: Evaluator | None = None, names: tuple[str, ...] | None = None) -> Reference:
    """The reference of real windows; ``names`` are the labels of the motions to be measured (its own by default).

    Raises:
        ConfigError: if there are fewer than four windows, too few for a covariance and third neighbours.
    """
    if len(reference.x) < 4:
        raise ConfigError(f"a reference of {len(reference.x)} windows; at least 4 are needed")
    names = reference.names if names is None else names
    known = () if evaluator is None else evaluator.names
    answer = jnp.array([known.index(name) if name in known else -1 for name in names], jnp.int32)
    x, length = jnp.asarray(reference.x), jnp.asarray(reference.length)
    raw = {"kinetic": jax.jit(kinetics.kinetic)(x, length), "geometric": jax.jit(kinetics.geometric)(x, length)}
    scales = {space: scale_of(values) for space, values in raw.items()}
    points = {space: standardise(values, scales[space]) for space, values in raw.items()}
    if evaluator is not None:
        points["features"] = jax.jit(embed)(evaluator, x, length)
    fitted = {space: moments(values) for space, values in points.items()}
    clip = None if evaluator is None else jnp.asarray(reference.clip)
    return Reference(evaluator, answer, scales, points, fitted, clip)


def describe(reference: Reference, x: Array, length: Array, label: Array) -> Described:
    """What is measured of each motion x [N, T, D] of length [N] and label [N] alone."""
    points = {
        "kinetic": standardise(kinetics.kinetic(x, length), reference.scales["kinetic"]),
        "geometric": standardise(kinetics.geometric(x, length), reference.scales["geometric"]),
    }
    right = jnp.full(x.shape[0], jnp.nan, x.dtype)
    if reference.evaluator is not None:
        points["features"] = embed(reference.evaluator, x, length)
        wanted = reference.answer[label]
        guess = label_logits(reference.evaluator, x, length).argmax(-1)
        right = jnp.where(wanted >= 0, (guess == wanted).astype(x.dtype), jnp.nan)
    return Described(points, right, artefacts.measure(x, length))


def summarise(key: Array, described: Described, reference: Reference, weight: Array) -> dict[str, Array]:
    """The measures of weighted motions; weight 0 [N] is absence. The key is consumed."""
    keys = dict(zip(sorted(described.points), jax.random.split(key, len(described.points)), strict=True))
    result = {}
    for space, points in described.points.items():
        result[f"fid_{space}"] = squared_frechet(moments(points, weight), reference.fitted[space])
        result[f"diversity_{space}"] = random_pair_distance(keys[space], points, weight, PAIRS)
    space = "features" if "features" in described.points else "kinetic"
    near = prdc(described.points[space], reference.points[space], weight, y_group=reference.clip)
    result |= {name: near[name] for name in ("precision", "recall", "coverage")}
    if "features" in described.points:
        result["label_accuracy"] = _mean(described.right, weight)
    return result | {name: _mean(values, weight) for name, values in described.artefacts.items()}


def _mean(values: Array, weight: Array) -> Array:
    """Weighted mean of the values [N] that are numbers; NaN where none is."""
    weight = jnp.where(jnp.isfinite(values), weight, 0)
    return jnp.where(weight > 0, values * weight, 0).sum() / weight.sum()


Measure = Callable[..., dict[str, Array]]


def motion_measures(
    reference: Windows, evaluator: Evaluator | None = None, names: tuple[str, ...] | None = None
) -> Measure:
    """The metric of a generation: ``measure(key, x, length, label, weight=None) -> dict`` of scalars, one jitted call.

    ``fid_*`` and ``diversity_*`` (mean distance of 300 random pairs) in each space; ``precision``, ``recall``,
    ``coverage`` by third neighbours (`metrics.prdc`) among latents, a reference motion's own clip left out; without an
    evaluator among kinetic features, no clip left out; ``label_accuracy``, the share of motions whose label the
    evaluator recognises; the mean of each artefact (`artefacts.NAMES`). Without an evaluator what needs one is absent.

    Args:
        reference: real windows that the model never sees.
        evaluator: the frozen encoder, or None where there is too little data to train one.
        names: the labels of the motions to be measured, in their order; by default the reference's.
    """
    prepared = prepare(reference, evaluator, names)

    def measure(key: Array, x: Array, length: Array, label: Array, weight: Array | None = None) -> dict[str, Array]:
        weight = jnp.ones(x.shape[0], x.dtype) if weight is None else weight
        return _measure(key, prepared, x, length, label, weight)

    return measure


@jax.jit
def _measure(key: Array, prepared: Reference, x: Array, length: Array, label: Array, weight: Array) -> dict[str, Array]:
    return summarise(key, describe(prepared, x, length, label), prepared, weight)


@partial(jax.jit, static_argnames="resamples")
def bootstrap(
    key: Array,
    reference: Reference,
    x: Array,
    length: Array,
    label: Array,
    weight: Array | None = None,
    resamples: int = 100,
    level: float = 0.9,
) -> dict[str, tuple[Array, Array]]:
    """An interval (low, high) at ``level`` for each measure of one set of motions, by resampling motions. Consumes key.

    A resample counts each motion as often as it is drawn; copies are no neighbours of one another. Resampling biases
    Frechet distances and coverage as sampling did, once more: the interval is the basic one, ``2 m - q``, which
    reflects the quantiles q of the resamples in the measure m and so takes that bias out instead of doubling it; it may
    pass below 0. It tells the spread from motion to motion, not that from training to training: seeds do.
    """
    weight = jnp.ones(x.shape[0], x.dtype) if weight is None else weight
    described = describe(reference, x, length, label)
    point_key, *keys = jax.random.split(key, resamples + 1)

    def once(key: Array) -> dict[str, Array]:
        draw_key, pair_key = jax.random.split(key)
        drawn = jax.random.categorical(draw_key, jnp.log(weight), shape=(x.shape[0],))
        counts = jnp.zeros_like(weight).at[drawn].add(1)
        return summarise(pair_key, described, reference, counts)

    values = jax.lax.map(once, jnp.stack(keys), batch_size=10)
    point = summarise(point_key, described, reference, weight)

    def interval(middle: Array, drawn: Array) -> tuple[Array, Array]:
        low, high = jnp.quantile(drawn, jnp.array([(1 - level) / 2, (1 + level) / 2], drawn.dtype))
        return 2 * middle - high, 2 * middle - low

    return {name: interval(middle, values[name]) for name, middle in point.items()}
