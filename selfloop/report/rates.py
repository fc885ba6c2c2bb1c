"""The figure of the grid's claim: the contraction that theory predicts against the one that was measured."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.analysis.columns import spread_of
from selfloop.analysis.effective_gamma import averages
from selfloop.analysis.prediction import predictions
from selfloop.metrics.estimates import Estimate
from selfloop.report import figures
from selfloop.report.figures import INK

MARKERS = "os^Dvph*XP<>"
PANELS = {
    "predicted": "λ / ((1 + λ)(1 + γ)): refit to the optimum",
    "remembered": "the same, with the baseline's memory",
}

OF = {
    "mmd": "Distance of the laws of features (MMD).",
    "paired": "Rms distance of samples of the same noise and label, which bounds that of the laws (W2) from above.",
}
"""What each distance is."""


def contraction(rates: Sequence[Mapping], gammas: Sequence[Mapping], distance: str = "mmd") -> tuple[Any, str]:
    """Predicted (across) against measured (up), a point a cell and arm, with intervals and the diagonal; a caption."""
    points = [row for row in predictions(rates, averages(list(gammas))) if row["distance"] == distance]
    figure = figures.blank(8.6, 4.7)
    for axes, (name, about) in zip(figure.subplots(1, 2), PANELS.items(), strict=True):
        _panel(axes, points, name)
        figures.style(axes, about, "predicted contraction", "measured contraction" if name == "predicted" else "")
    _legend(figure, points)
    return figure, f"{OF[distance]} {caption(points)}"


def _panel(axes: Any, points: Sequence[Mapping], name: str) -> None:
    known = [row for row in points if row["holds"] is not None and math.isfinite(row[name])]
    for row in known:
        x, y = spread_of(row, name), spread_of(row, "measured")
        axes.errorbar([x.value], [y.value], _arms(y), _arms(x), fmt=_marker(row, points), markersize=5, linewidth=1,
                      color=figures.colours([row["arm"]])[row["arm"]])  # fmt: skip
    values = [row[one] for row in known for one in (name, "measured")] or [0.0, 1.0]
    low, high = max(min(values) - 0.1, 0.0), max(values) + 0.1
    axes.plot([low, high], [low, high], color=INK, linewidth=1, dashes=(4, 3))
    axes.set(xlim=(low, high), ylim=(low, high))


def _arms(one: Estimate) -> list[list[float]]:
    """Lengths of the error bar of a value; none where its interval is not known."""
    return [[end if math.isfinite(end) else 0.0] for end in (one.value - one.low, one.high - one.value)]


def _cells(points: Sequence[Mapping]) -> list[tuple]:
    return sorted({(row["n"], row["guidance"], row["lam"]) for row in points})


def _marker(row: Mapping, points: Sequence[Mapping]) -> str:
    return MARKERS[_cells(points).index((row["n"], row["guidance"], row["lam"])) % len(MARKERS)]


def _legend(figure: Any, points: Sequence[Mapping]) -> None:
    """Colours are arms, markers cells."""
    from matplotlib.lines import Line2D

    arms = dict.fromkeys(row["arm"] for row in points)
    lines = [
        Line2D([], [], color=figures.colours([arm])[arm], linewidth=3, label=arm.replace("_", " ")) for arm in arms
    ]
    for i, (n, guidance, lam) in enumerate(_cells(points)):
        label = f"n = {n}, guidance {guidance:g}, λ = {lam:g}"
        lines.append(Line2D([], [], color=INK, marker=MARKERS[i % len(MARKERS)], linestyle="", label=label))
    lines.append(Line2D([], [], color=INK, linewidth=1, dashes=(4, 3), label="equal"))
    figure.legend(handles=lines, loc="outside lower left", ncols=4, frameon=False, fontsize=8, labelcolor=INK)


def caption(points: Sequence[Mapping]) -> str:
    """What the figure shows, how many points are not in it, and how many intervals meet."""
    parts = ["Contraction of the distance to a twin per generation, 95 % intervals over seeds."]
    for name, holds in (("predicted", "holds"), ("remembered", "holds_remembered")):
        known = [row[holds] for row in points if row[holds] is not None]
        parts.append(f"{name.capitalize()}: {sum(known)} of {len(known)} intervals meet the measured one.")
    if gone := sum(row["holds"] is None for row in points):
        parts.append(f"{gone} of {len(points)} cells are not shown: no rate or no gamma could be read.")
    return " ".join(parts)
