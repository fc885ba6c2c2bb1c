"""Contact sheets: frames of a motion drawn side by side, for pages that do not move."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import INDEX, J
from selfloop.domains.motion.player import EDGES, SIDES
from selfloop.drawing import INK, SMALL, blank

_CROWN = J
"""The first tip, top of the head."""
_PITCH = 0.95
"""Distance between figures on the sheet (m)."""
_BELOW, _ABOVE = 0.36, 1.85
_HEIGHT = _BELOW + _ABOVE
_SCALE = 0.9
"""Inches a metre."""


def contact_sheet(
    motions: Mapping[str, Any],
    frames: int = 8,
    fps: float = FPS,
    colours: Mapping[str, str] | None = None,
    turn: float = -60.0,
    tilt: float = 10.0,
) -> Any:
    """A row of stick figures a motion, evenly spaced in time, seen from one side, on the floor line; left limbs thin.

    Args:
        motions: a name and its points [T, P, 3] (m; T may differ; P is 15 joints, or 20 from `player.points`).
        frames: figures a row.
        fps: frames a second, for the times below.
        colours: of the rows, by name; text colour otherwise.
        turn: the camera's direction (degrees about z; 0 looks at the face, -90 at the right side).
        tilt: the camera's height (degrees).

    Returns:
        A matplotlib figure.
    """
    figure = blank(_SCALE * _width(frames), (_SCALE * _HEIGHT + 0.25) * len(motions))
    rows = figure.subplots(len(motions), 1, squeeze=False)[:, 0]
    for axes, (name, points) in zip(rows, motions.items(), strict=True):
        points = np.asarray(points, np.float64)
        chosen = np.unique(np.linspace(0, len(points) - 1, frames).round().astype(int))
        for place, frame in enumerate(chosen):
            _figure(axes, seen(points[frame], turn, tilt) + [place * _PITCH, 0.0], (colours or {}).get(name, INK))
            time = f"{frame / fps:.2f} s"
            axes.text(place * _PITCH, -0.16, time, ha="center", va="top", fontsize=SMALL, color=INK)
        _stage(axes, name, frames)
    return figure


def seen(points: np.ndarray, turn: float, tilt: float) -> np.ndarray:
    """Points [P, 3] on the sheet [P, 2], the pelvis over its own place, the floor under the pelvis at height 0."""
    a, e = np.radians([turn, tilt])
    flat = points - [*points[0, :2], 0.0]
    right = flat @ [-np.sin(a), np.cos(a), 0.0]
    up = flat @ [-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e)]
    return np.stack([right, up], -1)


def _width(frames: int) -> float:
    return (frames - 1) * _PITCH + 1.3


def _figure(axes: Any, points: np.ndarray, colour: str) -> None:
    from matplotlib.patches import Circle

    for (a, b), side in zip(EDGES, SIDES, strict=True):
        if b < len(points):
            width = 3.2 if side == "" else 1.2 if side == "left" else 2.2  # thin, not pale, which could not be seen
            end = points[a] + (0.6 if b == _CROWN else 1.0) * (points[b] - points[a])
            axes.plot(*np.stack([points[a], end]).T, color=colour, linewidth=width, solid_capstyle="round")
    if len(points) > _CROWN:
        neck, crown = points[INDEX["neck"]], points[_CROWN]
        axes.add_patch(Circle(0.4 * neck + 0.6 * crown, 0.1, color=colour, linewidth=0, zorder=3))


def _stage(axes: Any, name: str, frames: int) -> None:
    axes.axhline(0.0, color=INK, alpha=0.25, linewidth=1, zorder=0)
    axes.set(xlim=(-0.65, _width(frames) - 0.65), ylim=(-_BELOW, _ABOVE), aspect="equal")
    axes.set_title(name.replace("_", " ").replace("$", r"\$"), loc="left", fontsize=SMALL, color=INK, pad=0)
    axes.axis("off")
