"""Nearest-neighbour projection onto real motion: the ceiling of any repair of one motion at a time.

No corrector is as plausible, none keeps less of what was asked for, and it needs a store of real windows at hand.
Shapes: N motions, M real windows, T frames, J = 15 joints, D = 64 features.
"""

import jax
import jax.numpy as jnp
from jax import Array

from selfloop.batch import Batch
from selfloop.chunks import in_chunks
from selfloop.correctors.fallback import fallback
from selfloop.domains.motion.correctors.outcome import outcome
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.windows import Windows
from selfloop.errors import DataError
from selfloop.protocols import Corrector

CHUNK = 256
"""Motions that are compared with the windows at a time."""


def nearest_real(windows: Windows, names: tuple[str, ...] | None = None) -> Corrector:
    """A corrector of features [N, T, D] with ``cond["label"]`` and ``cond["length"]`` [N].

    The nearest window is the one of least root mean square distance of the joints over the motion's own frames, both
    starting over the origin and facing x. It is one of the same label, and as long as the motion at least, where there
    is such a window; a label goes before a length.

    Args:
        windows: the real windows; of other clips than those that measure the result.
        names: the labels of the motions to be corrected, in order; by default the windows' own.

    Raises:
        DataError: no window.
    """
    if not len(windows.x):
        raise DataError("no real window to be the nearest; give at least one")
    real, covers = jnp.asarray(windows.x), jnp.asarray(windows.length)
    joints = in_chunks(_joints, CHUNK, real)
    names = windows.names if names is None else names
    known = jnp.array([windows.names.index(one) if one in windows.names else -1 for one in names], jnp.int32)
    labels = jnp.asarray(windows.label)

    @fallback
    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        length, label = jnp.asarray(batch.cond["length"]), known[jnp.asarray(batch.cond["label"])]
        nearest = lambda x, *cond: _nearest(joints, covers, labels, _joints(x), *cond)  # noqa: E731
        return outcome(batch, features.hold(real[in_chunks(nearest, CHUNK, batch.x, length, label)], length))

    return correct


@jax.jit
def _joints(x: Array) -> Array:
    """Joint positions [N, T, 3 J] (m)."""
    positions, _ = skeleton.forward(features.decode(x))
    return positions.reshape(*x.shape[:2], -1)


@jax.jit
def _nearest(joints: Array, covers: Array, labels: Array, own: Array, length: Array, label: Array) -> Array:
    """For each of N motions the index of the nearest of M windows: ``joints`` [M, T, 3 J], ``own`` [N, T, 3 J]."""
    counts = features.valid(length, own.shape[1]).astype(own.dtype)
    counted = (own * counts[..., None]).reshape(len(own), -1)
    product = jnp.matmul(counted, joints.reshape(len(joints), -1).T, precision="highest")
    square = (counted**2).sum(-1)[:, None] + counts @ (joints**2).sum(-1).T - 2 * product
    other, short = labels[None] != label[:, None], covers[None] < length[:, None]
    # Every class of windows lies farther than all of the class before it; by the motion's own distances alone, so that
    # one that has gone astray does not choose for the others.
    far = 1 + square.max(axis=1, keepdims=True)
    return jnp.argmin(square + jnp.where(other, 2 * far, 0) + jnp.where(short, far, 0), axis=1)
