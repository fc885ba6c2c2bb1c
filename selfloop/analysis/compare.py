"""Paired comparison of finished runs: the same measures of the same arms, differences taken within each seed.

Seeds share their random numbers from run to run where models and data have the same shapes, and are paired in any case;
the interval is Student's over the seeds that both runs have. Compared is the mean of the last generations up to the
last one that both runs have (`components.ends`).
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from selfloop.analysis.cells import Cell, Rows, arms, cells, of, uncoupled
from selfloop.analysis.columns import spread
from selfloop.analysis.components import BySeed, ends
from selfloop.analysis.glossary import entry, within
from selfloop.analysis.results import Results
from selfloop.errors import ConfigError
from selfloop.metrics.estimates import Estimate, over_seeds


class Run(NamedTuple):
    """A run as it is compared."""

    name: str
    results: Results
    config: Mapping[str, Any]


def compare(first: Run, other: Run) -> Rows:
    """What the second run measures less what the first does, paired by seed.

    Where each run has one cell, these are compared, whatever they differ in; of designs, the cells that both have.

    Returns:
        rows of cell (of the second run), arm, measure, better, seeds, generation, and of three estimates, each as NAME,
        NAME_low, NAME_high: ``first``, ``second``, ``difference``; and ``verdict``: better, worse, higher, lower (where
        no side is better) or "cannot be told".

    Raises:
        ConfigError: what does not compare: other domains, measures, evaluation samples, arms, cells or seeds.
    """
    _same(first, other)
    last = min(max(row["generation"] for row in run.results.rows) for run in (first, other))
    rows: Rows = []
    for one, two in _places(first, other):
        for arm in [arm for arm in arms(_rows(first, last), one) if arm in arms(_rows(other, last), two)]:
            parts = of(_rows(first, last), one, arm), of(_rows(other, last), two, arm)
            found = [_compared(other.results, parts, measure, last) for measure in _measures(first, other)]
            rows += [two.columns | {"arm": arm} | row for row in found if row]
    if not rows:
        seeds = [sorted({row["seed"] for row in run.results.rows}) for run in (first, other)]
        raise ConfigError(
            f"{first.name} has seeds {seeds[0]} and {other.name} seeds {seeds[1]}, and no arm of a seed in common; "
            "give runs that share arms and seeds"
        )
    return rows


def _rows(run: Run, last: int) -> Rows:
    return [row for row in uncoupled(run.results.rows) if row["generation"] <= last]


def _measures(first: Run, other: Run) -> list[str]:
    return [name for name in first.results.headline if name in other.results.headline]


def _same(first: Run, other: Run) -> None:
    """ConfigError for runs that measure different things."""
    domains = [run.results.about["name"] for run in (first, other)]
    if domains[0] != domains[1]:
        raise ConfigError(f"{first.name} is of {domains[0]} and {other.name} of {domains[1]}; give runs of one domain")
    if not _measures(first, other):
        raise ConfigError(
            f"{first.name} measures {', '.join(first.results.headline)} and {other.name} "
            f"{', '.join(other.results.headline)}: nothing in common; give runs that were measured alike"
        )
    for name in ("evaluate", "data"):
        values = [run.config.get(name) for run in (first, other)]
        if values[0] != values[1]:
            raise ConfigError(
                f"{first.name} has --{name} {values[0]} and {other.name} {values[1]}: measures such as FID depend on "
                "it; give runs that have it in common"
            )
    arms = [set(run.results.arms) for run in (first, other)]
    if not arms[0] & arms[1]:
        raise ConfigError(
            f"{first.name} has arms {', '.join(sorted(arms[0]))} and {other.name} {', '.join(sorted(arms[1]))}: none "
            "in common; give runs that share one"
        )


def _places(first: Run, other: Run) -> list[tuple[Cell, Cell]]:
    """Pairs of cells to be compared."""
    ours, theirs = (cells(run.results.rows) or _bare(run.results) for run in (first, other))
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    common = [cell for cell in ours if cell in theirs]
    if not common:
        raise ConfigError(
            f"{first.name} has {len(ours)} settings of n, lambda and axes and {other.name} {len(theirs)}, none in "
            "common; give runs that share one, or of one setting each"
        )
    return [(cell, cell) for cell in common]


def _bare(results: Results) -> list[Cell]:
    """Cells of a run in which no arm trains on its own samples."""
    return sorted({Cell(row["n"], row["axes"], row["lam"]) for row in results.rows})


def _compared(results: Results, parts: tuple[Rows, Rows], measure: str, last: int) -> dict[str, Any]:
    """One measure of one arm in both runs; empty where no seed has it in both."""
    ours, theirs = (ends(part, measure) for part in parts)
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return {}
    better = next((one.better for one in results.measures if one.name == measure), "")
    gap = over_seeds([theirs[seed] - ours[seed] for seed in seeds])
    limits = entry(measure, {one["name"]: one for one in results.about["measures"]})

    def mean(values: BySeed) -> Estimate:
        return within(over_seeds([values[seed] for seed in seeds]), limits)

    return (
        {"measure": measure, "better": better, "seeds": len(seeds), "generation": last}
        | spread("first", mean(ours))
        | spread("second", mean(theirs))
        | spread("difference", gap)
        | {"verdict": verdict(gap, better)}
    )


def verdict(gap: Estimate, better: str) -> str:
    """What an interval of a difference says, and no more: it holds 0, or it does not."""
    if math.isnan(gap.low):
        return "one seed: no interval"
    if gap.low <= 0 <= gap.high:
        return "cannot be told"
    if not better:
        return "higher" if gap.value > 0 else "lower"
    return "better" if (gap.value > 0) == (better == "more") else "worse"
