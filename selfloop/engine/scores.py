"""The measures of samples that are known as points: distances, coverage, diversity, drift, means of values.

They use one set of random pairs and subsets, as the samples of all generations use one set of noise and conditions:
differences are those of the models. What is taken in one space only is taken in the primary one.
Shapes: C chains, P chains at a time, N samples a chain, F features, M reference samples, n real samples.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import metrics
from selfloop.engine.domain import Measure
from selfloop.metrics import Moments, frechet_parts, moments, random_pair_distance, squared_frechet

PIECE = 3
"""Chains P that are measured at a time, so that one program serves jobs of any number of chains."""
FEWEST = 4
"""Samples without which a chain has no measures."""
PAIRS = 300
"""Random pairs behind each diversity."""

Row = dict[str, Any]


class Reference(NamedTuple):
    """What samples are held against."""

    points: dict[str, Array]
    """The reference in each space [M, F]."""
    fitted: dict[str, Moments]
    group: Array | None
    """The thing that each reference sample is a piece of [M]; None where each is its own."""
    modes: Array
    """The loop's own real samples [n, F], in the primary space."""


class Samples(NamedTuple):
    """N samples of each of C chains: all fields have the axis of chains first."""

    spaces: dict[str, Array]
    values: dict[str, Array]
    weight: Array
    """[C, N]; 0 for samples that failed or are not finite."""
    label: Array
    """[C, N]."""
    shares: dict[str, Array] = {}  # noqa: RUF012 (never written to)
    """[C, N, K]."""


class Origin(NamedTuple):
    """The samples of each chain that drift is measured from."""

    points: Array
    """[C, N, F], in the primary space."""
    weight: Array
    """[C, N]."""


def score(reference: Reference, samples: Samples, origin: Origin, space: str, labels: int) -> list[Row]:
    """The measures of each chain, without those that are not finite; labels are 0 to ``labels - 1``."""
    return _by_pieces(partial(_score, space=space, labels=labels), reference, samples, origin)


def score_corrected(reference: Reference, samples: Samples, space: str) -> list[Row]:
    """``fid_``, ``diversity_`` and the means of values of each chain, named ``corrected_*``."""
    return _by_pieces(partial(_score_corrected, space=space), reference, samples)


def _by_pieces(program: Callable[..., dict[str, Array]], on: Reference, samples: Samples, *others: Any) -> list[Row]:
    count, found = len(samples.weight), []
    for at in range(0, count, PIECE):
        rows = np.minimum(np.arange(at, at + PIECE), count - 1)
        piece = jax.tree.map(lambda leaf, rows=rows: leaf[rows], (samples, *others))
        values = jax.tree.map(np.asarray, program(on, *piece))
        found += [{name: float(v[i]) for name, v in values.items() if np.isfinite(v[i])} for i in range(PIECE)]
    enough = (np.asarray(samples.weight) > 0).sum(1) >= FEWEST
    return [row if fine else {} for row, fine in zip(found[:count], enough, strict=True)]


@partial(jax.jit, static_argnames=("space", "labels"))
def _score(reference: Reference, samples: Samples, origin: Origin, space: str, labels: int) -> dict[str, Array]:
    return jax.vmap(partial(_one, reference, space, labels))(samples, origin)


def _one(reference: Reference, space: str, labels: int, samples: Samples, origin: Origin) -> dict[str, Array]:
    """All measures of one chain."""
    pair_key, subset_key = jax.random.split(jax.random.key(0))
    x, y, weight, real = samples.spaces[space], reference.points[space], samples.weight, reference.fitted[space]
    fitted = moments(x, weight)
    mean, covariance = frechet_parts(fitted, real)
    drift_mean, drift_covariance = frechet_parts(fitted, moments(*origin))
    spread = metrics.spread_by_label(x, samples.label, labels, weight)
    values = {
        f"fid_{space}_mean": mean,
        f"fid_{space}_covariance": covariance,
        f"fid_infinity_{space}": metrics.extrapolated_frechet(subset_key, x, real, weight),
        f"kid_{space}": metrics.kid(x, y, weight),
        "drift_mean": drift_mean,
        "drift_covariance": drift_covariance,
        f"multimodality_{space}": metrics.multimodality(x, samples.label, weight),
        f"within_{space}": spread.within,
        f"between_{space}": spread.between,
        "absent": (weight <= 0).sum(),
    }
    near = metrics.prdc(x, y, weight, y_group=reference.group)
    modes = metrics.modes_covered(x, reference.modes, weight)
    classes = {}
    for name, shares in samples.shares.items():
        own = metrics.spread_by_label(x, shares.argmax(-1), shares.shape[-1], weight)
        classes |= {f"within_{name}": own.within, f"between_{name}": own.between}
    return summary(pair_key, samples, reference) | values | near | modes | classes


def summary(key: Array, samples: Samples, reference: Reference) -> dict[str, Array]:
    """``fid_`` and ``diversity_`` (mean distance of 300 random pairs) of one chain in every space, the means of its
    values and the entropy of its shares. The key is consumed.
    """
    found, spaces, weight = {}, samples.spaces, samples.weight
    for (space, points), own in zip(sorted(spaces.items()), jax.random.split(key, len(spaces)), strict=True):
        found[f"fid_{space}"] = squared_frechet(moments(points, weight), reference.fitted[space])
        found[f"diversity_{space}"] = random_pair_distance(own, points, weight, PAIRS)
    found |= {f"entropy_{name}": _entropy(shares, weight) for name, shares in samples.shares.items()}
    return found | {name: _mean(values, weight) for name, values in samples.values.items()}


def _mean(values: Array, weight: Array) -> Array:
    """Weighted mean of the values [N] that are numbers; NaN where none is."""
    weight = jnp.where(jnp.isfinite(values), weight, 0)
    return jnp.where(weight > 0, values * weight, 0).sum() / weight.sum()


def _entropy(shares: Array, weight: Array) -> Array:
    """Entropy of the mean of shares [N, K], over log K: 1 where all classes are as frequent, 0 where there is one."""
    mean = (jnp.where(weight[:, None] > 0, shares, 0) * weight[:, None]).sum(0) / weight.sum()
    entropy = -jnp.where(mean > 0, mean * jnp.log(jnp.where(mean > 0, mean, 1)), 0).sum()
    return entropy / np.log(max(shares.shape[1], 2)).astype(np.float32)


@partial(jax.jit, static_argnames="space")
def _score_corrected(reference: Reference, samples: Samples, space: str) -> dict[str, Array]:
    def one(samples: Samples) -> dict[str, Array]:
        found = summary(jax.random.split(jax.random.key(0))[0], samples, reference)
        found |= {"absent": (samples.weight <= 0).sum()}
        return {f"corrected_{name}": value for name, value in found.items()}

    return jax.vmap(one)(samples)


def generic(spaces: Sequence[str]) -> tuple[Measure, ...]:
    """What readers are told of the measures that every domain has, for each space that may be the primary one."""
    found = []
    for space in spaces:
        found += [
            Measure(f"fid_{space}", "", "moment", "less", headline=space in spaces[:2]),
            Measure(f"fid_infinity_{space}", "", "moment", "less"),
            Measure(f"fid_{space}_mean", "", "moment", "less"),
            Measure(f"fid_{space}_covariance", "", "moment", "less"),
            Measure(f"kid_{space}", "", "moment", "less"),
            Measure(f"within_{space}", "", "within", "more"),
            Measure(f"multimodality_{space}", "", "within", "more"),
            Measure(f"diversity_{space}", "", "within", "more"),
        ]
    found += [Measure("drift_mean", "", "drift", "less"), Measure("drift_covariance", "", "drift", "less")]
    modes = ("modes_hit", "modes_effective", "coverage", "recall", "precision")
    return (*found, *(Measure(name, "", "mode", "more", headline=name == "coverage") for name in modes))


def names(space: str, spaces: Sequence[str]) -> set[str]:
    """The measures that every domain has, by ``space`` as the primary one of ``spaces``, but for those of values."""
    own = {f"fid_{space}_mean", f"fid_{space}_covariance"}
    own |= {f"{name}_{space}" for name in ("fid_infinity", "kid", "multimodality", "within", "between")}
    own |= {f"{name}_{one}" for name in ("fid", "diversity") for one in spaces}
    own |= {"drift_mean", "drift_covariance", "precision", "recall", "density", "coverage", "absent"}
    return own | {"modes_hit", "modes_effective"}
