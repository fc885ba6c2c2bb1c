"""Figures of a grid's end: what became of each measure, beside the baseline's, and what a generation costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose
from selfloop.domains.motion.grid import cost
from selfloop.report import figures
from selfloop.report.figures import INK
from selfloop.wording import heading

SHOWN = ("penetration_mm", "skate_mm_per_frame", "jerk", "fid_mean", "fid_covariance", "modes_effective", "coverage",
         "within", "diversity")  # fmt: skip
"""The measures that are drawn, without their space: artefacts, moments, modes, and what is within modes."""
COMPONENTS = (
    "Each measure at the end of the loop as a multiple of the baseline's (geometric mean over seeds, 95 % intervals); "
    "1 is no collapse. From the top: artefacts, moments, modes, what is within modes."
)
COLOURS = {"train": "#2f81c7", "sample": "#5aa9dd", "correct": "#0f9d76", "evaluate": "#7a7f87", "audit": "#b9bdc2"}
PRICES = (
    "Seconds of all cores that one lane takes a generation, by part (median). "
    "Evaluation and audits only measure the loop."
)


def components(rows: Sequence[Mapping]) -> tuple[Any, str]:
    """The decomposition: a panel a cell, a bar an arm and measure, on a logarithmic axis; with its caption."""
    found = [row for row in decompose(rows) if row["arm"] != "baseline" and np.isfinite(row["multiple"])]
    found = [row for row in found if _shown(row["measure"])]
    cells = sorted({(row["n"], row["guidance"], row["lam"]) for row in found})
    measures = list(dict.fromkeys(row["measure"] for row in found))
    arms = list(dict.fromkeys(row["arm"] for row in found))
    figure = figures.blank(2.6 + 1.9 * len(cells), 1.0 + (0.16 * max(len(arms), 1) + 0.12) * len(measures))
    for axes, cell in zip(figure.subplots(1, max(len(cells), 1), squeeze=False, sharey=True)[0], cells, strict=False):
        here = [row for row in found if (row["n"], row["guidance"], row["lam"]) == cell]
        for i, arm in enumerate(arms):
            _bars(axes, [row for row in here if row["arm"] == arm], measures, (i + 0.5) / len(arms) - 0.5, len(arms))
        axes.set_xscale("log", base=2)
        axes.set_xlim(*_span([row["multiple"] for row in found]))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.axvline(1, color=INK, linewidth=0.8)
        figures.style(axes, f"n = {cell[0]}, guidance {cell[1]:g}, λ = {cell[2]:g}", "multiple of the baseline's", "")
        axes.title.set_fontsize(8.5)
        axes.set_yticks(range(len(measures)), [heading(name) for name in measures])
        axes.set_ylim(len(measures) - 0.5, -0.5)
    _legend(figure)
    return figure, COMPONENTS


def _shown(name: str) -> bool:
    return name.replace("_features", "").replace("_kinetic", "") in SHOWN


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Limits that show every value; an interval of few seeds may run off the side."""
    return min([*values, 0.7]) / 1.4, max([*values, 1.4]) * 1.4


def _bars(axes: Any, rows: Sequence[Mapping], measures: Sequence[str], shift: float, count: int) -> None:
    if not rows:
        return
    arm = rows[0]["arm"]
    place = [measures.index(row["measure"]) + 0.8 * shift for row in rows]
    value, low, high = np.array([spread_of(row, "multiple") for row in rows]).T
    low, high = np.where(np.isfinite(low), low, value), np.where(np.isfinite(high), high, value)
    axes.barh(place, value - 1, 0.7 / count, left=1, color=figures.colours([arm])[arm], label=arm.replace("_", " "),
              xerr=[value - low, high - value], error_kw={"ecolor": INK, "elinewidth": 0.8})  # fmt: skip


def prices(rows: Sequence[Mapping], clock: str = cost.CLOCK) -> tuple[Any, str]:
    """What a generation costs, by part: a bar a cell and arm but the baseline; with its caption."""
    found = [row for row in cost.prices(rows, clock) if row["arm"] != "baseline"]
    names = [f"n = {row['n']}, guidance {row['guidance']:g}, λ = {row['lam']:g}: {row['arm']}" for row in found]
    figure = figures.blank(7.5, 1.0 + 0.22 * len(found))
    axes = figure.subplots()
    left = np.zeros(len(found))
    for part, colour in COLOURS.items():
        width = np.array([row[part] for row in found])
        axes.barh(range(len(found)), width, 0.75, left=left, color=colour, label=part)
        left = left + width
    axes.set_yticks(range(len(found)), [name.replace("_", " ") for name in names])
    axes.set_ylim(len(found) - 0.5, -0.5)
    figures.style(axes, "Price of a generation", "core-seconds" if clock == cost.CLOCK else "seconds", "")
    axes.grid(visible=False)
    _legend(figure)
    return figure, PRICES


def _legend(figure: Any) -> None:
    handles = {text: line for one in figure.axes for line, text in zip(*one.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower left", ncols=5, frameon=False, fontsize=8,
                  labelcolor=INK)  # fmt: skip
