"""All measures of samples that are known as points: the programs of `measuring`, of several lanes at a time.

They use one set of random pairs and subsets, as the samples of all generations use one set of noise and conditions:
differences are those of the models. Measures that are taken in one space only are taken among features, or among
kinetic features where there is no encoder.
Shapes: L lanes, P lanes at a time, N samples a lane, F features, M reference windows, n real windows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from selfloop import metrics
from selfloop.domains.motion import artefacts, measures
from selfloop.domains.motion.measures import Described, Reference
from selfloop.engine.folder import main
from selfloop.metrics import frechet_parts, moments

PIECE = 3
"""Lanes P that are measured at a time, so that one program serves blocks of any number of lanes."""
FEWEST = 4
"""Samples without which a lane has no measures."""
CORRECTED = ("fid_features", "fid_kinetic", "diversity_features", "label_accuracy", *artefacts.NAMES)
"""Measures that are also taken of samples after correction."""

Row = dict[str, Any]


class Ground(NamedTuple):
    """What samples are held against."""

    reference: Reference
    modes: Array
    """The loop's own real windows [n, F], in the space of `main`."""


class Samples(NamedTuple):
    """N samples of each of L lanes: all fields have the axis of lanes first."""

    described: Described
    weight: Array
    """[L, N]; 0 for samples that failed or are not finite."""
    label: Array
    """[L, N]."""


class Origin(NamedTuple):
    """The samples of each lane that drift is measured from."""

    points: Array
    """[L, N, F], in the space of `main`."""
    weight: Array
    """[L, N]."""


def score(ground: Ground, samples: Samples, origin: Origin, labels: int) -> list[Row]:
    """The measures of each lane, without those that are not finite; labels are 0 to ``labels - 1``."""
    return _by_pieces(partial(_score, labels=labels), ground, samples, origin)


def score_corrected(ground: Ground, samples: Samples) -> list[Row]:
    """The measures `CORRECTED` of each lane, named ``corrected_*``, without those that are not finite."""
    return _by_pieces(_score_corrected, ground, samples)


def _by_pieces(program: Callable[..., dict[str, Array]], ground: Ground, samples: Samples, *others: Any) -> list[Row]:
    count, found = len(samples.weight), []
    for at in range(0, count, PIECE):
        rows = np.minimum(np.arange(at, at + PIECE), count - 1)
        piece = jax.tree.map(lambda leaf, rows=rows: leaf[rows], (samples, *others))
        values = jax.tree.map(np.asarray, program(ground, *piece))
        found += [{name: float(v[i]) for name, v in values.items() if np.isfinite(v[i])} for i in range(PIECE)]
    enough = (np.asarray(samples.weight) > 0).sum(1) >= FEWEST
    return [row if fine else {} for row, fine in zip(found[:count], enough, strict=True)]


@partial(jax.jit, static_argnames="labels")
def _score(ground: Ground, samples: Samples, origin: Origin, labels: int) -> dict[str, Array]:
    return jax.vmap(partial(_one, ground, labels))(samples, origin)


def _one(ground: Ground, labels: int, samples: Samples, origin: Origin) -> dict[str, Array]:
    """All measures of one lane."""
    pair_key, subset_key = jax.random.split(jax.random.key(0))
    (described, weight, label), reference = samples, ground.reference
    space = main(described.points)
    x, y, real = described.points[space], reference.points[space], reference.fitted[space]
    fitted = moments(x, weight)
    mean, covariance = frechet_parts(fitted, real)
    drift_mean, drift_covariance = frechet_parts(fitted, moments(*origin))
    spread = metrics.spread_by_label(x, label, labels, weight)
    values = {
        f"fid_{space}_mean": mean,
        f"fid_{space}_covariance": covariance,
        f"fid_infinity_{space}": metrics.extrapolated_frechet(subset_key, x, real, weight),
        f"kid_{space}": metrics.kid(x, y, weight),
        "drift_mean": drift_mean,
        "drift_covariance": drift_covariance,
        f"multimodality_{space}": metrics.multimodality(x, label, weight),
        f"within_{space}": spread.within,
        f"between_{space}": spread.between,
        "absent": (weight <= 0).sum(),
    }
    near = metrics.prdc(x, y, weight, y_group=reference.clip)
    modes = metrics.modes_covered(x, ground.modes, weight)
    return measures.summarise(pair_key, described, reference, weight) | values | near | modes


@jax.jit
def _score_corrected(ground: Ground, samples: Samples) -> dict[str, Array]:
    def one(samples: Samples) -> dict[str, Array]:
        pair_key, _ = jax.random.split(jax.random.key(0))
        values = measures.summarise(pair_key, samples.described, ground.reference, samples.weight)
        values = {name: values[name] for name in CORRECTED if name in values} | {"absent": (samples.weight <= 0).sum()}
        return {f"corrected_{name}": value for name, value in values.items()}

    return jax.vmap(one)(samples)
