"""The figures of the bench: two maps of correctors against corruptions, and effective gammas with their intervals."""

import math
from typing import Any

import numpy as np

from selfloop.domains.motion.bench.cases import MADE
from selfloop.domains.motion.bench.corruptions import CORRUPTIONS
from selfloop.domains.motion.bench.goals import Rows
from selfloop.domains.motion.correctors.table import CORRECTORS
from selfloop.report import figures

MAPS = {
    "map_contraction": "Contraction of the map: |C(x) - C(clean)| / |x - clean|. Blue contracts, red spreads.",
    "distance_ratio": "Distance to the clean motion, after / before. Blue repairs, red does harm.",
}
GAMMAS = "Effective gamma on held-out clips and on a generator's samples, 95 % intervals; an arrow goes on to infinity."
TOP = 4.0
"""Largest gamma that is drawn in place."""


def figures_of(rows: Rows) -> dict[str, tuple[Any, str]]:
    """Each figure that the rows allow, with its caption, by name."""
    held = [row for row in rows if row["split"] == "heldout"]
    drawn = {}
    for measure, caption in MAPS.items():
        if any(row["measure"] == measure for row in held):
            drawn[measure] = heat(held, measure), caption
    if any(row["measure"].startswith("effective_gamma") for row in held):
        drawn["effective_gamma"] = gammas(held), GAMMAS
    return drawn


def heat(rows: Rows, measure: str) -> Any:
    """A map of one measure whose neutral value is 1: correctors down, corruptions across, the number in each cell."""
    found = {(row["corrector"], row["corruption"]): row["value"] for row in rows if row["measure"] == measure}
    down = [name for name in CORRECTORS if any(name == key[0] for key in found)]
    across = [name for name in CORRUPTIONS if any(name == key[1] for key in found)]
    values = np.array([[found.get((one, other), math.nan) for other in across] for one in down])
    figure = figures.blank(2.2 + 0.62 * len(across), 1.4 + 0.34 * len(down))
    axes = figure.subplots()
    figures.style(axes, measure.replace("_", " "), "", "")
    shown = axes.imshow(np.clip(values, 0, 2), cmap="RdBu_r", vmin=0, vmax=2, aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(len(across)), [name.replace("_", " ") for name in across], rotation=40, ha="right")
    axes.set_yticks(range(len(down)), [name.replace("_", " ") for name in down])
    for (i, j), value in np.ndenumerate(values):
        if math.isfinite(value):
            ink = "#ffffff" if abs(min(value, 2) - 1) > 0.65 else "#22262b"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7.5, color=ink)
    bar = figure.colorbar(shown, ax=axes, pad=0.01, extend="max")
    bar.ax.tick_params(colors=figures.INK, labelsize=8, length=0)
    bar.outline.set_visible(False)
    return figure


def gammas(rows: Rows) -> Any:
    """Effective gammas of every corrector by corruption, a panel a space."""
    spaces = [
        one for one in ("artefacts", "features") if any(row["measure"] == f"effective_gamma_{one}" for row in rows)
    ]
    figure = figures.blank(9.0, 0.6 + 2.7 * len(spaces))
    panels = figure.subplots(len(spaces), 1, squeeze=False)[:, 0]
    for axes, space in zip(panels, spaces, strict=True):
        _gammas(axes, [row for row in rows if row["measure"] == f"effective_gamma_{space}"], space)
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside lower left", ncols=5, frameon=False, fontsize=8)
    return figure


def _gammas(axes: Any, rows: Rows, space: str) -> None:
    correctors = [name for name in CORRECTORS if name != "identity" and any(row["corrector"] == name for row in rows)]
    across = [name for name in (*CORRUPTIONS, *MADE) if any(row["corruption"] == name for row in rows)]
    colour = figures.colours(correctors)
    for i, corrector in enumerate(correctors):
        own = [row for row in rows if row["corrector"] == corrector and math.isfinite(row["low"])]
        at = [across.index(row["corruption"]) + 0.7 * ((i + 0.5) / len(correctors) - 0.5) for row in own]
        value = np.clip([row["value"] for row in own], -1, TOP)
        low, high = np.clip([row["low"] for row in own], -1, TOP), np.clip([row["high"] for row in own], -1, TOP)
        label = corrector.replace("_", " ")
        axes.errorbar(at, value, [value - low, high - value], fmt="o", markersize=3, linewidth=1.2,
                      color=colour[corrector], label=label)  # fmt: skip
        endless = [place for place, row in zip(at, own, strict=True) if row["high"] > TOP]
        axes.plot(endless, [TOP] * len(endless), "^", markersize=4, color=colour[corrector])
    figures.style(axes, f"effective gamma, {space}", "", "")
    axes.axhline(0, color=figures.INK, linewidth=0.8)
    axes.set_xticks(range(len(across)), [name.replace("_", " ") for name in across], rotation=30, ha="right")
