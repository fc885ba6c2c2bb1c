"""``selfloop motion inspect``: what is understood of a set of motion capture, before anything is trained on it."""

import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from selfloop.domains.motion.contact_sheet import contact_sheet
from selfloop.domains.motion.data import inspection, quaternion
from selfloop.domains.motion.data.clip import Clip, forward
from selfloop.domains.motion.data.skeleton import INDEX, TIPS
from selfloop.report.figures import save


def inspect(
    path: tyro.conf.Positional[str],
    *,
    skeleton: Path | None = None,
    out: Path | None = None,
    strict: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """What is understood of a set of motion capture: skeletons, axes, units, lengths, labels, roles, and bad files.

    Nothing is trained or kept. A contact sheet shows one clip of each label as the model will see it: look whether
    people stand on the floor, upright, and do what their label says. The exit code is 1 where no clip is left.

    Args:
        path: A folder, a .zip, a .tar.xz or a motion file; or a named set (deepmimic, bandai-namco-256, bandai-namco).
        skeleton: A file map.toml that names the joints of an unknown skeleton.
        out: The contact sheet, a .png; by default NAME-inspected.png in the current folder.
        strict: Exit with 1 where any file is left out.
    """
    found = inspection.inspect(path, skeleton)
    print(inspection.text(found))
    if found.shown:
        place = out or Path(f"{found.source.name.split('.')[0] or 'set'}-inspected.png")
        save(place, contact_sheet({f"{clip.label}: {clip.name}": points(clip) for clip in found.shown}))
        print(f"  sheet      {place}")
    return int(not found.seconds or (strict and bool(found.faults)))


def points(clip: Clip) -> np.ndarray:
    """Places [T, 20, 3] (m) of joints, crown, fingertips and toe tips: `player.points` without a compilation a clip."""
    places, world = forward(clip.root, clip.rotations)
    at = [INDEX[joint] for joint in TIPS]
    tips = places[:, at] + quaternion.rotate(world[:, at], np.array(list(TIPS.values()), np.float32))
    return np.concatenate([places, tips], 1)


if __name__ == "__main__":
    from selfloop.cli.guard import guarded

    sys.exit(guarded(lambda: tyro.cli(inspect)))
