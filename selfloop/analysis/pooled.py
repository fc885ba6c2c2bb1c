"""Pooled effects: what a corrector does over all cells of a design, seed by seed.

A cell's three seeds say little, and a range of cells' point estimates says nothing of its own doubt. Here every cell
counts once and seeds are the repetitions (they share their random numbers over cells, so cells are not):

    lost     = mean over cells of (uncorrected - baseline) / D         per seed; D its mean over seeds
    removed  = mean over cells of (uncorrected - corrected) / D        per seed

The pooled share is the ratio of their means over seeds, with Fieller's interval; with K shares looked at together each
is taken at level 1 - 0.05 / K (Bonferroni), so that all hold with 95 %.
Letters: K comparisons, S seeds.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from selfloop.analysis.cells import Cell, Row, of, uncoupled
from selfloop.analysis.components import BySeed, ends
from selfloop.metrics.estimates import LEVEL, UNKNOWN, Estimate, fieller, over_seeds


def bonferroni(comparisons: int, level: float = LEVEL) -> float:
    """The level of each of K intervals that hold together with ``level``: 1 - (1 - level) / K."""
    return 1 - (1 - level) / comparisons


def at(rows: Iterable[Row], cells: Sequence[Cell], arm: str, measure: str) -> list[BySeed]:
    """The end of a measure of an arm by seed, cell by cell."""
    own = uncoupled(rows)
    return [ends(of(own, cell, arm), measure) for cell in cells]


def difference(one: Sequence[BySeed], other: Sequence[BySeed], level: float = LEVEL) -> Estimate:
    """The mean over cells of one arm's end minus another's, Student's over the seeds that all have."""
    seeds = shared(*one, *other)
    gaps = [np.mean([a[seed] - b[seed] for a, b in zip(one, other, strict=True)]) for seed in seeds]
    return over_seeds([float(gap) for gap in gaps], level)


def removed(
    free: Sequence[BySeed], corrected: Sequence[BySeed], baseline: Sequence[BySeed], level: float = LEVEL
) -> Estimate:
    """The pooled share (uncorrected - corrected) / (uncorrected - baseline): 1 all, 0 none, below 0 worse."""
    seeds = shared(*free, *corrected, *baseline)
    if not seeds:
        return UNKNOWN
    taken, lost = [], []
    for a, b, c in zip(free, corrected, baseline, strict=True):
        unit = np.mean([a[seed] - c[seed] for seed in seeds])
        taken.append([(a[seed] - b[seed]) / unit for seed in seeds])
        lost.append([(a[seed] - c[seed]) / unit for seed in seeds])
    return fieller(np.mean(taken, 0).tolist(), np.mean(lost, 0).tolist(), level)


def shared(*values: BySeed) -> list[int]:
    """The seeds that all have, in order."""
    return sorted(set.intersection(*(set(one) for one in values)))
