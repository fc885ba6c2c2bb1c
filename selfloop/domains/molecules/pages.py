"""What a reader looks at: Ramachandran maps and conformers by arm and generation, and gamma by physics time."""

import base64
import html
from io import BytesIO
from pathlib import Path

import numpy as np

from selfloop.domains.molecules import sticks, strengths
from selfloop.engine import folder
from selfloop.engine.folder import Held

SPACE = "space/torsions"
CELLS, SCALE = 36, 3
"""Of a map, a side; pixels of a cell."""
MOST = 6
"""Generations of a row."""
ABOUT = (
    "Where the first two free torsions are (of alanine dipeptide phi to the right, psi upwards, -180 to 180 degrees): "
    "the darker, the more conformers; shades are square roots. All rows share one seed and its random numbers."
)


def sections(out: Path) -> list[tuple[str, str]]:
    """The page's sections."""
    from selfloop.report.page import readable

    held = folder.first_chains(out)
    if not held:
        return []
    found = [("Ramachandran maps", f"<p>{ABOUT}</p>" + maps(out, held))]
    drawn = sticks.sheet(out, held)
    found += [("Conformers", f"<p>{sticks.ABOUT}</p>" + readable(drawn))] if drawn else []
    if rows := strengths.points(out):
        found.append(("Strength by physics time", f"<p>{strengths.ABOUT}</p>" + readable(strengths.figure(rows))))
    return found


def maps(out: Path, held: list[Held]) -> str:
    """A table of maps, a row an arm, a column a generation."""
    real = picture(folder.real(out, held[0].n)[SPACE])
    every = sorted({t for one in held for t in folder.generations(one.folder)})
    shown = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, MOST).round().astype(int))]
    head = "".join(f"<th>{t}</th>" for t in shown)
    rows = [f"<tr><th>generation</th>{head}</tr>", f"<tr><th>real</th><td>{real}</td></tr>"]
    for one in held:
        found = folder.trace(one, SPACE)
        cells = "".join(f"<td>{picture(found[t]) if t in found else ''}</td>" for t in shown)
        rows.append(f"<tr><th>{html.escape(one.arm)}</th>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def density(points: np.ndarray) -> np.ndarray:
    """Shares [CELLS, CELLS] of torsions' points [N, 2 K] (cosines, then sines), the second torsion upwards."""
    count = points.shape[1] // 2
    angle = np.arctan2(points[:, count:], points[:, :count])
    one, two = angle[:, 0], angle[:, min(1, count - 1)]
    found, _, _ = np.histogram2d(two, one, CELLS, [[-np.pi, np.pi]] * 2)
    return found[::-1] / max(found.sum(), 1)


def picture(points: np.ndarray) -> str:
    """The map of points as an image."""
    from matplotlib.image import imsave

    held, shade = BytesIO(), np.sqrt(density(points))
    imsave(held, np.kron(shade / max(shade.max(), 1e-9), np.ones((SCALE, SCALE))), cmap="Greys", format="png")
    text = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="Ramachandran map" src="data:image/png;base64,{text}">'
