"""The tables of a grid: ends of the loops, contraction, shares removed, drifts, gammas, cost."""

import math
from typing import Any

from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose, there
from selfloop.analysis.prediction import predictions
from selfloop.analysis.results import Findings, Rows
from selfloop.domains.motion.grid import cost, gammas
from selfloop.metrics.estimates import Estimate
from selfloop.report.page import Table
from selfloop.wording import cell, heading

CELL = ("n", "guidance", "lam", "arm")
HEADLINE = ("fid_features", "modes_effective", "within_features", "label_accuracy", "penetration_mm",
            "skate_mm_per_frame", "jerk")  # fmt: skip


def tables(findings: Findings) -> list[Table]:
    """Every table of the page; the first two are the headline."""
    parts = decompose(findings.rows)
    gained = cost.gains(findings.rows)
    return [
        _ends(parts, "end", "End of the loop", "Mean of the last five generations and 95 % interval over seeds."),
        _contraction(findings),
        _ends([row for row in parts if not math.isnan(row["removed"])], "removed", "Share that correction removes",
              "(uncorrected - corrected) / (uncorrected - baseline), Fieller's interval; 1 all, 0 none, below 0 worse. "
              "'unread': the uncorrected loop cannot be told from the baseline."),
        _ends(parts, "drift", "Drift a generation", "Slope over the generations after 0, 95 % interval over seeds."),
        _gammas(findings),
        _prices(findings),
        Table("Gain of correction", [*CELL, "measure", "harm", "gain", "at equal compute"],
              [_cell(row) | {"measure": heading(row["measure"]), "harm": text(spread_of(row, "harm")),
                             "gain": text(spread_of(row, "gain")),
                             "at equal compute": text(spread_of(row, "gain_equal_compute"))} for row in gained],
              "Harm: uncorrected less baseline. Gain: uncorrected less corrected, paired by seed."),
        Table("Break-even lambda", ["n", "guidance", "arm", "measure", "harmless", "pays_from", "crossing"],
              [row | {"measure": heading(row["measure"])} for row in cost.break_even(gained)],
              "Harmless: the largest lambda run up to which the uncorrected loop cannot be told from the baseline. "
              "Pays from: the smallest from which on correction surely gains at equal compute. A dash: none."),
        Table("Time to a quality", [*CELL, "measure", "level", "value", "reached", "lost"],
              [row | {"measure": heading(row["measure"])} for row in cost.times(findings.rows)
               if row["arm"] != "baseline"],
              "Core-seconds of one lane until the mean over seeds is first at the level (a multiple of the baseline's "
              "end), and after which it is lost for good. A dash: never."),
    ]  # fmt: skip


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in CELL}


def _ends(parts: Rows, what: str, title: str, caption: str) -> Table:
    """One row a cell and arm, a column a measure."""
    shown = there([{"fid_features": 0}] if any("features" in row["measure"] for row in parts) else [], HEADLINE)
    rows: dict[tuple, dict[str, Any]] = {}
    for row in parts:
        if row["measure"] in shown:
            one = rows.setdefault(tuple(row[name] for name in CELL), _cell(row) | {"seeds": row["seeds"]})
            one[row["measure"]] = text(spread_of(row, what))
    return Table(title, [*CELL, "seeds", *shown], list(rows.values()), caption)


def _contraction(findings: Findings) -> Table:
    """Measured beside predicted."""
    expected = {
        (*_cell(row).values(), row["distance"]): row
        for row in predictions(findings.rates, gammas.averages(findings.gammas))
    }
    rows = []
    for row in findings.rates:
        one = expected.get((*_cell(row).values(), row["distance"]), {})
        rows.append(
            _cell(row)
            | {"distance": row["distance"], "measured": text(Estimate(row["rate"], row["low"], row["high"]))}
            | {"seeds": f"{row['seeds']}{'' if row['apart'] else ' together'}"}
            | {name: text(spread_of(one, name)) for name in ("predicted", "remembered")}
            | {"holds": _verdict(one, "holds"), "with memory": _verdict(one, "holds_remembered"), "note": row["why"]}
        )
    columns = [*CELL, "distance", "seeds", "measured", "predicted", "holds", "remembered", "with memory", "note"]
    caption = (
        "Factor by which a lane's distance to its twin shrinks per generation, 95 % interval over seeds; the "
        "baseline's is the memory r of the refit. Predicted: lambda / ((1 + lambda)(1 + gamma)); "
        "remembered: r + (1 - r) of it. 'Together': the seeds' mean distance, as one alone is under its noise."
    )
    return Table("Contraction", columns, rows, caption)


def _verdict(row: dict[str, Any], name: str) -> str | None:
    return {True: "yes", False: "no"}.get(row.get(name))


def _gammas(findings: Findings) -> Table:
    rows = [
        _cell(row)
        | {"space": row["space"], "effective gamma": text(Estimate(row["gamma"], row["low"], row["high"]))}
        | {"read": row["generations"], "refused": row["refused"]}
        for row in gammas.averages(findings.gammas)
    ]
    caption = "On the loop's own samples, mean over generations; refused: too near to real motion to be read."
    return Table("Effective gamma", [*CELL, "space", "effective gamma", "read", "refused"], rows, caption)


def _prices(findings: Findings) -> Table:
    rows = [row | {"correct_share": f"{100 * row['correct_share']:.0f} %"} for row in cost.prices(findings.rows)]
    caption = "Core-seconds a generation of one lane (median); the loop is training, sampling and correction."
    return Table("Price of a generation", [*CELL, *cost.PARTS, "loop", "correct_share"], rows, caption)


def text(one: Estimate) -> str | None:
    """A value with its interval, to three digits; 'unread' where nothing is excluded."""
    if math.isnan(one.value):
        return None
    if one.low == -math.inf and one.high == math.inf:
        return "unread"
    value, low, high = (cell(float(f"{part:.3g}")) for part in one)
    return value if math.isnan(one.low) else f"{value} [{low}, {high}]"
