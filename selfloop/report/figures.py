"""Figures over the generations: a line an arm, the seeds' spread about it, what real data score as dashed lines.

Each function returns a figure (`selfloop.figure`) and leaves matplotlib's global state alone. What is drawn in INK
takes the page's text colour in a report; what is drawn says its values under the pointer there.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.drawing import INK as INK
from selfloop.drawing import MARKERS as MARKERS
from selfloop.drawing import SIGNS
from selfloop.drawing import SMALL as SMALL
from selfloop.drawing import blank as blank
from selfloop.drawing import colours as colours
from selfloop.drawing import legend as legend
from selfloop.drawing import logarithmic as logarithmic
from selfloop.drawing import markers as markers
from selfloop.drawing import save as save
from selfloop.drawing import style as style
from selfloop.drawing import text as text
from selfloop.runs.record import number
from selfloop.wording import cell, named

SPREAD = (
    "Line: mean over seeds. Band: from the smallest to the largest seed. Dashed: real data, measured as the samples "
    "are; where there is such a line, a perfect model ends at it."
)
TIPS = 26
"""Values of a line that tell themselves under the pointer, at the most."""
_DASHES = ((4, 3), (1, 2), (6, 2, 1, 2))
_MANY = 100.0
"""Largest over smallest value from which an axis is logarithmic."""


def series(
    rows: Sequence[Mapping[str, Any]], measure: str, arm: str
) -> tuple[list[int], list[float], list[float], list[float]]:
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
    *,
    explained: bool = True,
) -> Any:
    """Small multiples: a panel a measure, a line an arm over the generations; its spread is what SPREAD says.

    Args:
        rows: records with ``arm``, ``seed``, ``generation`` and the measures.
        measures: their keys; titles and units are read off them.
        arms: which arms, in the order of the legend.
        lines: by label what is drawn dashed, such as what real data score: rows of measures.
        units: those of measures whose names do not carry them.
        columns: panels beside one another, at the most.
        explained: whether it has a legend; a page has one for many.
    """
    columns = min(columns, len(measures))
    height = math.ceil(len(measures) / columns)
    figure = blank(3.6 * columns, 2.6 * height + 0.5 * explained)
    panels = list(figure.subplots(height, columns, squeeze=False).flat)
    signs = markers(arms)
    for axes, measure in zip(panels, measures, strict=False):
        drawn = []
        for arm in arms:
            look = {"marker": signs[arm], "markersize": 3.5, "linewidth": 1.8}
            drawn += course(axes, rows, measure, arm, colours(arms)[arm], **look)
        drawn += dashed(axes, {label: row.get(measure) for label, row in (lines or {}).items()})
        _scale(axes, drawn)
        title, unit = named(measure)
        style(axes, title, "generation", (units or {}).get(measure) or unit)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(measures) :]:
        axes.set_visible(False)
    if explained:
        legend(figure, 2 * columns, "outside upper left")
    return figure


def key(arms: Sequence[str], lines: Sequence[str] = ()) -> list[tuple[str, str, str]]:
    """The legend of `grid` for a page: sign, colour and label of every arm and dashed line."""
    signs, palette = markers(arms), colours(arms)
    of_arms = [(SIGNS[signs[arm]], palette[arm], arm.replace("_", " ")) for arm in arms]
    return of_arms + [(("╌╌", "┈┈", "┄·")[i % 3], "currentColor", line) for i, line in enumerate(lines)]


def course(
    axes: Any, rows: Sequence[Mapping[str, Any]], measure: str, arm: str, colour: str, **look: Any
) -> list[float]:
    """Draw an arm's mean and spread over the generations; all that the panel must have room for."""
    at, mean, low, high = series(rows, measure, arm)
    axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(at, mean, color=colour, markevery=max(len(at) // 10, 1), label=text(arm), **look)
    step = max(math.ceil(len(at) / TIPS), 1)
    for t, value, least, most in list(zip(at, mean, low, high, strict=True))[::-step]:
        spread = f" (seeds {cell(least)} to {cell(most)})" if most > least else ""
        tip(axes, t, value, f"{arm.replace('_', ' ')}, generation {t}: {cell(value)}{spread}")
    return low + high


def dashed(axes: Any, lines: Mapping[str, float]) -> list[float]:
    """Draw the finite ones of these heights as dashed lines; those heights."""
    drawn = []
    for (label, height), dashes in zip(lines.items(), _DASHES * len(lines), strict=False):
        if math.isfinite(number(height)):
            drawn.append(number(height))
            axes.axhline(number(height), color=INK, linewidth=1.2, dashes=dashes, label=text(label))
            tip(axes, math.inf, number(height), f"{label}: {cell(number(height))}")
    return drawn


def tip(axes: Any, x: float, y: float, said: str) -> None:
    """Say this where the pointer is at a value, in a figure that can."""
    if hasattr(axes.figure, "tips"):
        axes.figure.tip(axes, x, y, said)


def _scale(axes: Any, drawn: list[float]) -> None:
    if drawn and min(drawn) > 0 and max(drawn) / min(drawn) > _MANY:
        logarithmic(axes)
    elif drawn and min(drawn) >= 0:
        axes.set_ylim(bottom=0)
