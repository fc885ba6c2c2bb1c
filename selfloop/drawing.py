"""The look of all figures: size, ink, headings, legend; below everything that draws.

matplotlib is imported when the first figure is made. What is drawn in INK takes the page's text colour in a report.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfloop.runs import files

if TYPE_CHECKING:
    from selfloop.figure import Figure

INK = "#3b4149"
HEAD, SMALL = 10.0, 9.0
"""Sizes of text (points); none is smaller than the second."""
MARKERS = "os^Dvph*XP"
SIGNS = dict(zip(MARKERS, "●■▲◆▼⬟⬢★✖✚", strict=True))
"""Markers as characters, for legends outside figures."""
_COLOURS = {
    "baseline": "#2f81c7",
    "uncorrected": "#d95f0e",
    "physics": "#0f9d76",
    "physics_prior": "#c2679b",
    "smoothing": "#a87900",
    "nearest_real": "#009e9a",
    "accumulate": "#8c6bb1",
}
_SPARE = ("#757c85", "#d1495b", "#5f8a1f", "#5b76e0")
"""Every colour has a contrast of 3 to 1 or more to white as well as to the dark page's cards (WCAG 2.2, 1.4.11)."""


def colours(arms: Sequence[str]) -> dict[str, str]:
    """One colour an arm; a named arm has the same one in every run. Markers tell apart what colours do not."""
    free = [colour for arm, colour in _COLOURS.items() if arm not in arms] + list(_SPARE)
    others = [arm for arm in dict.fromkeys(arms) if arm not in _COLOURS]
    chosen = {arm: free[i % len(free)] if free else INK for i, arm in enumerate(others)}
    return {arm: _COLOURS.get(arm) or chosen[arm] for arm in arms}


def markers(arms: Sequence[str]) -> dict[str, str]:
    """One marker an arm."""
    return {arm: MARKERS[i % len(MARKERS)] for i, arm in enumerate(dict.fromkeys(arms))}


def blank(width: float, height: float) -> "Figure":
    """An empty figure of this size in inches, laid out so that nothing overlaps."""
    from selfloop.figure import Figure

    return Figure(width, height)


def save(path: str | Path, figure: "Figure", dpi: int = 160) -> None:
    """Write a figure as a PNG file on white, in one step.

    Raises:
        SelfloopError: where it cannot be written.
    """
    files.replace(path, figure.png(dpi))


def style(axes: Any, title: str, x: str, y: str = "") -> None:
    """The look of all figures: a heading at the left, no box, a faint grid, the page's text colour."""
    axes.set_title(title, loc="left", fontsize=HEAD, color=INK)
    axes.set_xlabel(x, fontsize=SMALL, color=INK)
    axes.set_ylabel(y, fontsize=SMALL, color=INK)
    axes.tick_params(colors=INK, labelsize=SMALL, length=0, which="both")
    axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)


def logarithmic(axes: Any) -> None:
    """A logarithmic vertical axis with plain numbers: exponents would be too small to read."""
    from matplotlib.ticker import NullFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def legend(figure: Any, columns: int, place: str = "outside lower left") -> None:
    """One legend for all panels: whatever has a label in one of them."""
    found = {label: handle for axes in figure.axes
             for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}  # fmt: skip
    columns = max(min(columns, int(figure.get_figwidth() / 1.4)), 1)
    if found:
        figure.legend(found.values(), found, loc=place, ncols=columns, frameon=False, fontsize=SMALL, labelcolor=INK)


def text(name: str) -> str:
    """A label as it is: no underscores, no TeX, and nothing that matplotlib would hide."""
    return " " * name.startswith("_") + name.replace("_", " ").replace("$", r"\$")
