"""The figures of a grid's course: measures, distances of twins and effective gammas over the generations, cell by cell.

A column a cell (n, guidance, lambda), a row a measure, a colour an arm: the same in every figure.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from selfloop.analysis.components import Cell, arms, cells, of, own, there
from selfloop.analysis.results import Findings
from selfloop.report import figures
from selfloop.report.bars import components, prices
from selfloop.report.figures import INK
from selfloop.report.rates import contraction
from selfloop.runs.record import number
from selfloop.wording import heading

LAWS = ("fid_features", "fid_features_mean", "fid_features_covariance", "modes_effective", "coverage",
        "within_features", "label_accuracy")  # fmt: skip
ARTEFACTS = ("penetration_mm", "float_mm", "skate_mm_per_frame", "jerk")
SPREAD = "Line: mean over seeds. Band: from the smallest to the largest seed. Dashed: real windows of the loop's clips."


def draw(findings: Findings) -> dict[str, tuple[Any, str]]:
    """Every figure that the findings allow, with its caption, by the name of its file."""
    made = {
        "laws": (curves(findings, LAWS), f"What the loop makes of the law of its samples. {SPREAD}"),
        "artefacts": (curves(findings, ARTEFACTS), f"What it makes of their physics. {SPREAD}"),
        "components": components(findings.rows),
        "prices": prices(findings.rows),
    }
    if findings.distances:
        made["distances"] = distances(findings), DISTANCES
        made["contraction"] = contraction(findings.rates, findings.gammas)
        made["contraction_paired"] = contraction(findings.rates, findings.gammas, "paired")
    if findings.gammas:
        made["gammas"] = gammas(findings), GAMMAS
    return made


DISTANCES = (
    "Distance of each lane to its twin, which starts from another seed's generation 0 and has the same random numbers: "
    "root of MMD^2 of the laws of features, geometric mean over seeds. Straight lines contract at a constant rate."
)
GAMMAS = "Effective gamma on the loop's own samples, 95 % intervals; absent where the audit refuses; at the top: more."
TOP = 5.0
"""Largest gamma that is drawn in place."""


def title(cell: Cell) -> str:
    """A cell in words."""
    return f"n = {cell[0]}, guidance {cell[1]:g}, λ = {cell[2]:g}"


def curves(findings: Findings, measures: Sequence[str]) -> Any:
    """Measures over the generations."""
    rows = own(findings.rows)
    measures = [one for one in there(rows, measures) if any(one in row for row in rows)]

    def panel(axes: Any, cell: Cell, measure: str) -> None:
        for arm in arms(rows, cell):
            at, mean, low, high = figures.series(of(rows, cell, arm), measure, arm)
            colour = figures.colours([arm])[arm]
            axes.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(at, mean, color=colour, linewidth=1.5, label=arm.replace("_", " "))
        floor = number(findings.floors.get(str(cell[0]), {}).get(measure))
        if math.isfinite(floor):
            axes.axhline(floor, color=INK, linewidth=1, dashes=(4, 3), label="real")

    return _panels(cells(rows), measures, panel, heading, "generation")


def distances(findings: Findings) -> Any:
    """Distances of twins, on logarithmic axes."""

    def panel(axes: Any, cell: Cell, name: str) -> None:
        for arm in arms(findings.distances, cell):
            pairs = [row for row in findings.distances if row["distance"] == name and _shown(row, cell, arm)]
            at = sorted(set.intersection(*(set(map(int, row["generation"])) for row in pairs))) if pairs else []
            values = np.array(
                [[dict(zip(row["generation"], row["value"], strict=True))[t] for t in at] for row in pairs]
            )
            with np.errstate(divide="ignore"):
                mean = np.exp(np.log(values).mean(0)) if at else []
            axes.plot(at, mean, color=figures.colours([arm])[arm], linewidth=1.5, label=arm.replace("_", " "))
        axes.set_yscale("log")

    labels = {"mmd": "distance of laws (MMD)", "paired": "rms distance of pairs"}
    return _panels(cells(findings.distances), list(labels), panel, labels.get, "generation")


def gammas(findings: Findings) -> Any:
    """Effective gammas over the generations, a row a space."""
    rows = findings.gammas

    def panel(axes: Any, cell: Cell, space: str) -> None:
        there = [row for row in rows if row["space"] == space and _in(row, cell) and not math.isnan(row["gamma"])]
        names = list(dict.fromkeys(row["arm"] for row in rows))
        for i, arm in enumerate(names):
            mine = [row for row in there if row["arm"] == arm]
            at = [row["generation"] + (i - (len(names) - 1) / 2) for row in mine]
            value, low, high = (np.clip([row[end] for row in mine], -1, TOP) for end in ("gamma", "low", "high"))
            axes.errorbar(at, value, [value - low, high - value], fmt="o", markersize=3, linewidth=1.1,
                          color=figures.colours([arm])[arm], label=arm.replace("_", " "))  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.8)

    spaces = list(dict.fromkeys(row["space"] for row in rows))
    return _panels(cells(rows), spaces, panel, lambda space: f"γ, {space}", "generation")


def _shown(row: dict, cell: Cell, arm: str) -> bool:
    """Whether a row is of the arm and stands in this cell; the baseline's do in every one of their n and guidance."""
    same = (row["n"], row["guidance"]) == cell[:2]
    return same and row["arm"] == arm and (arm == "baseline" or row["lam"] == cell[2])


def _in(row: dict, cell: Cell) -> bool:
    return (row["n"], row["guidance"], row["lam"]) == cell


def _panels(
    columns: Sequence[Cell], rows: Sequence[str], panel: Callable[..., None], label: Callable[[str], str], x: str
) -> Any:
    """A panel for every column (cell) and row, the vertical axis shared along a row; one legend for all."""
    figure = figures.blank(2.2 + 1.75 * len(columns), 0.7 + 1.55 * len(rows))
    axes = figure.subplots(len(rows), len(columns), squeeze=False, sharey="row", sharex=True)
    for i, row in enumerate(rows):
        for j, cell in enumerate(columns):
            one = axes[i, j]
            panel(one, cell, row)
            figures.style(
                one, title(cell) if i == 0 else "", x if i == len(rows) - 1 else "", label(row) if j == 0 else ""
            )
            one.title.set_fontsize(8.5)
    handles = {text: line for one in axes.flat for line, text in zip(*one.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles, loc="outside lower left", ncols=6, frameon=False, fontsize=8, labelcolor=INK
    )
    return figure
