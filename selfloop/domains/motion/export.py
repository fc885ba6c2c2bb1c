"""Motions of a run as files that other programs open: BVH for animation tools, GIF for slides and messages.

Of every arm's first chain the samples that the report plays, at the last generation, as they are trained on.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from selfloop.domains.motion import scenes
from selfloop.domains.motion.contact_sheet import seen
from selfloop.domains.motion.data import features, skeleton
from selfloop.domains.motion.data.formats import bvh as format_bvh
from selfloop.domains.motion.player import EDGES
from selfloop.drawing import colours
from selfloop.engine import folder
from selfloop.runs import files

SIZE, SCALE = 220, 95
"""Pixels of a figure's place, and a metre."""


def bvh(out: Path, to: Path) -> list[Path]:
    """One BVH file a motion: ARM_generationT_sampleI.bvh."""
    found = []
    for arm, t, x, length in _last(out):
        for i in range(len(x)):
            path = to / f"{arm}_generation{t}_sample{i}.bvh"
            path.parent.mkdir(parents=True, exist_ok=True)
            motion = features.decode(jnp.asarray(x[i][: length[i]]))
            format_bvh.write(path, skeleton.Motion(*map(np.asarray, motion)))
            found.append(path)
    return found


def gif(out: Path, to: Path) -> list[Path]:
    """One GIF an arm: its motions side by side, in time."""
    held = folder.first_chains(out)
    palette, found = colours([chain.arm for chain in held]), []
    shown = scenes.scenes(out, held)
    for arm in dict.fromkeys(scene["arm"] for scene in shown):
        last = max(scene["generation"] for scene in shown if scene["arm"] == arm)
        own = [scene for scene in shown if (scene["arm"], scene["generation"]) == (arm, last)]
        motions = [scene["raw" if scene["corrected"] is None else "corrected"][: scene["length"]] for scene in own]
        path = to / f"{arm}_generation{last}.gif"
        files.replace(path, _animated(motions, palette[arm]))
        found.append(path)
    return found


EXPORTS: Mapping[str, Callable[[Path, Path], list[Path]]] = {"bvh": bvh, "gif": gif}
"""``export(out, to) -> paths`` by the name of its format."""


def _last(out: Path) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Arm, last generation with kept samples, these samples [S, T, D] and their lengths [S]."""
    arms = folder.about(out)["arms"]
    for chain in folder.first_chains(out):
        kept = [(t, arrays) for t in folder.generations(chain.folder) if "x" in (arrays := folder.samples(chain, t))]
        if kept:
            t, arrays = kept[-1]
            name = "corrected/x" if arms[chain.arm]["corrects"] and "corrected/x" in arrays else "x"
            length = files.read_arrays(folder.data_folder(out, chain.n) / "conditions.npz")["length"]
            yield chain.arm, t, arrays[name], length


def _animated(motions: list[np.ndarray], colour: str) -> bytes:
    """A GIF of motions [T, P, 3] (m) that starts again at its end."""
    frames = max(map(len, motions))
    pictures = [_picture([motion[min(t, len(motion) - 1)] for motion in motions], colour) for t in range(frames)]
    held = io.BytesIO()
    pictures[0].save(held, "GIF", save_all=True, append_images=pictures[1:], duration=1000 / features.FPS, loop=0)
    return held.getvalue()


def _picture(poses: list[np.ndarray], colour: str):  # noqa: ANN202 (Pillow is imported only when it is needed)
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (SIZE * len(poses), SIZE), "white")
    pen = ImageDraw.Draw(picture)
    pen.line([(0, SIZE - 25), (picture.width, SIZE - 25)], fill="#b9bdc2")
    for i, pose in enumerate(poses):
        flat = seen(np.asarray(pose, np.float64), -60.0, 10.0)
        place = np.stack([SIZE * (i + 0.5) + SCALE * flat[:, 0], SIZE - 25 - SCALE * flat[:, 1]], -1)
        for a, b in EDGES:
            if b < len(place) and np.isfinite(place[[a, b]]).all():
                pen.line([tuple(place[a]), tuple(place[b])], fill=colour, width=4)
    return picture
