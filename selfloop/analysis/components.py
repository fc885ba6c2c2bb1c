"""Components of collapse: which part of it a corrector removes; every measure by its kind, cell and arm.

Artefacts are what a corrector of single samples can act on; which modes there are, and how often, it cannot change one
sample at a time. For each measure: its **drift** (slope over the generations after 0), its value at the **end** (mean
of the last five generations), the end as a multiple of the baseline's, and the share that correction **removes**:

    (uncorrected - corrected) / (uncorrected - baseline):    1 all of it, 0 none, below 0 it made things worse

Arms of one seed share their random numbers, so all comparisons are paired by seed, and intervals are Student's over
seeds (Fieller's for the share): with three seeds they are wide, and a share is given as unreadable where the
uncorrected loop cannot be told from the baseline.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from selfloop.analysis.cells import Row, Rows, arms, cells, head, of, uncoupled
from selfloop.analysis.columns import spread
from selfloop.analysis.results import Results
from selfloop.metrics.estimates import UNKNOWN, Estimate, fieller, over_seeds
from selfloop.runs.record import number

LAST = 5
"""Generations at the end that are averaged."""

BySeed = Mapping[int, float]


def by_seed(rows: Iterable[Row], measure: str) -> dict[int, dict[int, float]]:
    """A measure's finite values by seed and generation."""
    found: dict[int, dict[int, float]] = {}
    for row in rows:
        if math.isfinite(value := number(row.get(measure))):
            found.setdefault(row["seed"], {})[row["generation"]] = value
    return found


def ends(rows: Iterable[Row], measure: str) -> dict[int, float]:
    """The mean of the last `LAST` generations of each seed that reached the last one; one that died has no end."""
    values = by_seed(rows, measure)
    last = max((max(one) for one in values.values()), default=0)
    final = {t for t in range(last, max(last - LAST, 0), -1)}
    return {
        seed: float(np.mean([one[t] for t in final & set(one)])) for seed, one in values.items() if final & set(one)
    }


def drifts(rows: Iterable[Row], measure: str) -> dict[int, float]:
    """The least-squares slope per generation of each seed, over the generations after 0; three at the least."""
    found = {}
    for seed, one in by_seed(rows, measure).items():
        at = sorted(t for t in one if t > 0)
        if len(at) >= 3:
            values = [one[t] for t in at]
            found[seed] = float(np.polyfit(at, values, 1)[0]) if max(values) > min(values) else 0.0
    return found


def multiple(ours: BySeed, baseline: BySeed) -> Estimate:
    """The end as a multiple of the baseline's: mean of the logarithms of the ratio over the seeds of both.

    NaN where a value is not positive.
    """
    both = [(ours[seed], baseline[seed]) for seed in ours if seed in baseline]
    if any(min(pair) <= 0 for pair in both):
        return UNKNOWN
    return Estimate(*(math.exp(one) for one in over_seeds([math.log(a / b) for a, b in both])))


def removed(free: BySeed, corrected: BySeed, baseline: BySeed) -> Estimate:
    """The share (uncorrected - corrected) / (uncorrected - baseline), over the seeds that all three have."""
    seeds = sorted(set(free) & set(baseline) & set(corrected))
    return fieller([free[s] - corrected[s] for s in seeds], [free[s] - baseline[s] for s in seeds])


def decompose(results: Results) -> Rows:
    """Every measure that has a kind, of every cell and arm.

    Returns:
        rows of cell, arm, kind, measure, seeds and of four estimates, each as NAME, NAME_low, NAME_high: ``end``,
        ``drift``, ``multiple`` (NaN for the baseline) and ``removed`` (NaN for arms that correct nothing).
    """
    rows, found = uncoupled(results.rows), []
    for cell in cells(rows):
        parts = {arm: of(rows, cell, arm) for arm in arms(rows, cell)}
        for measure in [one for one in results.measures if one.kind]:
            ends_of = {arm: ends(part, measure.name) for arm, part in parts.items()}
            for arm in [arm for arm in parts if ends_of[arm]]:
                found.append(
                    head(parts[arm][0], cell)
                    | {"kind": measure.kind, "measure": measure.name, "seeds": len(ends_of[arm])}
                    | spread("end", over_seeds(list(ends_of[arm].values())))
                    | spread("drift", over_seeds(list(drifts(parts[arm], measure.name).values())))
                    | _compared(results, ends_of, arm)
                )
    return found


def _compared(results: Results, ends_of: Mapping[str, BySeed], arm: str) -> dict[str, Any]:
    """An arm's ends beside those of the baseline and of the uncorrected loop."""
    free, base = (ends_of.get(name, {}) for name in (results.uncorrected, results.baseline))
    times = UNKNOWN if arm == results.baseline else multiple(ends_of[arm], base)
    share = removed(free, ends_of[arm], base) if results.corrects(arm) else UNKNOWN
    return spread("multiple", times) | spread("removed", share)
