"""The tables of a run: the last generation, contraction, shares removed, drifts, gammas, cost."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.analysis import cost
from selfloop.analysis.cells import Rows, cell_of, common, grouped, head, uncoupled
from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import LAST, decompose
from selfloop.analysis.effective_gamma import averages
from selfloop.analysis.glossary import COLUMNS, Entry, entry, within
from selfloop.analysis.prediction import predictions
from selfloop.analysis.results import PARTS, Results
from selfloop.metrics.estimates import Estimate
from selfloop.report.page import Table
from selfloop.report.values import over, shown
from selfloop.runs.record import number

ANY = "any"
"""What stands for an axis where a row is the same at all its values."""
MEANS = {
    0: "",
    1: "One seed: no interval.",
    2: "Mean over seeds ± half the range of two.",
    3: "Mean over seeds ± half of Student's 95 % interval (its ends where a limit of the measure cuts it).",
}
"""What stands in the table of the last generation, by the number of seeds."""
REMOVED = (
    "(uncorrected - corrected) / (uncorrected - baseline), Fieller's interval; 1 all, 0 none, below 0 worse. 'unread': "
    "the uncorrected loop cannot be told from the baseline."
)
CONTRACTION = (
    "Factor by which the distance of coupled chains shrinks per generation, 95 % interval over seeds; the baseline's "
    "is the memory r of the refit. Predicted: lambda / ((1 + lambda)(1 + gamma)); remembered: r + (1 - r) of it. "
    "'Together': the seeds' mean distance, as one alone is under its noise."
)
EVEN = (
    "Harmless: the largest lambda run up to which the uncorrected loop cannot be told from the baseline. Pays from: "
    "the smallest from which on correction surely gains at equal compute. A dash: none."
)
TIMES = (
    "Core-seconds of one chain until the mean over seeds is first at the level (a multiple of the baseline's end), and "
    "after which it is lost for good. A dash: never."
)


def tables(results: Results) -> list[Table]:
    """Every table that has rows, the last generation first."""
    parts = decompose(results)
    gained = cost.gains(results)
    several = len({row["lam"] for row in gained}) > 1
    priced = [row for row in cost.prices(results) if row["loop"] > 0]
    times = [row for row in cost.times(results) if row["arm"] != results.baseline] if priced else []
    made = [
        last_generation(results),
        contraction(results),
        _ends(results, parts, "end", "End of the loop", f"{averaged(results)}, 95 % interval over seeds."),
        _ends(results, [row for row in parts if not math.isnan(row["removed"])], "removed",
              "Share that correction removes", REMOVED),
        _ends(results, parts, "drift", "Drift a generation",
              "Slope over the generations after 0, 95 % interval over seeds."),
        gammas(results),
        _table(results, "Price of a generation", [*PARTS, "loop", "correct_share"],
               [row | {"correct_share": f"{100 * row['correct_share']:.0f} %"} for row in priced],
               "Core-seconds a generation of one chain (median); the loop is training, sampling and correction."),
        _table(results, "Gain of correction", ["measure", "harm", "gain", "gain_equal_compute"],
               [row | {name: spread_of(row, name) for name in ("harm", "gain", "gain_equal_compute")}
                for row in gained],
               "Harm: uncorrected less baseline. Gain: uncorrected less corrected, paired by seed: both are compared "
               "within each seed, which shares its random numbers. Student's 95 % intervals."),
        _table(results, "Break-even lambda", ["measure", "harmless", "pays_from", "crossing"],
               cost.break_even(gained) if several else [], EVEN),
        _table(results, "Time to a quality", ["measure", "level", "value", "reached", "lost"], times, TIMES),
    ]  # fmt: skip
    return [table for table in made if table.rows]


def averaged(results: Results) -> str:
    """What the end of a loop is the mean of: the last five generations, fewer where fewer were run."""
    count = min(LAST, max((row["generation"] for row in results.rows), default=0))
    return "The last generation" if count < 2 else f"Mean of the last {count} generations"


def _table(results: Results, title: str, columns: Sequence[str], rows: Rows, caption: str, who: str = "arm") -> Table:
    """Rows under the columns that say where they stand, as far as that differs, and under their own."""
    same = common([*results.rows, *results.rates])
    places = [name for name in ("n", *results.about["axes"], "lam") if name not in same]
    rows = [row | dict(row.get("axes", ())) for row in rows]
    rows = [row | {"measure": results.heading(row["measure"])} if "measure" in row else row for row in rows]
    there = [name for name in (*places, who, *columns) if any(name in row for row in rows)]
    rows = _merged(rows, [name for name in places if name in results.about["axes"]], there)
    names = {results.heading(one.name): one.name for one in results.measures}
    return Table(title, there, rows, caption, {name: _about(results, name, names) for name in there}, names)


def _about(results: Results, column: str, names: Mapping[str, str]) -> str:
    """The definition of a column."""
    return limits(results, names[column]).about if column in names else COLUMNS.get(column, "")


def limits(results: Results, measure: str) -> Entry:
    """What a measure means and between what it lies."""
    return entry(measure, {one["name"]: one for one in results.about["measures"]})


def _merged(rows: Rows, axes: Sequence[str], columns: Sequence[str]) -> Rows:
    """Rows that are the same at every value of an axis, such as those of arms that ignore it, once."""
    for axis in axes:
        values = {row.get(axis) for row in rows} - {None, ANY}
        others = [name for name in columns if name != axis]
        groups: dict[tuple, Rows] = {}
        for row in rows:
            groups.setdefault(tuple(shown(row.get(name)) for name in others), []).append(row)
        whole = [own for own in groups.values() if {row.get(axis) for row in own} == values and len(values) > 1]
        first, rest = [own[0] for own in whole], [row for own in whole for row in own[1:]]
        rows = [row | {axis: ANY} if _is_in(row, first) else row for row in rows if not _is_in(row, rest)]
    return rows


def _is_in(row: Mapping, rows: Rows) -> bool:
    return any(row is one for one in rows)


def last_generation(results: Results) -> Table:
    """A row a cell and arm; before those of an n and axes generation 0, after those of an n the lines of real data."""
    rows = uncoupled(results.rows)
    last = max((row["generation"] for row in rows), default=0)
    found: Rows = []
    for (n,), of_n in sorted(grouped(rows, "n").items()):
        for own in grouped(of_n, "axes").values():
            found += _lines(results, own, last)
        for line, values in results.real.get(str(n), {}).items():
            shown = {results.heading(name): values.get(name) for name in results.headline}
            found.append({"n": n, "line": line} | shown)
    columns, seeds = list(map(results.heading, results.headline)), len({row["seed"] for row in rows})
    return _table(results, "Last generation", columns, found, MEANS[min(seeds, 3)], "line")


def _lines(results: Results, rows: Rows, last: int) -> Rows:
    """Generation 0, then the last one of every arm and lambda; an arm's name says how many of its seeds died."""
    groups = sorted(grouped(rows, "synthetic", "lam", "arm").items(), key=lambda group: group[0][:2])
    first = [row for row in groups[0][1] if row["generation"] == 0]
    places = {"n": rows[0]["n"], "axes": rows[0]["axes"]}
    found = [places | {"line": "generation 0"} | _means(results, first)]
    for (_, lam, arm), own in groups:
        end = [row for row in own if row["generation"] == last and "stopped" not in row]
        seeds = len({row["seed"] for row in own})
        fate = f" ({seeds - len(end)} of {seeds} seeds stopped)" if len(end) < seeds else ""
        found.append(places | {"lam": lam, "line": f"{arm}{fate}"} | _means(results, end))
    return found


def _means(results: Results, rows: Rows) -> dict[str, Any]:
    """Every headline measure over the seeds, under its heading."""
    values = {name: [number(row[name]) for row in rows if name in row] for name in results.headline}
    return {results.heading(name): over(one, limits(results, name)) for name, one in values.items()}


def _ends(results: Results, parts: Rows, what: str, title: str, caption: str) -> Table:
    """One row a cell and arm, a column a headline measure."""
    rows = []
    for own in grouped(parts, "n", "axes", "lam", "arm").values():
        values = {results.heading(row["measure"]): _limited(results, row, what) for row in own}
        rows.append(head(own[0]) | {"seeds": own[0]["seeds"]} | values)
    return _table(results, title, ["seeds", *map(results.heading, results.headline)], rows, caption)


def _limited(results: Results, row: Mapping[str, Any], what: str) -> Estimate:
    """An estimate of a row; ends of a loop lie where the measure can, a share or a slope anywhere."""
    one = spread_of(row, what)
    return within(one, limits(results, row["measure"])) if what == "end" else one


def contraction(results: Results) -> Table:
    """Measured beside predicted, where a rate could be read; the caption says where none could."""
    expected = {(cell_of(row), row["arm"], row["distance"]): row for row in predictions(results)}
    rows, unread = [], []
    for row in results.rates:
        if math.isnan(row["rate"]):
            unread.append(row)
            continue
        one = expected.get((cell_of(row), row["arm"], row["distance"]), {})
        rows.append(
            head(row)
            | {"distance": row["distance"], "measured": Estimate(row["rate"], row["low"], row["high"])}
            | {"seeds": f"{row['seeds']}{'' if row['apart'] else ' together'}"}
            | {name: told for name in ("predicted", "remembered") if (told := _known(spread_of(one, name)))}
            | {name: told for name, key in (("holds", "holds"), ("with memory", "holds_remembered"))
               if (told := {True: "yes", False: "no"}.get(one.get(key)))}
        )  # fmt: skip
    columns = ["distance", "seeds", "measured", "predicted", "holds", "remembered", "with memory"]
    return _table(results, "Contraction", columns, rows, " ".join([CONTRACTION, *unreadable(unread)]))


def _known(one: Estimate) -> Estimate | None:
    return None if math.isnan(one.value) else one


def unreadable(rates: Rows) -> list[str]:
    """Why no rate could be read, a sentence a distance and reason."""
    found = []
    for (distance, why), rows in grouped(rates, "distance", "why").items():
        arms = ", ".join(dict.fromkeys(row["arm"].replace("_", " ") for row in rows))
        reason = why.replace("only 0 generations", "no generations").replace("only 1 generations", "only 1 generation")
        found.append(f"No rate could be read by the distance '{distance}' for {arms}: {reason} (it takes 4).")
    return found


def gammas(results: Results) -> Table:
    """The effective gammas that could be read; the caption says what was refused."""
    every = averages(results.gammas)
    rows = [
        head(row)
        | {"space": row["space"], "effective gamma": Estimate(row["gamma"], row["low"], row["high"])}
        | {"seeds": row["seeds"], "read": row["generations"], "refused": row["refused"]}
        for row in every
        if not math.isnan(row["gamma"])
    ]
    caption = (
        "On the loop's own samples, mean over generations of each seed, then over seeds (Student); read: generations; "
        "refused: audits too near to real data to be read."
    )
    return _table(results, "Effective gamma", ["space", "effective gamma", "seeds", "read", "refused"], rows, caption)


def unread_gammas(results: Results) -> str:
    """A sentence for the arms and spaces of which no gamma could be read; empty where there are none."""
    rows = [row for row in results.gammas if row["generation"] > 0] or results.gammas
    parts = []
    for (arm, space), own in grouped(rows, "arm", "space").items():
        if all(math.isnan(row["gamma"]) for row in own):
            parts.append(f"{arm.replace('_', ' ')} (space {space}, {len(own)} audits)")
    return (
        f"No effective gamma could be read of {', '.join(parts)}: the audit refuses where samples are so near to real "
        "data that there is nothing to contract which could be told from noise; more evaluation samples help."
    ) if parts else ""  # fmt: skip
