"""Stick drawings of conformers, some over each other in the molecule's own frame, by arm and generation.

What collapses is seen: sticks that lie on one another. Letters: S conformers, A atoms.
"""

from pathlib import Path
from typing import Any

import numpy as np

from selfloop.domains.molecules import sets
from selfloop.domains.molecules.forcefield import Parameters
from selfloop.drawing import INK, SMALL, blank, text
from selfloop.engine import folder
from selfloop.engine.folder import Held
from selfloop.errors import SelfloopError
from selfloop.runs import record

SHOWN, SIDE = 6, 1.5
"""Conformers of a drawing, and its side in inches."""
COLOURS = {7: "#2f81c7", 8: "#d1495b", 16: "#a87900"}
"""Of bonds that end in nitrogen, oxygen or sulphur, by atomic number; others take the text's."""
ABOUT = (
    f"The first {SHOWN} conformers of one seed over each other, without hydrogens, the middle of the molecule laid on "
    "itself, seen along one axis: blue ends in nitrogen, red in oxygen. Sticks that lie on one another have lost their "
    "spread."
)


def sheet(out: Path, held: list[Held]) -> Any | None:
    """A row an arm, a column a generation whose samples were kept; None where there are none, or no data to read."""
    try:
        field = sets.load(record.read_json(out / "config.json")["data"]).field
    except SelfloopError:
        return None
    kept = {one.arm: {t: folder.samples(one, t).get("x") for t in folder.generations(one.folder)} for one in held}
    shown = sorted({t for found in kept.values() for t, x in found.items() if x is not None})
    if not shown:
        return None
    figure = blank(SIDE * len(shown) + 1, SIDE * len(held) + 0.3)
    axes = figure.subplots(len(held), len(shown), squeeze=False)
    for row, one in zip(axes, held, strict=True):
        row[0].set_ylabel(text(one.arm), fontsize=SMALL, color=INK)
        for place, t in zip(row, shown, strict=True):
            x = kept[one.arm].get(t)
            draw(place, field, np.empty((0, field.atoms, 3)) if x is None else x[:SHOWN])
    for place, t in zip(axes[0], shown, strict=True):
        place.set_title(f"generation {t}", fontsize=SMALL, color=INK)
    return figure


def draw(axes: Any, field: Parameters, x: np.ndarray) -> None:
    """Conformers [S, A, 3] in one panel."""
    heavy = np.array(field.elements) > 1
    for i, j in field.bonds[:, :2].astype(int):
        if heavy[i] and heavy[j]:
            colour = COLOURS.get(max(field.elements[i], field.elements[j]), INK)
            axes.plot(x[:, [i, j], 0].T, x[:, [i, j], 1].T, color=colour, linewidth=1, alpha=0.6)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.patch.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
