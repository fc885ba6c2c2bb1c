"""Figures of a run's course: measures, distances of coupled chains and effective gammas over the generations.

A column a cell, a row a measure, a colour an arm: the same in every figure. Where there is but one cell, measures are
small multiples.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from selfloop.analysis.cells import Cell, Row, arms, cell_of, cells, of, uncoupled
from selfloop.analysis.effective_gamma import by_generation
from selfloop.analysis.prediction import predictions
from selfloop.analysis.results import KINDS, Results
from selfloop.metrics.estimates import Estimate
from selfloop.report import figures
from selfloop.report.bars import components, prices
from selfloop.report.figures import INK, SPREAD
from selfloop.report.page import Plot
from selfloop.report.rates import contraction
from selfloop.report.values import text

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
    "numbers: root of MMD^2 of the laws, and root mean square of the distances of pairs; geometric means over seeds. "
    "Straight lines contract at a constant rate. Dashed: the largest MMD that chance alone may give two equal laws "
    "here (two standard deviations), which is what two sets of real data would show."
)
GAMMAS = (
    "Effective gamma on the loop's own samples, 95 % intervals; absent where the audit refuses; at the top: more. The "
    "line at 0 is a corrector that changes nothing; real data have no gamma, as there is nothing to correct."
)
TOP = 5.0
"""Largest gamma that is drawn in place."""


def draw(results: Results, only: str | None = None) -> dict[str, Plot]:
    """Every figure that the results allow, by the name of its file: the headline, each kind of measure, the rest.

    ``only`` draws the figure of that name alone, if there is one.
    """
    makers = _makers(results)
    drawn = {name: make() for name, make in makers.items() if only in (None, name)}
    return {name: plot for name, plot in drawn.items() if plot is not None}


def _makers(results: Results) -> dict[str, Callable[[], Plot | None]]:
    """How each figure is drawn."""
    headline = results.headline
    made: dict[str, Callable[[], Plot | None]] = {}
    if headline:
        made["measures"] = lambda: plotted(results, headline, SPREAD)
    for kind in KINDS:
        if names := [one.name for one in results.measures if one.kind == kind]:
            made[kind] = partial(plotted, results, names, f"{OF[kind]} {SPREAD}")
    made |= {"components": lambda: components(results), "prices": lambda: prices(results)}
    if results.distances:
        made["distances"] = lambda: Plot(distances(results), DISTANCES)
        made["contraction"] = lambda: contraction(predictions(results), "mmd", results.arms)
        made["contraction_paired"] = lambda: contraction(predictions(results), "paired", results.arms)
    if any(not math.isnan(row["gamma"]) for row in results.gammas):
        made["gammas"] = lambda: Plot(gammas(results), GAMMAS)
    return made


def plotted(results: Results, measures: Sequence[str], caption: str) -> Plot:
    """Measures over the generations: one figure, and on a page one a measure."""
    if len(cells(uncoupled(results.rows))) > 1:
        return Plot(curves(results, measures), caption)
    panels = [_curves(results, [measure], explained=False) for measure in measures]
    lines = [line for line, row in _real(results).items() if any(name in row for name in measures)]
    return Plot(curves(results, measures), caption, panels, figures.key(results.arms, lines))


def _real(results: Results) -> Mapping[str, Row]:
    """The lines of real data of the first n."""
    return results.real.get(str(min((row["n"] for row in results.rows), default=0)), {})


def curves(results: Results, measures: Sequence[str]) -> Any:
    """Measures over the generations."""
    return _curves(results, measures, explained=True)


def _curves(results: Results, measures: Sequence[str], *, explained: bool) -> Any:
    rows, palette = uncoupled(results.rows), figures.colours(results.arms)
    columns = cells(rows)
    if len(columns) < 2:
        units = {one.name: one.unit for one in results.measures}
        return figures.grid(rows, measures, results.arms, _real(results), units, explained=explained)

    def panel(axes: Any, cell: Cell, measure: str) -> None:
        for arm in arms(rows, cell):
            figures.course(axes, of(rows, cell, arm), measure, arm, palette[arm], linewidth=1.5)
        lines = results.real.get(str(cell.n), {})
        figures.dashed(axes, {label: line.get(measure) for label, line in lines.items()})

    return _panels(columns, measures, panel, results.heading)


def distances(results: Results) -> Any:
    """Distances of coupled chains, on logarithmic axes."""
    palette, signs = figures.colours(results.arms), figures.markers(results.arms)
    drawn: set[str] = set()

    def panel(axes: Any, cell: Cell, name: str) -> None:
        for arm in arms(results.distances, cell):
            pairs = [row for row in of(results.distances, cell, arm) if row["distance"] == name]
            each = [dict(zip(row["generation"], row["value"], strict=True)) for row in pairs]
            at = sorted(set.intersection(*map(set, each))) if each else []
            values = np.array([[one[t] for t in at] for one in each])
            with np.errstate(divide="ignore"):
                mean = np.exp(np.log(values).mean(0)) if at else []
            axes.plot(at, mean, color=palette[arm], linewidth=1.5, label=figures.text(arm), marker=signs[arm],
                      markersize=3)  # fmt: skip
            for t, value in zip(at, mean, strict=True):
                figures.tip(axes, t, value, f"{arm.replace('_', ' ')}, generation {t}: {value:.3g}")
            if name == "mmd" and (chance := _chance(pairs)) > 0:
                label = "" if "chance" in drawn else "chance"
                drawn.add("chance")
                axes.axhline(chance, color=palette[arm], linewidth=1, dashes=(4, 3), label=label or "_nolegend_")
            if np.any(np.asarray(mean) > 0):
                figures.logarithmic(axes)

    labels = {"mmd": "distance of laws (MMD)", "paired": "rms distance of pairs"}
    return _panels(cells(results.distances), list(labels), panel, labels.__getitem__)


def _chance(pairs: Sequence[Row]) -> float:
    """The root of two standard deviations of MMD^2, the median over chains and generations; 0 where not known."""
    sds = [2 * value * noise for row in pairs for value, noise in zip(row["value"], row["noise"], strict=True)]
    known = [sd for sd in sds if math.isfinite(sd) and sd > 0]
    return math.sqrt(2 * float(np.median(known))) if known else 0.0


def gammas(results: Results) -> Any:
    """Effective gammas over the generations, a row a space."""
    rows, palette = by_generation(results.gammas), figures.colours(results.arms)
    names = list(dict.fromkeys(row["arm"] for row in rows))

    def panel(axes: Any, cell: Cell, space: str) -> None:
        here = [row for row in rows if (row["space"], cell_of(row)) == (space, cell) and not math.isnan(row["gamma"])]
        for i, arm in enumerate(names):
            own = [row for row in here if row["arm"] == arm]
            at = [row["generation"] + 0.2 * (i - (len(names) - 1) / 2) for row in own]
            value, low, high = (np.clip([row[end] for row in own], -1, TOP) for end in ("gamma", "low", "high"))
            axes.errorbar(at, value, [value - low, high - value], fmt="o", markersize=3, linewidth=1.1,
                          color=palette.get(arm, INK), label=figures.text(arm))  # fmt: skip
            for t, row, height in zip(at, own, value, strict=True):
                told = text(Estimate(row["gamma"], row["low"], row["high"]))
                figures.tip(axes, t, height, f"{arm.replace('_', ' ')}, generation {row['generation']}: {told}")
        axes.axhline(0, color=INK, linewidth=0.8)

    spaces = list(dict.fromkeys(row["space"] for row in rows))
    return _panels(sorted(set(map(cell_of, rows))), spaces, panel, lambda space: f"γ, {space}")


def _panels(columns: Sequence[Cell], rows: Sequence[str], panel: Panel, label: Callable[[str], str]) -> Any:
    """A panel for every column and row, the vertical axis shared along a row; one legend for all."""
    figure = figures.blank(2.2 + 2.1 * max(len(columns), 1), 0.8 + 1.7 * len(rows))
    axes = figure.subplots(len(rows), max(len(columns), 1), squeeze=False, sharey="row", sharex=True)
    for i, row in enumerate(rows):
        for j, cell in enumerate(columns):
            panel(axes[i, j], cell, row)
            below = "generation" if i == len(rows) - 1 else ""
            figures.style(axes[i, j], "" if i else cell.title, below, "" if j else label(row))
    figures.legend(figure, 6)
    return figure
