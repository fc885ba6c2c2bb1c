"""One cell of the bench: what one corrector does to one corruption.

Distances are mean distances of the joints (MPJPE, mm) in the world over the frames that count, both motions starting
over the origin; root-relative ones after the pelvis is put in one place in every frame. Means are over the motions that
survive; those that fail are counted by ``survival`` alone.
Shapes: N motions, T frames at 20 fps, D = 64 features, R resamples.
"""

import time
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.artefacts import masked_mean
from selfloop.domains.motion.bench import estimates
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.metrics.estimates import Estimate
from selfloop.protocols import Corrector

WALKS = ("walk", "run")
"""One of these is in the label of a motion whose feet should stand still while they stand."""
SPEEDS = ("motion_s_per_core_s", "motion_s_per_gpu_s")
SHARES = ("root_force_share", "root_torque_share")

Estimates = dict[str, Estimate]


class Case(NamedTuple):
    """What correctors are given."""

    name: str
    batch: Batch
    """Features [N, T, D] with ``cond`` label and length [N]."""
    clean: Array | None
    """The features [N, T, D] before they were corrupted; None where there are none."""
    unit: np.ndarray
    """The clip of each motion [N]."""
    walks: np.ndarray
    """Which motions walk or run [N], bool."""


class Corrected(NamedTuple):
    """What a corrector made of a batch."""

    batch: Batch
    info: dict[str, Array]
    alive: np.ndarray
    """Which motions survived [N], bool: not marked as failed, of weight above 0, finite."""
    core_s: float
    """Processor time of all threads (s), compilation included where the shape was new."""
    wall_s: float


def walking(label: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Which motions [N] walk or run, by their label."""
    return np.array([any(word in name for word in WALKS) for name in names])[np.asarray(label)]


def corrected(key: Array, corrector: Corrector, batch: Batch) -> Corrected:
    """One call of the corrector, timed; the key is consumed."""
    wall, core = time.perf_counter(), time.process_time()
    after, info = jax.block_until_ready(corrector(key, batch, None))
    core, wall = time.process_time() - core, time.perf_counter() - wall
    failed = np.asarray(info.get("failed", np.zeros(batch.capacity, bool))).astype(bool)
    finite = np.isfinite(np.asarray(after.x)).all((1, 2))
    return Corrected(after, info, ~failed & (np.asarray(after.weight) > 0) & finite, core, wall)


def cell(
    key: Array, corrector: Corrector, case: Case, clean: Corrected | None, weights: np.ndarray
) -> tuple[Estimates, Corrected]:
    """Every measure of one corrector on one case by its name, and the correction itself.

    The corrector is called twice, the second time with its own result and another key. Measures that do not apply (a
    distance to clean motions where there are none, a contraction of nothing) are left out.

    Args:
        key: consumed.
        corrector: ``correct(key, batch, state) -> (Batch, info)``, a motion for each in their order.
        case: what it is given.
        clean: what the corrector makes of the clean motions with the random numbers of ``first_key(key)``, so that
            those are the same for both; None where there are none.
        weights: the bootstrap's [1 + R, N], see `estimates.draws`.
    """
    once = corrected(first_key(key), corrector, case.batch)
    twice = corrected(jax.random.fold_in(key, 1), corrector, once.batch)
    found = (
        {"survival": estimates.share(once.alive, case.unit)}
        | _distances(once, case, clean, weights)
        | _artefacts(once, case, weights)
        | _again(once, twice, case, weights)
        | {name: estimates.median(weights, np.asarray(once.info[name]), once.alive) for name in SHARES
           if name in once.info}
        | _speed(twice, case.batch)
    )  # fmt: skip
    return {name: one for name, one in found.items() if np.isfinite(one.value)}, once


def first_key(key: Array) -> Array:
    """The key with which `cell` calls the corrector first."""
    return jax.random.fold_in(key, 0)


def _distances(once: Corrected, case: Case, clean: Corrected | None, weights: np.ndarray) -> Estimates:
    """How far from the motions as they came, from the clean ones, and from what the corrector makes of those."""
    length, alive = case.batch.cond["length"], once.alive
    moved = {"moved_mm": estimates.mean(weights, mpjpe(once.batch.x, case.batch.x, length)[0], alive)}
    if case.clean is None:
        return moved
    before, before_relative = mpjpe(case.batch.x, case.clean, length)
    after, after_relative = mpjpe(once.batch.x, case.clean, length)
    found = {
        "before_mm": estimates.mean(weights, before, alive),
        "after_mm": estimates.mean(weights, after, alive),
        "before_root_relative_mm": estimates.mean(weights, before_relative, alive),
        "after_root_relative_mm": estimates.mean(weights, after_relative, alive),
    }
    if before.max() == 0:
        return moved | found
    found["distance_ratio"] = estimates.ratio(weights, after, before, alive)
    if clean is not None:
        apart = mpjpe(once.batch.x, clean.batch.x, length)[0]
        found["map_contraction"] = estimates.ratio(weights, apart, before, alive & clean.alive)
    return moved | found


def _artefacts(once: Corrected, case: Case, weights: np.ndarray) -> Estimates:
    """What physics would not do, in the result."""
    values = {name: np.asarray(value) for name, value in _measured(once.batch.x, case.batch.cond["length"]).items()}
    found = {name: estimates.mean(weights, value, once.alive) for name, value in values.items()}
    slide = estimates.mean(weights, values["skate_mm_per_frame"], once.alive & case.walks)
    return found | {"skate_walks_mm_per_frame": slide}


def _again(once: Corrected, twice: Corrected, case: Case, weights: np.ndarray) -> Estimates:
    """What a second pass does: how far it moves, and how much farther from the clean motions that is."""
    length, alive = case.batch.cond["length"], once.alive & twice.alive
    found = {"second_pass_mm": estimates.mean(weights, mpjpe(twice.batch.x, once.batch.x, length)[0], alive)}
    if case.clean is not None:
        first, second = (mpjpe(one.batch.x, case.clean, length)[0] for one in (once, twice))
        found["second_pass_rise_mm"] = estimates.mean(weights, second - first, alive)
    return found


def _speed(run: Corrected, batch: Batch) -> Estimates:
    """Seconds of motion a second of one core, and of an accelerator where there is one; a single timing."""
    motion = float(np.asarray(batch.cond["length"]).sum()) / FPS
    found = {SPEEDS[0]: estimates.bare(motion / max(run.core_s, 1e-9))}
    if jax.default_backend() != "cpu":
        found[SPEEDS[1]] = estimates.bare(motion / max(run.wall_s, 1e-9))
    return found


def mpjpe(a: Array, b: Array, length: Array) -> tuple[np.ndarray, np.ndarray]:
    """Mean distance [N] (mm) of the joints of two sets of motions [N, T, D], in the world and root-relative."""
    world, relative = _mpjpe(jnp.asarray(a), jnp.asarray(b), jnp.asarray(length))
    return np.asarray(world), np.asarray(relative)


@jax.jit
def _mpjpe(a: Array, b: Array, length: Array) -> tuple[Array, Array]:
    first, second = (skeleton.forward(features.decode(x))[0] for x in (a, b))
    gap = first - second
    away = gap - gap[:, :, :1]
    return tuple(1000 * masked_mean(jnp.linalg.norm(one, axis=-1).mean(-1), length) for one in (gap, away))


_measured = jax.jit(artefacts.measure)
