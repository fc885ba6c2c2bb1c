"""Samples as points: real ones and those of every arm's last generation, in the plane of most real variance.

For any domain; the plane is spanned by the two first principal axes of the real data in the primary space.
"""

from pathlib import Path
from typing import Any

import numpy as np

from selfloop.engine import folder
from selfloop.engine.domain import primary
from selfloop.errors import DataError
from selfloop.report import figures
from selfloop.report.figures import INK

MOST = 400
"""Points of a panel."""


def scatter(out: Path) -> Any:
    """A panel an arm: its samples of the first seed at the last generation, over real data.

    Raises:
        DataError: the run keeps no samples.
    """
    about = folder.about(out)
    held = folder.first_chains(out, about["arms"])
    if not held:
        raise DataError(f"{out} keeps no samples; let the run finish")
    points = folder.named(folder.real(out, held[0].n), "space")
    space = primary(about["spaces"], points)
    real = np.asarray(points[space], np.float64)
    axes_of = _plane(real)
    figure = figures.blank(2.9 * min(len(held), 3), 2.9 * -(-len(held) // 3))
    panels = figure.subplots(-(-len(held) // 3), min(len(held), 3), squeeze=False, sharex=True, sharey=True).flat
    palette = figures.colours([one.arm for one in held])
    for axes, one in zip(panels, held, strict=False):
        trace = folder.trace(one, f"space/{space}")
        last = max(trace)
        for cloud, colour, label in ((real, INK, "real"), (trace[last], palette[one.arm], one.arm)):
            flat = (np.asarray(cloud, np.float64)[:MOST] - real.mean(0)) @ axes_of
            axes.scatter(*flat.T, s=9, color=colour, alpha=0.5 if label == "real" else 0.9, linewidth=0,
                         label=figures.text(label))  # fmt: skip
        figures.style(axes, f"{figures.text(one.arm)}, generation {last}", "")
    for axes in list(panels)[len(held) :]:
        axes.set_visible(False)
    figures.legend(figure, 4)
    return figure


def _plane(points: np.ndarray) -> np.ndarray:
    """The two first principal axes [F, 2]; a line is set upon a second axis of nothing."""
    axes = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][:2].T
    return np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
