"""Figures over the generations: a line an arm, the seeds' spread about it, what real data score as dashed lines.

Each function returns a matplotlib figure and leaves matplotlib's global state alone; matplotlib is imported when the
first figure is drawn. What is drawn in INK takes the page's text colour in a report.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfloop.runs import files
from selfloop.runs.record import number
from selfloop.wording import named

SPREAD = "Line: mean over seeds. Band: from the smallest to the largest seed. Dashed: real data."
INK = "#3b4149"
_COLOURS = {
    "baseline": "#2f81c7",
    "uncorrected": "#d95f0e",
    "physics": "#0f9d76",
    "physics_prior": "#c2679b",
    "smoothing": "#d99a00",
    "nearest_real": "#5aa9dd",
    "accumulate": "#8c6bb1",
}
_SPARE = ("#7a7f87", "#8a5a14", "#1d3f77", "#a61b3b")
_MARKERS = "os^Dvph"
_MANY = 100.0
"""Largest over smallest value from which an axis is logarithmic."""


def colours(arms: Sequence[str]) -> dict[str, str]:
    """One colour an arm, distinct to colour-blind readers; a named arm has the same one in every run."""
    free = [colour for arm, colour in _COLOURS.items() if arm not in arms] + list(_SPARE)
    others = [arm for arm in dict.fromkeys(arms) if arm not in _COLOURS]
    chosen = {arm: free[i % len(free)] if free else INK for i, arm in enumerate(others)}
    return {arm: _COLOURS.get(arm) or chosen[arm] for arm in arms}


def series(rows: Sequence[Mapping], measure: str, arm: str) -> tuple[list[int], list[float], list[float], list[float]]:
    """Generations, and over the seeds of each the mean, smallest and largest of a measure; only finite ones count."""
    values: dict[int, list[float]] = {}
    for row in rows:
        if row["arm"] == arm and math.isfinite(value := number(row.get(measure))):
            values.setdefault(row["generation"], []).append(value)
    at = sorted(values)
    return at, [sum(values[t]) / len(values[t]) for t in at], [min(values[t]) for t in at], [max(values[t]) for t in at]


def grid(
    rows: Sequence[Mapping[str, Any]],
    measures: Sequence[str],
    arms: Sequence[str],
    lines: Mapping[str, Mapping[str, float]] | None = None,
    units: Mapping[str, str] | None = None,
    columns: int = 3,
) -> Any:
    """Small multiples: a panel a measure, a line an arm over the generations; its spread is what SPREAD says.

    Args:
        rows: records with ``arm``, ``seed``, ``generation`` and the measures.
        measures: their keys; titles and units are read off them.
        arms: which arms, in the order of the legend.
        lines: by label what is drawn dashed, such as what real data score: rows of measures.
        units: those of measures whose names do not carry them.
        columns: panels beside one another, at the most.
    """
    columns = min(columns, len(measures))
    height = math.ceil(len(measures) / columns)
    figure = blank(3.6 * columns, 2.6 * height + 0.5)
    panels = list(figure.subplots(height, columns, squeeze=False).flat)
    for axes, measure in zip(panels, measures, strict=False):
        drawn = []
        for arm, marker in zip(arms, _MARKERS * len(arms), strict=False):
            drawn += course(axes, rows, measure, arm, colours(arms)[arm], marker=marker, markersize=3.5, linewidth=1.8)
        drawn += dashed(axes, {label: row.get(measure) for label, row in (lines or {}).items()})
        _scale(axes, drawn)
        title, unit = named(measure)
        style(axes, title, "generation", (units or {}).get(measure) or unit)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(measures) :]:
        axes.set_visible(False)
    legend(figure, 2 * columns, "outside upper left")
    return figure


def blank(width: float, height: float) -> Any:
    """An empty figure of this size in inches, laid out so that nothing overlaps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(path: str | Path, figure: Any, dpi: int = 160) -> None:
    """Write a figure as a PNG file on white, in one step.

    Raises:
        SelfloopError: where it cannot be written.
    """
    from io import BytesIO

    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    files.replace(path, buffer.getvalue())


def course(axes: Any, rows: Sequence[Mapping], measure: str, arm: str, colour: str, **look: Any) -> list[float]:
    """Draw an arm's mean and spread over the generations; all that the panel must have room for."""
    at, mean, low, high = series(rows, measure, arm)
    axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(at, mean, color=colour, markevery=max(len(at) // 10, 1), label=text(arm), **look)
    return low + high


def dashed(axes: Any, lines: Mapping[str, float]) -> list[float]:
    """Draw the finite ones of these heights as dashed lines; those heights."""
    drawn = []
    for (label, height), dashes in zip(lines.items(), [(4, 3), (1, 2), (6, 2, 1, 2)] * len(lines), strict=False):
        if math.isfinite(number(height)):
            drawn.append(number(height))
            axes.axhline(number(height), color=INK, linewidth=1, dashes=dashes, label=text(label))
    return drawn


def _scale(axes: Any, drawn: list[float]) -> None:
    if drawn and min(drawn) > 0 and max(drawn) / min(drawn) > _MANY:
        axes.set_yscale("log")
    elif drawn and min(drawn) >= 0:
        axes.set_ylim(bottom=0)


def style(axes: Any, title: str, x: str, y: str = "") -> None:
    """The look of all figures: a heading at the left, no box, a faint grid, the page's text colour."""
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=8.5, color=INK)
    axes.set_ylabel(y, fontsize=8.5, color=INK)
    axes.tick_params(colors=INK, labelsize=8, length=0, which="both")
    axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)


def legend(figure: Any, columns: int, place: str = "outside lower left") -> None:
    """One legend for all panels: whatever has a label in one of them."""
    found = {label: handle for axes in figure.axes
             for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}  # fmt: skip
    if found:
        figure.legend(found.values(), found, loc=place, ncols=columns, frameon=False, fontsize=8, labelcolor=INK)


def text(name: str) -> str:
    """A label as it is: no underscores, no TeX, and nothing that matplotlib would hide."""
    return " " * name.startswith("_") + name.replace("_", " ").replace("$", r"\$")
