"""The figure of the grid's claim: the contraction that theory predicts against the one that was measured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.motion.grid.gammas import averages
from selfloop.motion.grid.intervals import spread_of
from selfloop.motion.grid.prediction import predictions
from selfloop.runs import figures
from selfloop.runs.figures import INK

MARKERS = "os^Dvph*XP<>"
PANELS = {
    "predicted": "λ / ((1 + λ)(1 + γ)): refit to the optimum",
    "remembered": "the same, with the baseline's memory",
}


def contraction(rates: Sequence[Mapping], gammas: Sequence[Mapping], distance: str = "mmd") -> tuple[Any, str]:
    """Predicted (across) against measured (up), a point a cell and arm, with intervals and the diagonal; a caption."""
    points = [row for row in predictions(rates, averages(list(gammas))) if row["distance"] == distance]
    figure = figures.blank(8.6, 4.6)
    for axes, (name, about) in zip(figure.subplots(1, 2, sharey=True), PANELS.items(), strict=True):
        _panel(axes, points, name)
        figures.style(axes, about, "predicted contraction", "measured contraction" if name == "predicted" else "")
    handles = {text: line for one in figure.axes for line, text in zip(*one.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower left", ncols=3, frameon=False, fontsize=8,
                  labelcolor=INK)  # fmt: skip
    return figure, caption(points)


def _panel(axes: Any, points: Sequence[Mapping], name: str) -> None:
    cells = sorted({(row["n"], row["guidance"], row["lam"]) for row in points})
    ends = [1.0]
    for row in points:
        x, y = spread_of(row, name), spread_of(row, "measured")
        if not (math.isfinite(x.value) and math.isfinite(y.value)):
            continue
        cell = row["n"], row["guidance"], row["lam"]
        colour, marker = figures.colours([row["arm"]])[row["arm"]], MARKERS[cells.index(cell) % len(MARKERS)]
        label = f"{row['arm'].replace('_', ' ')}, n = {cell[0]}, guidance {cell[1]:g}, λ = {cell[2]:g}"
        axes.errorbar([x.value], [y.value], [[y.value - _or(y.low, y.value)], [_or(y.high, y.value) - y.value]],
                      [[x.value - _or(x.low, x.value)], [_or(x.high, x.value) - x.value]], fmt=marker, markersize=5,
                      linewidth=1, color=colour, label=label)  # fmt: skip
        ends.append(y.value)
    top = max(ends) * 1.05
    axes.plot([0, top], [0, top], color=INK, linewidth=1, dashes=(4, 3), label="equal")
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)


def caption(points: Sequence[Mapping]) -> str:
    """What the figure shows, how many points are not in it, and how many intervals meet."""
    parts = ["Contraction of the distance to a twin per generation, 95 % intervals."]
    for name, holds in (("predicted", "holds"), ("remembered", "holds_remembered")):
        known = [row[holds] for row in points if row[holds] is not None]
        parts.append(f"{name.capitalize()}: {sum(known)} of {len(known)} intervals meet the measured one.")
    if gone := sum(row["holds"] is None for row in points):
        parts.append(f"{gone} of {len(points)} cells are not shown: no rate or no gamma could be read.")
    return " ".join(parts)


def _or(limit: float, value: float) -> float:
    return limit if math.isfinite(limit) else value
