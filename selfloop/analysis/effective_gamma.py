"""The effective gamma of each arm's corrector on the samples of its own loop, every few generations.

What `selfloop.audit` finds for evaluation samples before and after the arm's corrector, against real windows of clips
that neither has seen; samples of all seeds together. Where it refuses (too near to real motion to read a contraction,
too few clips) there is no number. On-policy values are the ones to put into a prediction: a corrector's gamma on made
corruptions overstates what it does to a loop's own samples. Shapes: N samples a seed, M reference windows, F features.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.stats import t as student

from selfloop.audit import Audit, audit
from selfloop.batch import Batch, uniform
from selfloop.domains.motion import artefacts
from selfloop.domains.motion.bench.spaces import FLOOR, UNITS
from selfloop.domains.motion.grid import evidence
from selfloop.domains.motion.model.kinetics import scale_of, standardise
from selfloop.engine.folder import Held
from selfloop.errors import DataError, TooNearError
from selfloop.metrics.estimates import LEVEL, UNKNOWN, Estimate
from selfloop.runs import record

RESAMPLES = 400
FILE = "gammas.jsonl"

Rows = list[dict[str, Any]]


def artefact_points(values: np.ndarray, reference: np.ndarray) -> Array:
    """Artefacts [N, 6] as points, by the formula of `bench.spaces.artefact_space`, from values already measured."""
    real = jnp.asarray(reference)
    unit = jnp.maximum(real.mean(0), jnp.array([UNITS[name] for name in artefacts.NAMES], real.dtype))
    scale = scale_of(jnp.log1p(real / unit[None]), floor=FLOOR)
    return standardise(jnp.log1p(jnp.asarray(values) / unit[None]), scale)


def effective(
    key: Array, raw: Array, corrected: Array, failed: np.ndarray, reference: Array, clip: np.ndarray
) -> Audit | None:
    """The audit of points [N, F] and their corrections against the reference [M, F], or None where it refuses.

    The key is consumed. Samples that failed [N] are left out after correction.
    """
    done = Batch(jnp.where(failed[:, None], 0, corrected), jnp.asarray(~failed, raw.dtype))
    info = {"failed": jnp.asarray(failed)}
    try:
        return audit(
            key, lambda key, batch, state: (done, info), uniform(raw), uniform(reference), group=clip, level=LEVEL,
            resamples=RESAMPLES,
        )  # fmt: skip
    except (TooNearError, DataError):
        return None


def measure(out: Path) -> Rows:
    """The effective gamma of every cell that corrects, by generation and space; kept in the grid's folder.

    Returns:
        one row a cell, generation and space: n, guidance, lam, arm, generation, space, seeds, gamma, low, high,
        alignment, projection, failed (share); where the audit refuses, gamma and what follows are NaN. What was kept is
        not computed again, unless it rested on fewer seeds.
    """
    kept = {_key(row): row for row in record.read(out / FILE)}
    spaces = (evidence.main(evidence.reference(out)), "artefacts")
    found = []
    for cell, held in _correcting(evidence.lanes(out)).items():
        for generation in sorted(set().union(*(evidence.generations(lane.folder) for lane in held))):
            arrays = _samples(held, generation, spaces)
            for space in spaces if arrays else ():
                name = dict(zip(("n", "guidance", "lam", "arm"), cell, strict=True))
                name |= {"generation": generation, "space": space}
                seeds = len(arrays["failed"])
                row = kept.get(_key(name))
                if row is None or row["seeds"] != seeds:
                    row = name | {"seeds": seeds} | _audited(out, arrays, space)
                    record.append(out / FILE, row)
                found.append({key: _number(value) for key, value in row.items()})
    return found


def _key(row: dict[str, Any]) -> tuple:
    return tuple(row[name] for name in ("n", "guidance", "lam", "arm", "generation", "space"))


def _number(value: Any) -> Any:
    return record.number(value) if value is None or value in ("inf", "-inf") else value


def _correcting(lanes: list[Held]) -> dict[tuple, list[Held]]:
    """The lanes of each cell whose arm corrects, but twins."""
    cells: dict[tuple, list[Held]] = {}
    for lane in lanes:
        if not lane.twin and lane.arm not in evidence.FREE:
            cells.setdefault(lane.cell, []).append(lane)
    return cells


def _samples(held: list[Held], generation: int, spaces: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Observations of the living lanes of a cell that were also corrected in this generation; empty where none was."""
    found: dict[str, list[np.ndarray]] = {}
    for lane in held:
        if generation not in evidence.generations(lane.folder):
            continue
        failed = evidence.observed(lane.folder, generation, "corrected_failed")
        if failed is None:
            continue
        own = {"failed": failed[lane.index].astype(bool)}
        for name in spaces:
            for kind in (name, f"corrected_{name}"):
                own[kind] = evidence.observed(lane.folder, generation, kind)[lane.index]
        if all(np.isfinite(own[name]).all() for name in spaces):
            for name, values in own.items():
                found.setdefault(name, []).append(values)
    return found


def _audited(out: Path, arrays: dict[str, list[np.ndarray]], space: str) -> dict[str, float]:
    joined = {name: np.concatenate(parts) for name, parts in arrays.items()}
    real, raw, after = evidence.reference(out), joined[space], joined[f"corrected_{space}"]
    failed = joined["failed"] | ~np.isfinite(after).all(1)
    points = [jnp.asarray(values) for values in (raw, after, real[space])]
    if space == "artefacts":
        points = [artefact_points(values, real[space]) for values in (raw, after, real[space])]
    found = effective(jax.random.key(0), *points[:2], failed, points[2], real["clip"])
    return _figures(found) | {"failed": float(failed.mean())}


def _figures(found: Audit | None) -> dict[str, float]:
    if found is None:
        return dict.fromkeys(("gamma", "low", "high", "alignment", "projection"), math.nan)
    gamma = dict(zip(("gamma", "low", "high"), found.gamma, strict=True))
    return gamma | {"alignment": found.alignment.value, "projection": found.projection.value}


def averages(rows: Rows, first: int = 1) -> Rows:
    """One gamma a cell and space: that of the mean of rho = 1 / (1 + gamma) over generations from ``first`` on.

    rho and not gamma is what a prediction is proportional to, and what stays finite. Its interval joins two doubts in
    quadrature: that of the samples, taken as the same in every generation (their noise is), and Student's from
    generation to generation.

    Returns:
        rows of n, guidance, lam, arm, space, generations (read), refused, gamma, low, high.
    """
    cells: dict[tuple, Rows] = {}
    for row in rows:
        if row["generation"] >= first:
            name = tuple(row[field] for field in ("n", "guidance", "lam", "arm", "space"))
            cells.setdefault(name, []).append(row)
    found = []
    for name, own in cells.items():
        read = [row for row in own if not math.isnan(row["gamma"])]
        one = _mean([Estimate(*(_rho(row[end]) for end in ("gamma", "high", "low"))) for row in read])
        found.append(
            dict(zip(("n", "guidance", "lam", "arm", "space"), name, strict=True))
            | {"generations": len(read), "refused": len(own) - len(read)}
            | {"gamma": _gamma(one.value), "low": _gamma(one.high), "high": _gamma(one.low)}
        )
    return found


def _mean(rhos: Sequence[Estimate]) -> Estimate:
    if not rhos:
        return UNKNOWN
    values, lows, highs = np.array(rhos, np.float64).T
    k, value = len(values), float(values.mean())
    between = 0.0 if k == 1 else float(student.ppf((1 + LEVEL) / 2, k - 1) * values.std(ddof=1) / math.sqrt(k))
    low, high = math.hypot(value - lows.mean(), between), math.hypot(highs.mean() - value, between)
    return Estimate(value, max(value - low, 0.0), value + high)


def _rho(gamma: float) -> float:
    return 1 / (1 + gamma)


def _gamma(rho: float) -> float:
    return math.nan if math.isnan(rho) else 1 / rho - 1 if rho > 0 else math.inf
