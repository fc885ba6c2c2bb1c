"""Figures of a run's end: what became of each measure, beside the baseline's, and what a generation costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from selfloop.analysis import cost
from selfloop.analysis.cells import Cell, Row, cell_of, of, uncoupled
from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose, ends
from selfloop.analysis.results import Results
from selfloop.metrics.estimates import over_seeds
from selfloop.report import figures
from selfloop.report.figures import INK
from selfloop.report.page import Plot
from selfloop.report.values import text
from selfloop.runs.record import number

COMPONENTS = (
    "Each measure at the end of the loop as a multiple of the baseline's (geometric mean over seeds, 95 % intervals); "
    "1 is no collapse. Diamonds: real data (at the edge: beyond it). From the top: artefacts, moments, modes, "
    "what is within modes."
)
COLOURS = {"train": "#2f81c7", "sample": "#009e9a", "correct": "#d95f0e", "evaluate": "#757c85", "audit": "#8c6bb1"}
HATCHES = {"train": "", "sample": "//", "correct": "", "evaluate": "..", "audit": "xx"}
PRICES = (
    "Seconds that one chain takes a generation, by part (median). Evaluation and audits only measure the loop; real "
    "data cost nothing, so there is no line of them."
)


def components(results: Results) -> Plot | None:
    """The headline measures at the end: a panel a cell, a bar an arm and measure, on a logarithmic axis."""
    found = [row for row in decompose(results) if np.isfinite(row["multiple"]) and row["measure"] in results.headline]
    if not found:
        return None
    cells = sorted(set(map(cell_of, found)))
    measures, arms = (list(dict.fromkeys(row[name] for row in found)) for name in ("measure", "arm"))
    figure = figures.blank(2.6 + 1.9 * len(cells), 1.0 + (0.16 * len(arms) + 0.12) * len(measures))
    for axes, cell in zip(figure.subplots(1, len(cells), squeeze=False, sharey=True)[0], cells, strict=True):
        for i, arm in enumerate(arms):
            rows = [row for row in found if (cell_of(row), row["arm"]) == (cell, arm)]
            place = [measures.index(row["measure"]) + 0.8 * ((i + 0.5) / len(arms) - 0.5) for row in rows]
            _bars(axes, rows, place, 0.7 / len(arms), figures.colours(results.arms)[arm])
        axes.set_xscale("log", base=2)
        axes.set_xlim(*_span([row["multiple"] for row in found]))
        _real(axes, results, cell, measures)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.axvline(1, color=INK, linewidth=0.8)
        figures.style(axes, cell.title, "multiple of the baseline's", "")
        axes.set_yticks(range(len(measures)), [results.heading(name) for name in measures])
        axes.set_ylim(len(measures) - 0.5, -0.5)
    figures.legend(figure, 5)
    return Plot(figure, COMPONENTS)


def _real(axes: Any, results: Results, cell: Cell, measures: Sequence[str]) -> None:
    """Mark real data, as multiples of the baseline's end too."""
    line = results.real.get(str(cell.n), {}).get("real", {})
    base = of(uncoupled(results.rows), cell, results.baseline)
    for i, measure in enumerate(measures):
        end = over_seeds(list(ends(base, measure).values())).value
        value = number(line.get(measure))
        if end > 0 and value > 0:
            place = min(max(value / end, axes.get_xlim()[0]), axes.get_xlim()[1])
            axes.plot([place], [i], marker="D", clip_on=False, color=INK, markersize=5, linestyle="", zorder=4,
                      label="real data" if i == 0 else "_nolegend_")  # fmt: skip
            figures.tip(axes, value / end, i, f"real data, {results.heading(measure)}: {value / end:.3g} times")


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Limits that show every value; an interval of few seeds may run off the side."""
    return min([*values, 0.7]) / 1.4, max([*values, 1.4]) * 1.4


def _bars(axes: Any, rows: Sequence[Row], place: Sequence[float], height: float, colour: str) -> None:
    if not rows:
        return
    value, low, high = np.array([spread_of(row, "multiple") for row in rows]).T
    low, high = np.where(np.isfinite(low), low, value), np.where(np.isfinite(high), high, value)
    axes.barh(place, value - 1, height, left=1, color=colour, label=figures.text(rows[0]["arm"]),
              xerr=[value - low, high - value], error_kw={"ecolor": INK, "elinewidth": 0.8})  # fmt: skip
    for row, x, y in zip(rows, value, place, strict=True):
        figures.tip(
            axes, x, y, f"{row['arm'].replace('_', ' ')}: {text(spread_of(row, 'multiple'))} times the baseline's"
        )


def prices(results: Results, clock: str = cost.CLOCK) -> Plot | None:
    """What a generation costs, by part: a bar a cell and arm but the baseline."""
    found = [row for row in cost.prices(results, clock) if row["arm"] != results.baseline and row["loop"] > 0]
    if not found:
        return None
    figure = figures.blank(7.2, 1.0 + 0.22 * len(found))
    axes, left = figure.subplots(), np.zeros(len(found))
    for part, colour in COLOURS.items():
        width = np.array([row[part] for row in found])
        axes.barh(range(len(found)), width, 0.75, left=left, color=colour, label=part, hatch=HATCHES[part], alpha=0.99,
                  edgecolor="white", linewidth=0)  # fmt: skip
        for i, row in enumerate(found):
            if row[part] > 0:
                figures.tip(axes, left[i] + row[part] / 2, i, f"{figures.text(row['arm'])}, {part}: {row[part]:.3g} s")
        left = left + width
    axes.set_yticks(range(len(found)), [f"{cell_of(row).title}: {figures.text(row['arm'])}" for row in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    figures.style(axes, "Price of a generation", clock.replace("core_seconds", "core-seconds"), "")
    axes.grid(visible=False)
    figures.legend(figure, 5)
    return Plot(figure, PRICES)
