"""The finding of a run: one or two sentences with their intervals, which say no more than the intervals do.

Of the first headline measure that has a better side: what training on own samples does (uncorrected less baseline, the
mean of the last generations, paired by seed), and what share of that each corrector removes. "Surely" means that a
95 % interval over seeds leaves out no effect; each interval stands for itself.
"""

import math
from collections.abc import Iterable

from selfloop.analysis.cells import Cell, arms, cells, of, uncoupled
from selfloop.analysis.components import BySeed, ends, removed
from selfloop.analysis.glossary import entry
from selfloop.analysis.results import Results
from selfloop.engine.domain import Measure
from selfloop.metrics.estimates import Estimate, over_seeds
from selfloop.report.values import text

NOTHING = "The run has no measure of which less or more is better: there is no finding to put in a sentence."


def finding(results: Results) -> str:
    """What the run found, in words and with its uncertainty; for the reader who reads one sentence."""
    found = [one for one in results.measures if one.headline and one.better]
    order = {name: i for i, name in enumerate(results.headline)}
    if not found or not results.rows:
        return NOTHING
    measure = min(found, key=lambda one: order[one.name])
    places = [cell for cell in cells(results.rows) if results.uncorrected in arms(uncoupled(results.rows), cell)]
    if results.baseline is None or not places:
        return _alone(results, measure)
    if len(places) == 1:
        return " ".join([_harm(results, measure, places[0]), *_cures(results, measure, places[0])])
    return " ".join(_many(results, measure, places))


def _name(results: Results, measure: Measure) -> str:
    side = "less is better" if measure.better == "less" else "more is better"
    return f"{results.heading(measure.name)} ({side})"


def _ends(results: Results, cell: Cell, arm: str | None, measure: Measure) -> BySeed:
    return ends(of(uncoupled(results.rows), cell, arm), measure.name) if arm else {}


def harm(results: Results, measure: Measure, cell: Cell) -> Estimate:
    """How much worse the uncorrected loop ends than the baseline, over the seeds of both."""
    free, base = (_ends(results, cell, arm, measure) for arm in (results.uncorrected, results.baseline))
    return _less(free, base, measure)


def _less(one: BySeed, other: BySeed, measure: Measure) -> Estimate:
    """By how much the first is worse, over the seeds of both."""
    sign = 1 if measure.better == "less" else -1
    return over_seeds([sign * (one[seed] - other[seed]) for seed in sorted(set(one) & set(other))])


def _length(results: Results) -> str:
    count = max(row["generation"] for row in results.rows)
    return f"{count} generation{'s' * (count != 1)}"


def _seeds(seeds: Iterable[int]) -> str:
    return f"95 % interval over {len(set(seeds))} seeds"


def _harm(results: Results, measure: Measure, cell: Cell) -> str:
    """The sentence about the uncorrected loop."""
    one, name = harm(results, measure, cell), _name(results, measure)
    free, base = (_ends(results, cell, arm, measure) for arm in (results.uncorrected, results.baseline))
    both = set(free) & set(base)
    limits = entry(measure.name, {row["name"]: row for row in results.about["measures"]})
    span = limits.most - limits.least
    one = Estimate(one.value, max(one.low, -span), min(one.high, span)) if one.low == one.low else one
    if not both:
        return f"After {_length(results)} no seed of both arms is left to compare in {name}."
    if math.isnan(one.low):
        way = "worse" if one.value > 0 else "better" if one.value < 0 else "no different"
        amount = f" by {abs(one.value):.3g}" if one.value else ""
        return (
            f"One seed tells nothing sure: after {_length(results)} the loop trained on its own samples ended {way}"
            f"{amount} than real data alone, in {name}; without a second seed there is no interval."
        ).replace("no different than", "no different from")
    if one.low > 0:
        said = "training on its own samples surely made the model worse"
    elif one.high < 0:
        said = "training on its own samples surely made the model better"
    else:
        return (
            f"After {_length(results)} no harm from training on its own samples can be shown: its end is "
            f"{text(one)} from that of real data alone in {name}; above 0 is worse, and the interval holds 0 "
            f"({_seeds(both)})."
        )
    told = Estimate(*(abs(part) for part in (one.value, one.high, one.low))) if one.high < 0 else one
    than = "better than" if one.high < 0 else "worse than"
    return f"After {_length(results)} {said}: it ends {text(told)} {than} real data alone in {name}, {_seeds(both)}."


def _cures(results: Results, measure: Measure, cell: Cell) -> list[str]:
    """A sentence for each arm that corrects."""
    free, base = (_ends(results, cell, arm, measure) for arm in (results.uncorrected, results.baseline))
    found, known = [], harm(results, measure, cell)
    for arm in arms(uncoupled(results.rows), cell):
        ours = _ends(results, cell, arm, measure)
        if not results.corrects(arm) or len(set(ours) & set(free) & set(base)) < 2:
            continue
        share, gain = removed(free, ours, base), _less(free, ours, measure)
        if known.low > 0 and math.isfinite(share.low) and math.isfinite(share.high):
            found.append(_share(arm, share))
        else:
            found.append(_gain(arm, gain))
    return found


def _share(arm: str, share: Estimate) -> str:
    percent = f"{100 * share.value:.0f} % [{100 * share.low:.0f} %, {100 * share.high:.0f} %]"
    name = f"Correction by {arm.replace('_', ' ')}"
    if share.low > 0:
        return f"{name} removes {percent} of that."
    if share.high < 0:
        return f"{name} surely adds to that: it removes {percent}."
    return f"Whether {arm.replace('_', ' ')} removes any of that cannot be told: {percent}."


def _gain(arm: str, gain: Estimate) -> str:
    name = arm.replace("_", " ")
    if gain.low > 0:
        return f"With {name} the loop surely ends better than without: by {text(gain)}."
    if gain.high < 0:
        worse = Estimate(-gain.value, -gain.high, -gain.low)
        return f"With {name} the loop surely ends worse than without: by {text(worse)}."
    return f"Whether {name} helps cannot be told: its gain is {text(gain)}, above 0 for better than without."


def _many(results: Results, measure: Measure, places: list[Cell]) -> list[str]:
    """Counts over the cells of a design; no interval is claimed for a count."""
    harms = [harm(results, measure, cell) for cell in places]
    name = _name(results, measure)
    worse, better = sum(one.low > 0 for one in harms), sum(one.high < 0 for one in harms)
    worst = max(zip(harms, places, strict=True), key=lambda pair: pair[0].value)
    said = [
        f"In {worse} of {len(places)} settings training on own samples surely made the model worse than real data "
        f"alone after {_length(results)}, in {better} surely better, in {name}; most at {worst[1].title}: "
        f"{text(worst[0])} (each a 95 % interval over seeds, for itself)."
    ]
    for arm in [arm for arm in results.arms if results.corrects(arm)]:
        gains = [
            _less(_ends(results, cell, results.uncorrected, measure), _ends(results, cell, arm, measure), measure)
            for cell in places
            if _ends(results, cell, arm, measure)
        ]
        said.append(
            f"{arm.replace('_', ' ').capitalize()} surely helps in {sum(one.low > 0 for one in gains)} of {len(gains)} "
            f"and surely harms in {sum(one.high < 0 for one in gains)}."
        )
    return said


def _alone(results: Results, measure: Measure) -> str:
    """Where there is no baseline or no uncorrected loop: how far each arm went from its own generation 0."""
    rows, parts = uncoupled(results.rows), []
    for arm in results.arms:
        own = [row for row in rows if row["arm"] == arm]
        first = ends([row | {"generation": 1} for row in own if row["generation"] == 0], measure.name)
        one = _less(ends(own, measure.name), first, measure)
        if math.isnan(one.value):
            continue
        verdict = "surely worse" if one.low > 0 else "surely better" if one.high < 0 else "not surely different"
        verdict = "one seed, no interval" if math.isnan(one.low) else verdict
        parts.append(f"{arm.replace('_', ' ')} {text(one)} ({verdict})")
    if not parts:
        return NOTHING
    return (
        f"After {_length(results)}, worse than their own generation 0 in {_name(results, measure)} by: "
        f"{'; '.join(parts)}; 95 % intervals over seeds."
    )
