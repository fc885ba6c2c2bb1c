"""The picture of `phase_diagram`: measured rates as colours, certificates as lines."""

from typing import Any

import numpy as np

from selfloop.report import figures
from selfloop.stability import rates

CAPTION = (
    "Colour: measured rate, below 1 everywhere. Lines: the largest lambda (smallest gamma) that a theorem certifies, "
    "by the model error eta = eps L / alpha. The data run here are of the model (eta = 0): there the Ferbach-type "
    "theorem certifies every cell and has no line; the dashed lines say what an eta of 1 would leave. The same loop "
    "can have either eta, according to the coordinates it is written in; its rate is the same."
)
LINES = {"Gillman": "#ffffff", "Ferbach-type": "#ffb000"}


def draw(results: list[tuple[Any, Any]], gamma: float, lam: float, eta: float) -> Any:
    """A panel a plane, one scale of colours."""
    figure = figures.blank(12.5, 4.6)
    panels = figure.subplots(1, len(results))
    top = max(found.rate.max() for _, found in results)
    fixed = {"lambda, n": f"gamma = {gamma:g}", "gamma, d": f"lambda = {lam:g}"}
    for axes, (plane, found) in zip(panels, results, strict=True):
        y = np.arange(len(plane.y)) if plane.y_name == "d" else np.asarray(plane.y, float)
        shown = axes.pcolormesh(
            plane.x, y, found.rate, vmin=0, vmax=top, cmap="viridis", shading="nearest", rasterized=True
        )
        _dress(axes, plane, fixed.get(plane.name, ""))
        _certificates(axes, plane, gamma, lam, eta)
    bar = figure.colorbar(shown, ax=panels, shrink=0.85, pad=0.01)
    bar.set_label("measured rate", fontsize=8.5, color=figures.INK)
    bar.ax.tick_params(colors=figures.INK, labelsize=8, length=0)
    bar.outline.set_visible(False)
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    legend = figure.legend(
        handles.values(), handles, loc="outside lower left", ncols=4, fontsize=8, labelcolor="#ffffff", framealpha=1
    )
    legend.get_frame().set(facecolor="#31688e", edgecolor="none")
    return figure


def _certificates(axes: Any, plane: Any, gamma: float, lam: float, eta: float) -> None:
    """The frontiers in this plane: a curve where gamma is an axis with lambda, else a vertical line."""
    limits = axes.get_xlim(), axes.get_ylim()
    for value, dashes in ((0.0, "solid"), (eta, "dashed")):
        for name, colour in LINES.items():
            x, height = _frontier(plane, name, value, gamma, lam, limits[1])
            if ((x > min(plane.x)) & (x < max(plane.x))).any():
                label = f"{name}, eta = {value:g}"
                axes.plot(x, height, color=colour, linestyle=dashes, linewidth=2, label=label)
    axes.set(xlim=limits[0], ylim=limits[1])


def _frontier(
    plane: Any, name: str, eta: float, gamma: float, lam: float, span: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Where the theorem's factor is 1: places on the plane's two axes."""
    safe = {"Gillman": rates.safe_lambda_gillman, "Ferbach-type": rates.safe_lambda_ferbach}[name]
    least = {"Gillman": rates.gamma_for_gillman, "Ferbach-type": rates.gamma_for_ferbach}[name]
    if plane.y_name == "gamma":
        height = np.linspace(plane.y[0], plane.y[-1], 200)
        return np.asarray(safe(height, eta)), height
    at = float(safe(gamma, eta)) if plane.x_name == "lambda" else float(least(1.0, lam, eta))
    return np.full(2, at), np.asarray(span)


def _dress(axes: Any, plane: Any, fixed: str) -> None:
    axes.set_title(f"({plane.name})" + (f" at {fixed}" if fixed else ""), loc="left", fontsize=10, color=figures.INK)
    axes.set_xlabel(plane.x_name, fontsize=8.5, color=figures.INK)
    axes.set_ylabel(plane.y_name, fontsize=8.5, color=figures.INK)
    if plane.y_name == "n":
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    if plane.y_name == "d":
        axes.set_yticks(range(len(plane.y)), [str(d) for d in plane.y])
    axes.tick_params(colors=figures.INK, labelsize=8, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
