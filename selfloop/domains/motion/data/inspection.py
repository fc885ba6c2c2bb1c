"""What is understood of a set of motion capture, file by file, before anything is trained on it."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.data import datasets, joint_names, kin, labels, reading, splits
from selfloop.domains.motion.data.clip import Clip

MOST_SHOWN = 8
"""Clips on the contact sheet."""
COMPARED = 3000
"""Clips of a set that are compared with one another in search of mirror images and copies, at most."""
SMALL = 100
"""Clips under which a set is not split into roles; as `setup.SMALL`."""


class Inspection(NamedTuple):
    """What was found in a set."""

    source: Path
    kinds: dict[str, int]
    """Files by what they were understood as: skeleton, up axis, unit, leans, frames a second."""
    seconds: list[float]
    labels: Counter[str]
    styles: Counter[str]
    roles: Counter[str]
    sentences: int
    """Clips that somebody wrote sentences about."""
    kin: list[str]
    """Clips that are another one's mirror image, copy or partner, as sentences."""
    faults: dict[str, str]
    """Why files are left out."""
    joints: tuple[str, ...]
    """Joints of the first unknown skeleton."""
    shown: list[Clip]
    """One clip of each of the first labels, for the contact sheet."""


def inspect(path: Path | str | None, skeleton: Path | None = None) -> Inspection:
    """Read a set as a run would (`datasets.load`), and say what was understood; nothing is kept.

    Raises:
        DataError: if there is no such set, or its archive or the map of joints cannot be read.
    """
    source, given = datasets.find(path), None if skeleton is None else joint_names.read_map(skeleton)
    kinds, faults, texts, names, compared, shown = Counter(), {}, set(), {}, [], {}
    seconds, joints = [], ()
    for item in reading.items(source, given):
        if item.fault:
            faults[item.member] = item.fault
            joints = joints or item.joints
        if item.texts:
            texts.add(Path(item.member).stem)
        if item.clips:
            kinds[_kind(item)] += 1
        for clip in item.clips:
            names[clip.name] = clip.origin, clip.label, clip.style
            seconds.append(clip.seconds)
            if len(shown) < MOST_SHOWN:
                shown.setdefault(clip.label, clip)
            if len(names) <= COMPARED:
                compared.append(clip)
    found = {clip.name: clip.origin for clip in kin.related(compared) if clip.origin}
    relatives = found | {name: labels_of[0] for name, labels_of in names.items() if labels_of[0]}
    relatives |= {
        name: splits.original(name)
        for name in names
        if splits.original(name) in names and splits.original(name) != name
    }
    roles = Counter(splits.role(relatives.get(name, name)) for name in names) if len(names) >= SMALL else Counter()
    related = [f"{name} shares the role of {of}" for name, of in sorted(relatives.items())]
    return Inspection(
        source, dict(kinds), seconds, Counter(one[1] for one in names.values()),
        Counter(one[2] for one in names.values() if one[2]), roles, len(texts & names.keys()), related,
        faults, joints, list(shown.values()),
    )  # fmt: skip


def _kind(item: reading.Item) -> str:
    rate = f"{item.fps:.4g} fps" if abs(item.fps - 20) < 0.01 else f"{item.fps:.4g} fps, resampled to 20"
    if item.about is None:
        return f"{item.clips[0].source} (its format fixes skeleton, axes and unit); {rate}"
    about = item.about
    people = f"; {len(item.clips)} people" if len(item.clips) > 1 else ""
    return f"{about.skeleton}; up {about.up}; unit {about.unit}; leans from {about.rest}; {rate}{people}"


def text(found: Inspection) -> str:
    """What a reader is told, in lines."""
    total, clips = sum(found.kinds.values()), len(found.seconds)
    lines = [f"{found.source}: {total} motion files, {clips} clips, {sum(found.seconds):.1f} s"]
    lines += [
        f"  read as    {count} x {kind}" for kind, count in sorted(found.kinds.items(), key=lambda pair: -pair[1])
    ]
    if clips:
        low, middle, high = np.percentile(found.seconds, [0, 50, 100])
        lines.append(f"  length     {low:.1f} to {high:.1f} s, median {middle:.1f}")
        lines.append(f"  labels     {_counted(found.labels)}")
        lines += [f"  styles     {_counted(found.styles)}"] if found.styles else []
        template = labels.caption(found.shown[0].label, found.shown[0].style)
        lines.append(f"  captions   {found.sentences} clips have sentences of their own; else such as {template!r}")
        split = (
            ", ".join(f"{role} {found.roles[role]}" for role in splits.SHARES)
            if found.roles
            else f"not split: under {SMALL} clips"
        )
        lines.append(f"  roles      {split}")
    lines += (
        [f"  kin        {len(found.kin)}: {'; '.join(found.kin[:3])}" + ("; ..." if len(found.kin) > 3 else "")]
        if found.kin
        else []
    )
    lines.append(f"  left out   {len(found.faults)} files" + (":" if found.faults else ""))
    lines += [f"    {fault if name in fault else f'{name}: {fault}'}" for name, fault in found.faults.items()]
    return "\n".join([*lines, *([joint_names.template(found.joints)] if found.joints else [])])


def _counted(counts: Counter, most: int = 12) -> str:
    named = ", ".join(f"{name} {count}" for name, count in counts.most_common(most))
    return named + (f", and {len(counts) - most} more" if len(counts) > most else "")
