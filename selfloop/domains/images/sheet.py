"""What a reader looks at: samples by arm and generation, of the same noise and labels; points as a map of density.

Beside them the papers' own estimator. Shapes: N samples, S shown, H rows, W columns, F features.
"""

import base64
import html
from io import BytesIO
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from selfloop.engine import folder
from selfloop.engine.folder import Held
from selfloop.metrics import moments, squared_frechet

SHOWN = "The same noise and labels in every generation and arm; below an arm that corrects, what becomes of them."
PAPERS_SAMPLES, SUBSETS = 100, 10
"""Samples behind the FID of Gillman et al., and how often so many are drawn here."""
EDGE, CELLS = 3.2, 48
"""Half side of the map of points, and its cells a side."""
MOST = 7
"""Generations on a sheet."""


def sections(out: Path) -> list[tuple[str, str]]:
    """The page's sections: the sheet of samples, and the papers' estimator where there are features for it."""
    held = folder.first_chains(out)
    if not held:
        return []
    found = [("Samples", f"<p>{SHOWN}</p>" + sheet(out, held))]
    rows = papers_fid(out)
    return [*found, ("The papers' estimator", _table(rows))] if rows else found


def sheet(out: Path, held: list[Held]) -> str:
    """A table of pictures, a row an arm (and its correction), a column a generation."""
    arms, rows = folder.about(out)["arms"], []
    kept = {t for one in held for t in folder.generations(one.folder) if _pictures(one, t, "x") is not None}
    shown = _some(sorted(kept))
    for one in held:
        for name, what in (("x", one.arm), ("corrected/x", f"{one.arm}, corrected")):
            if name == "x" or arms[one.arm]["corrects"]:
                rows.append((what, [_pictures(one, t, name) for t in shown]))
    head = "".join(f"<th>{t}</th>" for t in shown)
    body = "".join(
        f"<tr><th>{html.escape(what)}</th>" + "".join(f"<td>{_png(picture)}</td>" for picture in cells) + "</tr>"
        for what, cells in rows
    )
    return f"<table><tr><th>generation</th>{head}</tr>{body}</table>"


def papers_fid(out: Path) -> list[tuple[str, int, float, float, float]]:
    """Arm, generation, and FID of 100 samples in classifier features: mean and deviation over subsets; FID of all."""
    found, space = [], "space/classifier"
    for one in folder.first_chains(out):
        t = max(folder.generations(one.folder))
        points = folder.observed(one.folder, t, space)
        if points is None or len(points[one.index]) < PAPERS_SAMPLES or not np.isfinite(points[one.index]).all():
            continue
        own, fitted = points[one.index], moments(jnp.asarray(folder.real(out, one.n)[space]))
        random = np.random.default_rng(0)
        some = [random.choice(len(own), PAPERS_SAMPLES, replace=False) for _ in range(SUBSETS)]
        values = [float(squared_frechet(moments(jnp.asarray(own[rows])), fitted)) for rows in some]
        whole = float(squared_frechet(moments(jnp.asarray(own)), fitted))
        found.append((one.arm, t, float(np.mean(values)), float(np.std(values, ddof=1)), whole))
    return found


def _table(rows: list[tuple[str, int, float, float, float]]) -> str:
    text = (
        f"<p>FID of {PAPERS_SAMPLES} samples in classifier features, as Gillman et al. take it: mean and standard "
        f"deviation over {SUBSETS} subsets of one seed's samples; beside it that of all samples.</p>"
    )
    body = "".join(
        f"<tr><td>{html.escape(arm)}</td><td>{t}</td><td>{mean:.2f}</td><td>{spread:.2f}</td><td>{whole:.2f}</td></tr>"
        for arm, t, mean, spread, whole in rows
    )
    head = "".join(f"<th>{one}</th>" for one in ("arm", "generation", "FID of 100", "deviation", "FID of all"))
    return f"{text}<table><tr>{head}</tr>{body}</table>"


def _pictures(one: Held, t: int, name: str) -> np.ndarray | None:
    """Grey levels [H, W'] of a chain's samples side by side, or the density of its points; None where none are kept."""
    points = folder.observed(one.folder, t, "space/points")
    if points is not None:
        return _density(points[one.index]) if name == "x" else None
    x = folder.samples(one, t).get(name)
    return None if x is None else np.concatenate(list(np.clip(x, 0, 1)), axis=1)


def _density(points: np.ndarray) -> np.ndarray:
    """Points [N, 2] as a picture [CELLS, CELLS], second coordinate upwards."""
    count, _, _ = np.histogram2d(points[:, 1], points[:, 0], CELLS, [[-EDGE, EDGE], [-EDGE, EDGE]])
    return np.sqrt(count[::-1] / max(count.max(), 1))


def _png(picture: np.ndarray | None) -> str:
    if picture is None:
        return ""
    from matplotlib.image import imsave

    held, scale = BytesIO(), 2 if len(picture) < 28 else 1
    imsave(held, np.kron(np.nan_to_num(picture), np.ones((scale, scale))), cmap="gray", vmin=0, vmax=1, format="png")
    text = base64.b64encode(held.getvalue()).decode()
    return f'<img alt="samples" src="data:image/png;base64,{text}">'


def _some(generations: list[int]) -> list[int]:
    """At most `MOST` of them, evenly, the first and last among them."""
    if len(generations) <= MOST:
        return generations
    return [generations[i] for i in np.unique(np.linspace(0, len(generations) - 1, MOST).round().astype(int))]
