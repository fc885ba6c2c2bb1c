"""The contraction that theory predicts against the one that was measured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.analysis.cells import Cell, Row, cell_of
from selfloop.analysis.columns import spread_of
from selfloop.metrics.estimates import Estimate
from selfloop.report import figures
from selfloop.report.figures import INK
from selfloop.report.page import Plot
from selfloop.report.values import text

PANELS = {
    "predicted": "λ / ((1 + λ)(1 + γ)): refit to the optimum",
    "remembered": "the same, with the baseline's memory",
}

OF = {
    "mmd": "Distance of the laws (MMD).",
    "paired": "Rms distance of samples of the same noise and condition, which bounds that of the laws (W2) from above.",
}
"""What each distance is."""


def contraction(predictions: Sequence[Row], distance: str = "mmd", arms: Sequence[str] = ()) -> Plot | None:
    """Predicted (across) against measured (up), a point a cell and arm, with intervals and the diagonal.

    Colours are those of ``arms``, as in the other figures. None where no prediction can be held against a measurement.
    """
    points = [row for row in predictions if row["distance"] == distance]
    if not any(row["holds"] is not None for row in points):
        return None
    markers = {
        cell: figures.MARKERS[i % len(figures.MARKERS)] for i, cell in enumerate(sorted(set(map(cell_of, points))))
    }
    there = dict.fromkeys(row["arm"] for row in points)
    palette = {arm: colour for arm, colour in figures.colours(arms or list(there)).items() if arm in there}
    figure = figures.blank(7.4, 4.4)
    for axes, (name, about) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
        _panel(axes, points, name, markers, palette)
        figures.style(axes, about, "predicted contraction", "measured contraction" if name == "predicted" else "")
    _legend(figure, markers, palette)
    return Plot(figure, f"{OF[distance]} {caption(points)}")


def _panel(axes: Any, points: Sequence[Row], name: str, markers: Mapping[Cell, str], palette: Mapping) -> None:
    known = [row for row in points if row["holds"] is not None and math.isfinite(row[name])]
    for row in known:
        x, y = spread_of(row, name), spread_of(row, "measured")
        axes.errorbar([x.value], [y.value], _lengths(y), _lengths(x), fmt=markers[cell_of(row)], markersize=5,
                      linewidth=1, color=palette[row["arm"]])  # fmt: skip
        where = f"{row['arm'].replace('_', ' ')}, {cell_of(row).title}"
        figures.tip(axes, x.value, y.value, f"{where}: predicted {text(x)}, measured {text(y)}")
    values = [row[one] for row in known for one in (name, "measured")] or [0.0, 1.0]
    low, high = max(min(values) - 0.1, 0.0), max(values) + 0.1
    axes.plot([low, high], [low, high], color=INK, linewidth=1, dashes=(4, 3))
    axes.set(xlim=(low, high), ylim=(low, high))


def _lengths(one: Estimate) -> list[list[float]]:
    """Lengths of the error bar of a value; none where its interval is not known."""
    return [[end if math.isfinite(end) else 0.0] for end in (one.value - one.low, one.high - one.value)]


def _legend(figure: Any, markers: Mapping[Cell, str], palette: Mapping[str, str]) -> None:
    """Colours are arms, markers cells."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour, linewidth=3, label=figures.text(arm)) for arm, colour in palette.items()]
    for cell, marker in markers.items():
        lines.append(Line2D([], [], color=INK, marker=marker, linestyle="", label=cell.title))
    lines.append(Line2D([], [], color=INK, linewidth=1, dashes=(4, 3), label="equal"))
    figure.legend(
        handles=lines, loc="outside lower left", ncols=4, frameon=False, fontsize=figures.SMALL, labelcolor=INK
    )


def caption(points: Sequence[Row]) -> str:
    """What the figure shows, how many points are not in it, and how many intervals meet."""
    parts = ["Contraction of the distance of coupled chains per generation, 95 % intervals over seeds."]
    for name, holds in (("predicted", "holds"), ("remembered", "holds_remembered")):
        if known := [row[holds] for row in points if row[holds] is not None]:
            parts.append(f"{name.capitalize()}: {sum(known)} of {len(known)} intervals meet the measured one.")
    if len(parts) == 1:
        return "Nothing predicted could be held against a measured contraction: no rate or no gamma could be read."
    if gone := sum(row["holds"] is None for row in points):
        parts.append(f"{gone} of {len(points)} points are not shown: no rate or no gamma could be read.")
    return " ".join(parts)
