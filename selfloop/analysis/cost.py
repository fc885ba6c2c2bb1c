"""The cost of correction, its gain at equal compute, and the break-even lambda.

A loop's **price** is its seconds a generation for training, sampling and correction (evaluation and audits are ours,
not the loop's): the median over generations and seeds, so that compilation does not count. Quality is a measure of the
headline of which less is better. Three readings:

- *time to a quality*: seconds until the mean over seeds first is at a level or below; and, because loops that feed on
  themselves begin good and degrade, the seconds after which it is above the level for good.
- *gain*: quality of the uncorrected less that of the corrected loop, paired by seed: after as many generations, and at
  **equal compute**: after the generations that the cheaper loop's whole time would buy each of them. A loop that
  degrades looks the better the fewer generations it can pay; read both.
- *break-even lambda*: the largest lambda up to which the uncorrected loop cannot be told from the baseline (below it
  there is nothing to correct), and the lambda from which on correction surely pays at equal compute.

All of it is read off runs that were made: what an uncorrected loop would gain from more steps a generation is another
run. A break-even lies between two of the lambdas that were run; a crossing of the mean gain is given by interpolation
over log(lambda).
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from selfloop.analysis.cells import Cell, Row, Rows, arms, cells, grouped, head, of, uncoupled
from selfloop.analysis.columns import spread, spread_of
from selfloop.analysis.components import BySeed, by_seed, ends
from selfloop.analysis.results import PARTS, Results
from selfloop.metrics.estimates import Estimate, excludes, over_seeds
from selfloop.runs.record import number

LOOP = PARTS[:3]
"""The parts that a loop consists of: training, sampling, correction."""
LEVELS = (1.1, 1.5, 2.0)
"""Qualities to be reached, as multiples of the baseline's end."""
CLOCK = "core_seconds"
"""Seconds of all cores together; on an accelerator pass ``seconds``, the clock's."""


def qualities(results: Results) -> list[str]:
    """The measures by which a loop is judged here."""
    return [one.name for one in results.measures if one.headline and one.better == "less"]


def price(rows: Sequence[Row], part: str, clock: str = CLOCK) -> float:
    """Median seconds of a part of a generation, of one chain; 0 for a part that is not there."""
    spent = [number(row.get(f"{clock}_{part}", 0.0)) for row in rows if row["generation"] > 0]
    return float(np.median(spent)) if spent else math.nan


def loop_price(rows: Sequence[Row], clock: str = CLOCK) -> float:
    """Seconds of one generation of one chain, without what only measures it."""
    return sum(price(rows, part, clock) for part in LOOP)


def _standing(results: Results) -> Iterator[tuple[Cell, dict[str, list[Row]]]]:
    """Every cell, with the rows of each arm that stands in it."""
    rows = uncoupled(results.rows)
    for cell in cells(rows):
        yield cell, {arm: of(rows, cell, arm) for arm in arms(rows, cell)}


def prices(results: Results, clock: str = CLOCK) -> Rows:
    """Every cell's and arm's seconds a generation by part, their sum ``loop``, and ``correct_share`` of that sum."""
    found = []
    for cell, parts in _standing(results):
        for own in parts.values():
            each = {part: price(own, part, clock) for part in PARTS}
            total = sum(each[part] for part in LOOP)
            share = each["correct"] / total if total else math.nan
            found.append(head(own[0], cell) | each | {"loop": total, "correct_share": share})
    return found


def times(results: Results, clock: str = CLOCK) -> Rows:
    """Seconds to qualities, with and without correction.

    Returns:
        rows of cell, arm, measure, level (a multiple of the baseline's end), value (of the measure there), ``reached``
        (seconds until the mean over seeds is first at the value or below; NaN: never) and ``lost`` (seconds after which
        it is above for good; NaN: it ends at the value or below).
    """
    found = []
    for (cell, parts), measure in itertools.product(_standing(results), qualities(results)):
        base = over_seeds(list(ends(parts.get(results.baseline, ()), measure).values())).value
        for own in parts.values() if base > 0 else ():
            for level in LEVELS:
                reached, lost = _crossed(_means(own, measure), level * base, loop_price(own, clock))
                found.append(head(own[0], cell) | {"measure": measure, "level": level, "value": level * base,
                                                   "reached": reached, "lost": lost})  # fmt: skip
    return found


def _means(rows: Sequence[Row], measure: str) -> dict[int, float]:
    values: dict[int, list[float]] = {}
    for one in by_seed(rows, measure).values():
        for generation, value in one.items():
            values.setdefault(generation, []).append(value)
    return {t: float(np.mean(values[t])) for t in sorted(values)}


def _crossed(means: Mapping[int, float], level: float, price: float) -> tuple[float, float]:
    good = [t for t, value in means.items() if value <= level]
    if not good:
        return math.nan, 0.0
    lost = math.nan if good[-1] == max(means) else good[-1] * price
    return good[0] * price, lost


def gains(results: Results, clock: str = CLOCK) -> Rows:
    """What correction gains, for every cell, correcting arm and quality.

    Returns:
        rows of cell, arm, measure, ``generations`` and ``generations_free`` (what equal compute buys the corrected and
        the uncorrected loop) and of three estimates over seeds, each as NAME, NAME_low, NAME_high: ``harm``
        (uncorrected less baseline), ``gain`` (uncorrected less corrected) and ``gain_equal_compute``.
    """
    found = []
    for cell, parts in _standing(results):
        free, base = (parts.get(name, []) for name in (results.uncorrected, results.baseline))
        for own in [own for arm, own in parts.items() if results.corrects(arm)] if free else ():
            bought, bought_free = _bought(own, free, clock)
            for measure in qualities(results):
                theirs = ends(free, measure)
                equal = _less(_until(free, measure, bought_free), _until(own, measure, bought))
                found.append(
                    head(own[0], cell)
                    | {"measure": measure, "generations": bought, "generations_free": bought_free}
                    | spread("harm", _less(theirs, ends(base, measure)))
                    | spread("gain", _less(theirs, ends(own, measure)))
                    | spread("gain_equal_compute", equal)
                )
    return found


def _bought(own: Sequence[Row], free: Sequence[Row], clock: str) -> tuple[int, int]:
    """Generations of both that the whole time of the cheaper one pays, never more than were run."""
    run = [max(row["generation"] for row in rows) for rows in (own, free)]
    each = [loop_price(rows, clock) for rows in (own, free)]
    budget = min(run[0] * each[0], run[1] * each[1])
    affordable = [
        min(count, int(budget / one + 1e-6)) if one > 0 else count for count, one in zip(run, each, strict=True)
    ]
    return affordable[0], affordable[1]


def _until(rows: Sequence[Row], measure: str, last: int) -> dict[int, float]:
    """Each seed's mean of the last generations up to ``last``."""
    return ends([row for row in rows if row["generation"] <= max(last, 1)], measure)


def _less(one: BySeed, other: BySeed) -> Estimate:
    """The mean difference over the seeds of both."""
    return over_seeds([one[seed] - other[seed] for seed in sorted(set(one) & set(other))])


def break_even(gained: Rows) -> Rows:
    """The break-even lambda of every n, axes, correcting arm and quality, from the rows of `gains`.

    Returns:
        rows of n, axes, arm, measure, ``lams`` (those run), ``harmless`` (the largest at which, as at all smaller ones,
        the uncorrected loop is not surely worse than the baseline; NaN: none), ``pays_from`` (the smallest at which, as
        at all larger ones, the corrected loop is surely better at equal compute; NaN: none) and ``crossing`` (where the
        mean gain at equal compute passes 0; NaN: nowhere between those run).
    """
    found = []
    for own in grouped(gained, "n", "axes", "arm", "measure").values():
        own = sorted(own, key=lambda row: row["lam"])
        lams = [row["lam"] for row in own]
        harmed = [_surely_above(row, "harm") for row in own]
        pays = [_surely_above(row, "gain_equal_compute") for row in own]
        found.append(
            {name: value for name, value in head(own[0]).items() if name != "lam"}
            | {"measure": own[0]["measure"], "lams": lams, "harmless": _last(lams, [not one for one in harmed])}
            | {"pays_from": _last(lams[::-1], pays[::-1])}
            | {"crossing": _crossing(lams, [row["gain_equal_compute"] for row in own])}
        )
    return found


def _surely_above(row: Row, name: str) -> bool:
    one = spread_of(row, name)
    return excludes(one, 0.0) and one.value > 0


def _last(lams: Sequence[float], holds: Sequence[bool]) -> float:
    """The last of the lambdas up to which all hold."""
    count = holds.index(False) if False in holds else len(holds)
    return lams[count - 1] if count else math.nan


def _crossing(lams: Sequence[float], values: Sequence[float]) -> float:
    for (a, u), (b, v) in itertools.pairwise(zip(lams, values, strict=True)):
        if u <= 0 < v and a > 0:
            return float(math.exp(math.log(a) + (math.log(b) - math.log(a)) * u / (u - v)))
    return math.nan
