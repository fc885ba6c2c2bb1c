"""The tables of a run: the last generation, contraction, shares removed, drifts, gammas, cost."""

import math
from collections.abc import Sequence

from selfloop.analysis import cost
from selfloop.analysis.cells import Row, Rows, cell_of, common, grouped, head, uncoupled
from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose
from selfloop.analysis.effective_gamma import averages
from selfloop.analysis.prediction import predictions
from selfloop.analysis.results import PARTS, Results
from selfloop.metrics.estimates import Estimate, over_seeds
from selfloop.report.page import Table
from selfloop.runs.record import number
from selfloop.wording import cell

MEANS = {
    0: "",
    1: "One seed: no interval.",
    2: "Mean over seeds ± half the range of two.",
    3: "Mean over seeds ± half of Student's 95 % interval.",
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
        _ends(results, parts, "end", "End of the loop", "Mean of the last five generations, 95 % interval over seeds."),
        _ends(results, [row for row in parts if not math.isnan(row["removed"])], "removed",
              "Share that correction removes", REMOVED),
        _ends(results, parts, "drift", "Drift a generation",
              "Slope over the generations after 0, 95 % interval over seeds."),
        _gammas(results),
        _table(results, "Price of a generation", [*PARTS, "loop", "correct_share"],
               [row | {"correct_share": f"{100 * row['correct_share']:.0f} %"} for row in priced],
               "Core-seconds a generation of one chain (median); the loop is training, sampling and correction."),
        _table(results, "Gain of correction", ["measure", "harm", "gain", "gain_equal_compute"],
               [row | {name: text(spread_of(row, name)) for name in ("harm", "gain", "gain_equal_compute")}
                for row in gained],
               "Harm: uncorrected less baseline. Gain: uncorrected less corrected, paired by seed."),
        _table(results, "Break-even lambda", ["measure", "harmless", "pays_from", "crossing"],
               cost.break_even(gained) if several else [], EVEN),
        _table(results, "Time to a quality", ["measure", "level", "value", "reached", "lost"], times, TIMES),
    ]  # fmt: skip
    return [table for table in made if table.rows]


def _table(results: Results, title: str, columns: Sequence[str], rows: Rows, caption: str, who: str = "arm") -> Table:
    """Rows under the columns that say where they stand, as far as that differs, and under their own."""
    same = common([*results.rows, *results.rates])
    places = [name for name in ("n", *results.about["axes"], "lam") if name not in same]
    rows = [row | dict(row.get("axes", ())) for row in rows]
    there = [name for name in (*places, who, *columns) if any(name in row for row in rows)]
    rows = [row | {"measure": results.heading(row["measure"])} if "measure" in row else row for row in rows]
    return Table(title, there, rows, caption)


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


def _means(results: Results, rows: Rows) -> dict[str, float | str | None]:
    """Every headline measure over the seeds, under its heading."""
    values = {name: [number(row[name]) for row in rows if name in row] for name in results.headline}
    return {results.heading(name): over(one) for name, one in values.items()}


def over(values: Sequence[float]) -> float | str | None:
    """The mean over seeds, with Student's 95 % interval for three and more, half the range for two."""
    values = [value for value in values if math.isfinite(value)]
    if len(values) < 2:
        return values[0] if values else None
    mean, _, high = over_seeds(values)
    half = high - mean if len(values) > 2 else (max(values) - min(values)) / 2
    return f"{mean:.3g} ± {half:.2g}"


def _ends(results: Results, parts: Rows, what: str, title: str, caption: str) -> Table:
    """One row a cell and arm, a column a headline measure."""
    rows = []
    for own in grouped(parts, "n", "axes", "lam", "arm").values():
        values = {results.heading(row["measure"]): text(spread_of(row, what)) for row in own}
        rows.append(head(own[0]) | {"seeds": own[0]["seeds"]} | values)
    return _table(results, title, ["seeds", *map(results.heading, results.headline)], rows, caption)


def contraction(results: Results) -> Table:
    """Measured beside predicted."""
    expected = {(cell_of(row), row["arm"], row["distance"]): row for row in predictions(results)}
    rows = []
    for row in results.rates:
        one = expected.get((cell_of(row), row["arm"], row["distance"]), {})
        rows.append(
            head(row)
            | {"distance": row["distance"], "measured": text(Estimate(row["rate"], row["low"], row["high"]))}
            | {"seeds": f"{row['seeds']}{'' if row['apart'] else ' together'}"}
            | {name: text(spread_of(one, name)) for name in ("predicted", "remembered")}
            | {"holds": _verdict(one, "holds"), "with memory": _verdict(one, "holds_remembered"), "note": row["why"]}
        )
    columns = ["distance", "seeds", "measured", "predicted", "holds", "remembered", "with memory", "note"]
    return _table(results, "Contraction", columns, rows, CONTRACTION)


def _verdict(row: Row, name: str) -> str | None:
    return {True: "yes", False: "no"}.get(row.get(name))


def _gammas(results: Results) -> Table:
    rows = [
        head(row)
        | {"space": row["space"], "effective gamma": text(Estimate(row["gamma"], row["low"], row["high"]))}
        | {"read": row["generations"], "refused": row["refused"]}
        for row in averages(results.gammas)
    ]
    caption = "On the loop's own samples, mean over generations; refused: too near to real data to be read."
    return _table(results, "Effective gamma", ["space", "effective gamma", "read", "refused"], rows, caption)


def text(one: Estimate) -> str | None:
    """A value with its interval, to three digits; 'unread' where nothing is excluded."""
    if math.isnan(one.value):
        return None
    if one.low == -math.inf and one.high == math.inf:
        return "unread"
    value, low, high = (cell(float(f"{part:.3g}")) for part in one)
    return value if math.isnan(one.low) else f"{value} [{low}, {high}]"
