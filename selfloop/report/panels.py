"""Figures of a run's course: measures, distances of coupled chains and effective gammas over the generations.

A column a cell, a row a measure, a colour an arm: the same in every figure. Where there is but one cell, measures are
small multiples.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from selfloop.analysis.cells import Cell, arms, cell_of, cells, of, uncoupled
from selfloop.analysis.prediction import predictions
from selfloop.analysis.results import KINDS, Results
from selfloop.report import figures
from selfloop.report.bars import components, prices
from selfloop.report.figures import INK, SPREAD
from selfloop.report.page import Plot
from selfloop.report.rates import contraction

Panel = Callable[[Any, Cell, str], None]
"""Draws one row's measure of one cell into axes."""
OF = {
    "artefact": "What the loop makes of single samples.",
    "moment": "What it makes of the law of its samples.",
    "drift": "How far it has gone from its own generation 0.",
    "mode": "Which modes it still has.",
    "within": "What is left of the diversity within a mode.",
}
DISTANCES = (
    "Distance of each chain to the one coupled to it, which starts from another generation 0 and has the same random "
    "numbers: root of MMD^2 of the laws, geometric mean over seeds. Straight lines contract at a constant rate."
)
GAMMAS = "Effective gamma on the loop's own samples, 95 % intervals; absent where the audit refuses; at the top: more."
TOP = 5.0
"""Largest gamma that is drawn in place."""


def draw(results: Results) -> dict[str, Plot]:
    """Every figure that the results allow, by the name of its file: the headline, each kind of measure, the rest."""
    made = {"measures": Plot(curves(results, results.headline), SPREAD)} if results.headline else {}
    for kind in KINDS:
        if names := [one.name for one in results.measures if one.kind == kind]:
            made[kind] = Plot(curves(results, names), f"{OF[kind]} {SPREAD}")
    made |= {name: plot for name, plot in (("components", components(results)), ("prices", prices(results))) if plot}
    if results.distances:
        points = predictions(results)
        made["distances"] = Plot(distances(results), DISTANCES)
        made["contraction"] = contraction(points, "mmd")
        made["contraction_paired"] = contraction(points, "paired")
    if results.gammas:
        made["gammas"] = Plot(gammas(results), GAMMAS)
    return made


def curves(results: Results, measures: Sequence[str]) -> Any:
    """Measures over the generations."""
    rows, palette = uncoupled(results.rows), figures.colours(results.arms)
    columns = cells(rows)
    if len(columns) < 2:
        units = {one.name: one.unit for one in results.measures}
        lines = results.real.get(str(columns[0].n), {}) if columns else {}
        return figures.grid(rows, measures, results.arms, lines, units)

    def panel(axes: Any, cell: Cell, measure: str) -> None:
        for arm in arms(rows, cell):
            figures.course(axes, of(rows, cell, arm), measure, arm, palette[arm], linewidth=1.5)
        lines = results.real.get(str(cell.n), {})
        figures.dashed(axes, {label: line.get(measure) for label, line in lines.items()})

    return _panels(columns, measures, panel, results.heading)


def distances(results: Results) -> Any:
    """Distances of coupled chains, on logarithmic axes."""
    palette = figures.colours(results.arms)

    def panel(axes: Any, cell: Cell, name: str) -> None:
        for arm in arms(results.distances, cell):
            pairs = [row for row in of(results.distances, cell, arm) if row["distance"] == name]
            each = [dict(zip(row["generation"], row["value"], strict=True)) for row in pairs]
            at = sorted(set.intersection(*map(set, each))) if each else []
            values = np.array([[one[t] for t in at] for one in each])
            with np.errstate(divide="ignore"):
                mean = np.exp(np.log(values).mean(0)) if at else []
            axes.plot(at, mean, color=palette[arm], linewidth=1.5, label=figures.text(arm))
            if np.any(np.asarray(mean) > 0):
                axes.set_yscale("log")

    labels = {"mmd": "distance of laws (MMD)", "paired": "rms distance of pairs"}
    return _panels(cells(results.distances), list(labels), panel, labels.__getitem__)


def gammas(results: Results) -> Any:
    """Effective gammas over the generations, a row a space."""
    rows, palette = results.gammas, figures.colours(results.arms)
    names = list(dict.fromkeys(row["arm"] for row in rows))

    def panel(axes: Any, cell: Cell, space: str) -> None:
        here = [row for row in rows if (row["space"], cell_of(row)) == (space, cell) and not math.isnan(row["gamma"])]
        for i, arm in enumerate(names):
            own = [row for row in here if row["arm"] == arm]
            at = [row["generation"] + (i - (len(names) - 1) / 2) for row in own]
            value, low, high = (np.clip([row[end] for row in own], -1, TOP) for end in ("gamma", "low", "high"))
            axes.errorbar(at, value, [value - low, high - value], fmt="o", markersize=3, linewidth=1.1,
                          color=palette.get(arm, INK), label=figures.text(arm))  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.8)

    spaces = list(dict.fromkeys(row["space"] for row in rows))
    return _panels(sorted(set(map(cell_of, rows))), spaces, panel, lambda space: f"γ, {space}")


def _panels(columns: Sequence[Cell], rows: Sequence[str], panel: Panel, label: Callable[[str], str]) -> Any:
    """A panel for every column and row, the vertical axis shared along a row; one legend for all."""
    figure = figures.blank(2.2 + 1.75 * max(len(columns), 1), 0.7 + 1.55 * len(rows))
    axes = figure.subplots(len(rows), max(len(columns), 1), squeeze=False, sharey="row", sharex=True)
    for i, row in enumerate(rows):
        for j, cell in enumerate(columns):
            panel(axes[i, j], cell, row)
            below = "generation" if i == len(rows) - 1 else ""
            figures.style(axes[i, j], "" if i else cell.title, below, "" if j else label(row))
            axes[i, j].title.set_fontsize(8.5)
    figures.legend(figure, 6)
    return figure
