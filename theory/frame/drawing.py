"""Figures of claims: what is predicted as lines, what is measured as points with their intervals."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from selfloop.report.figures import INK, blank, style

COLOURS = ("#2f81c7", "#d95f0e", "#0f9d76", "#c2679b", "#d99a00", "#8c6bb1", "#5aa9dd", INK)
_MARKERS = "os^Dvph*"


class Line(NamedTuple):
    """One colour of a figure: a predicted line, measured points, or both; absent where None."""

    label: str
    x: Any
    predicted: Any = None
    measured: Any = None
    error: Any = None
    """Half widths of the points' intervals."""
    dashed: bool = False


def lines(entries: Sequence[Line], x: str, y: str, xscale: str = "linear", yscale: str = "linear") -> Callable[[], Any]:
    """A figure of lines and points, drawn when called; at most eight entries keep colours that differ."""

    def draw() -> Any:
        figure = blank(4.6, 2.7 + 0.16 * ((len(entries) + 1) // 2))
        axes = figure.subplots()
        for i, entry in enumerate(entries):
            _entry(axes, entry, COLOURS[i % len(COLOURS)], _MARKERS[i % len(_MARKERS)])
        axes.set_xscale(xscale)
        axes.set_yscale(yscale)
        style(axes, y, x)
        figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8, labelcolor=INK)
        return figure

    return draw


def _entry(axes: Any, entry: Line, colour: str, marker: str) -> None:
    label = entry.label
    if entry.predicted is not None:
        dashes = (4, 3) if entry.dashed else (None, None)
        axes.plot(entry.x, np.asarray(entry.predicted), color=colour, linewidth=1.5, dashes=dashes, label=label)
        label = None
    if entry.measured is not None:
        look = {"color": colour, "fmt": marker, "markersize": 3.5, "elinewidth": 1, "linestyle": "none"}
        axes.errorbar(entry.x, np.asarray(entry.measured), yerr=entry.error, label=label, **look)
