"""What collapses, and which part of it a corrector removes: every measure by its kind, per cell and arm.

Artefacts are what a corrector of single motions can act on; which modes there are, and how often, it cannot change one
motion at a time. For each measure: its **drift** (slope over the generations after 0), its value at the **end** (mean
of the last five generations), the end as a multiple of the baseline's, and the share that correction **removes**:

    (uncorrected - corrected) / (uncorrected - baseline):    1 all of it, 0 none, below 0 it made things worse

Arms of one seed share their random numbers, so all comparisons are paired by seed, and intervals are Student's over
seeds (Fieller's for the share): with three seeds they are wide, and a share is given as unreadable where the
uncorrected loop cannot be told from the baseline.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfloop.analysis.columns import spread
from selfloop.domains.motion import artefacts
from selfloop.engine.folder import FREE
from selfloop.metrics.estimates import UNKNOWN, Estimate, fieller, over_seeds
from selfloop.runs.record import number

KINDS = {
    "artefacts": artefacts.NAMES,
    "moments": (
        "fid_features",
        "fid_infinity_features",
        "fid_features_mean",
        "fid_features_covariance",
        "kid_features",
    ),
    "drift of moments": ("drift_mean", "drift_covariance"),
    "modes": ("modes_hit", "modes_effective", "coverage", "recall", "precision", "label_accuracy"),
    "within modes": ("within_features", "multimodality_features", "diversity_features"),
}
"""The measures of each part of collapse, where there is an encoder."""
LAST = 5
"""Generations at the end that are averaged."""

Rows = Sequence[Mapping[str, Any]]
Cell = tuple[int, float, float]
"""n, guidance, lambda."""


def there(rows: Rows, measures: Sequence[str]) -> tuple[str, ...]:
    """The measures by their names in these rows: without an encoder laws are compared among kinetic features."""
    encoded = any("fid_features" in row for row in rows)
    return tuple(dict.fromkeys(one if encoded else one.replace("features", "kinetic") for one in measures))


def own(rows: Rows) -> list[Mapping[str, Any]]:
    """The rows of chains that start from their own seed's generation 0: all but twins."""
    return [row for row in rows if row["start"] == row["seed"]]


def cells(rows: Rows) -> list[Cell]:
    """Every (n, guidance, lambda) at which a loop trains on its own samples, in order."""
    return sorted({(row["n"], row["guidance"], row["lam"]) for row in rows if row["arm"] != "baseline"})


def arms(rows: Rows, cell: Cell) -> list[str]:
    """The arms of a cell in order of appearance: the baseline first, where there is one of its n and guidance."""
    found = dict.fromkeys(row["arm"] for row in rows if _in(row, cell))
    return sorted(found, key=lambda arm: arm != "baseline")


def named(cell: Cell) -> dict[str, Any]:
    """A cell as columns of a row."""
    return dict(zip(("n", "guidance", "lam"), cell, strict=True))


def of(rows: Rows, cell: Cell, arm: str) -> list[Mapping[str, Any]]:
    """The rows of an arm in a cell; the baseline's stand in every cell of its n and guidance."""
    return [row for row in own(rows) if row["arm"] == arm and _in(row, cell)]


def _in(row: Mapping, cell: Cell) -> bool:
    return (row["n"], row["guidance"]) == cell[:2] and (row["arm"] == "baseline" or row["lam"] == cell[2])


def by_seed(rows: Rows, measure: str) -> dict[int, dict[int, float]]:
    """A measure's finite values by seed and generation."""
    found: dict[int, dict[int, float]] = {}
    for row in rows:
        if math.isfinite(value := number(row.get(measure))):
            found.setdefault(row["seed"], {})[row["generation"]] = value
    return found


def ends(rows: Rows, measure: str) -> dict[int, float]:
    """The mean of the last `LAST` generations of each seed that reached the last one; one that died has no end."""
    values = by_seed(rows, measure)
    last = max((max(one) for one in values.values()), default=0)
    final = {t for t in range(last, max(last - LAST, 0), -1)}
    return {
        seed: float(np.mean([one[t] for t in final & set(one)])) for seed, one in values.items() if final & set(one)
    }


def drifts(rows: Rows, measure: str) -> dict[int, float]:
    """The least-squares slope per generation of each seed, over the generations after 0; three at the least."""
    found = {}
    for seed, one in by_seed(rows, measure).items():
        at = sorted(t for t in one if t > 0)
        if len(at) >= 3:
            found[seed] = float(np.polyfit(at, [one[t] for t in at], 1)[0])
    return found


def multiple(ours: Mapping[int, float], baseline: Mapping[int, float]) -> Estimate:
    """The end as a multiple of the baseline's: mean of the logarithms of the ratio over the seeds of both.

    NaN where a value is not positive.
    """
    both = [(ours[seed], baseline[seed]) for seed in ours if seed in baseline]
    if any(min(pair) <= 0 for pair in both):
        return UNKNOWN
    return Estimate(*(math.exp(one) for one in over_seeds([math.log(a / b) for a, b in both])))


def removed(ends_of: Mapping[str, Mapping[int, float]], arm: str) -> Estimate:
    """The share (uncorrected - arm) / (uncorrected - baseline), over the seeds that all three have."""
    if not {"uncorrected", "baseline"} <= set(ends_of):
        return UNKNOWN
    free, base, fixed = ends_of["uncorrected"], ends_of["baseline"], ends_of[arm]
    seeds = sorted(set(free) & set(base) & set(fixed))
    return fieller([free[s] - fixed[s] for s in seeds], [free[s] - base[s] for s in seeds])


def decompose(rows: Rows) -> list[dict[str, Any]]:
    """Every measure of every cell and arm.

    Returns:
        rows of n, guidance, lam, arm, kind, measure, seeds and of four estimates, each as NAME, NAME_low, NAME_high:
        ``end``, ``drift``, ``multiple`` (NaN for the baseline) and ``removed`` (NaN for arms that correct nothing).
    """
    found = []
    for cell in cells(rows):
        parts = {arm: of(rows, cell, arm) for arm in arms(rows, cell)}
        for kind, measures in KINDS.items():
            for measure in there(rows, measures):
                ends_of = {arm: ends(part, measure) for arm, part in parts.items()}
                for arm, part in parts.items():
                    if ends_of[arm]:
                        name = named(cell) | {"arm": arm, "kind": kind, "measure": measure, "seeds": len(ends_of[arm])}
                        found.append(name | _figures(part, measure, ends_of, arm))
    return found


def _figures(part: Rows, measure: str, ends_of: Mapping[str, Mapping[int, float]], arm: str) -> dict[str, float]:
    corrects = arm not in FREE
    estimates = {
        "end": over_seeds(list(ends_of[arm].values())),
        "drift": over_seeds(list(drifts(part, measure).values())),
        "multiple": UNKNOWN if arm == "baseline" else multiple(ends_of[arm], ends_of.get("baseline", {})),
        "removed": removed(ends_of, arm) if corrects else UNKNOWN,
    }
    return {key: value for name, one in estimates.items() for key, value in spread(name, one).items()}
