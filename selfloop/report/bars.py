"""Figures of a run's end: what became of each measure, beside the baseline's, and what a generation costs."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from selfloop.analysis import cost
from selfloop.analysis.cells import Row, cell_of
from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose
from selfloop.analysis.results import Results
from selfloop.report import figures
from selfloop.report.figures import INK
from selfloop.report.page import Plot

COMPONENTS = (
    "Each measure at the end of the loop as a multiple of the baseline's (geometric mean over seeds, 95 % intervals); "
    "1 is no collapse. From the top: artefacts, moments, modes, what is within modes."
)
COLOURS = {"train": "#2f81c7", "sample": "#5aa9dd", "correct": "#0f9d76", "evaluate": "#7a7f87", "audit": "#b9bdc2"}
PRICES = "Seconds that one chain takes a generation, by part (median). Evaluation and audits only measure the loop."


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
        axes.xaxis.set_major_formatter("{x:g}")
        axes.axvline(1, color=INK, linewidth=0.8)
        figures.style(axes, cell.title, "multiple of the baseline's", "")
        axes.title.set_fontsize(8.5)
        axes.set_yticks(range(len(measures)), [results.heading(name) for name in measures])
        axes.set_ylim(len(measures) - 0.5, -0.5)
    figures.legend(figure, 5)
    return Plot(figure, COMPONENTS)


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


def prices(results: Results, clock: str = cost.CLOCK) -> Plot | None:
    """What a generation costs, by part: a bar a cell and arm but the baseline."""
    found = [row for row in cost.prices(results, clock) if row["arm"] != results.baseline and row["loop"] > 0]
    if not found:
        return None
    figure = figures.blank(7.5, 1.0 + 0.22 * len(found))
    axes, left = figure.subplots(), np.zeros(len(found))
    for part, colour in COLOURS.items():
        width = np.array([row[part] for row in found])
        axes.barh(range(len(found)), width, 0.75, left=left, color=colour, label=part)
        left = left + width
    axes.set_yticks(range(len(found)), [f"{cell_of(row).title}: {figures.text(row['arm'])}" for row in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    figures.style(axes, "Price of a generation", clock.replace("core_seconds", "core-seconds"), "")
    axes.grid(visible=False)
    figures.legend(figure, 5)
    return Plot(figure, PRICES)
