"""Reading of a set file by file: every file's format found, its clips made canonical and held against `plausible`.

A file that cannot be read is an item with a fault, not the end of the set; what is no motion (readme, licence, other
encodings, other arrays) is no item at all.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from selfloop.domains.motion.data import archive, joint_names, labels, plausible, retarget
from selfloop.domains.motion.data.clip import Clip, canonical, resample
from selfloop.domains.motion.data.figure import Understood
from selfloop.domains.motion.data.formats import bvh, deepmimic, humanml3d
from selfloop.errors import DataError

PLAUSIBLE_FPS = (5.0, 1000.0)
"""Frame rates outside of these are taken for a wrong unit."""


class Item(NamedTuple):
    """What one file of a set holds."""

    member: str
    clips: tuple[Clip, ...] = ()
    """Canonical, at 20 fps; several where several people are in one take."""
    fault: str = ""
    """Why it was left out, in one line."""
    about: Understood | None = None
    """What was found out about a BVH file, a DeepMimic or HumanML3D file being fixed by its format."""
    fps: float = 0.0
    """Frames a second in the file."""
    texts: tuple[str, ...] = ()
    """Sentences about the clip that is called as this file is."""
    joints: tuple[str, ...] = ()
    """The joints of a skeleton that is not known."""


def items(path: Path, given: joint_names.Map | None = None) -> Iterator[Item]:
    """What the files of a folder or archive hold, one after the other, in the order in which they lie there.

    Raises:
        DataError: if the archive itself cannot be read, or is not safe to read.
    """
    for member, content in archive.members(path, lambda name: _reader(name) is not None):
        try:
            item = _reader(member)(content, member, given)
        except joint_names.UnknownSkeleton as error:
            item = Item(member, fault=str(error), joints=error.names)
        except DataError as error:
            item = Item(member, fault=str(error))
        if item is not None:
            yield item


def _reader(member: str) -> Callable[..., Item | None] | None:
    """What reads a member of that name: None if it is no motion; a reader returns None for a content that is none."""
    path = PurePosixPath(member)
    if path.name.startswith((".", "dog3d_", "laikago_")) or "__MACOSX" in path.parts:
        return None
    return {".bvh": _bvh, ".txt": _text, ".json": _text, ".npy": _humanml3d}.get(path.suffix.lower())


def _bvh(content: bytes, member: str, given: joint_names.Map | None) -> Item:
    name, (label, style) = PurePosixPath(member).stem, labels.of_file(PurePosixPath(member).stem)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # names of joints in an old code page
        text = content.decode("latin-1")
    parsed = bvh.parse(text, member)
    clips, about, unknown = [], None, None
    parts = bvh.people(parsed)
    for k, one in enumerate(parts):
        own = name if len(parts) == 1 else f"{name}_person{k + 1}"
        try:
            clip, understood = retarget.understood(one, own, label, given)
        except joint_names.UnknownSkeleton as error:  # a prop beside a person
            unknown = unknown or error
            continue
        about = about or understood
        clips.append(_finish(replace(clip, origin="" if own == name else name), style))
    if unknown is not None and not clips:
        raise unknown
    return Item(member, tuple(clips), about=about, fps=parsed.fps)


def _text(content: bytes, member: str, given: joint_names.Map | None) -> Item | None:
    path = PurePosixPath(member)
    ours = path.name.startswith("humanoid3d_")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        if ours:
            raise DataError(f"{member}: is not a text file") from None
        return None
    if ours or '"Frames"' in text:
        clip = deepmimic.read(text, labels.without_set(path.stem), labels.of_deepmimic(path.stem))
        plausible.check_floor(clip)
        return Item(member, (_finish(clip, ""),), fps=clip.fps)
    if path.suffix.lower() == ".txt":
        sentences = labels.texts(text, named="texts" in path.parts)
        if sentences:
            return Item(member, texts=sentences)
    return None


def _humanml3d(content: bytes, member: str, given: joint_names.Map | None) -> Item | None:
    clip = humanml3d.read(content, PurePosixPath(member).stem)
    if clip is None:
        return None
    plausible.check_floor(clip)
    return Item(member, (_finish(clip, ""),), fps=clip.fps)


def _finish(clip: Clip, style: str) -> Clip:
    low, high = PLAUSIBLE_FPS
    if not low <= clip.fps <= high:
        raise DataError(
            f"{clip.name}: {clip.fps:g} frames a second; {low:g} to {high:g} are plausible: wrong frame time?"
        )
    made = canonical(resample(replace(clip, style=style, caption=labels.caption(clip.label, style))))
    plausible.check(made)
    return made


def summary(faults: dict[str, str], most: int = 10) -> str:
    """Faults by file in one line: all files named up to ``most``, the first one's fault in full."""
    named = list(faults)[:most]
    more = f" and {len(faults) - most} more" if len(faults) > most else ""
    whole = "; ".join(faults[name] if name in faults[name] else f"{name}: {faults[name]}" for name in named)
    return whole + more


def warn(path: Path, faults: dict[str, str]) -> None:
    """One warning for all files of a set that were left out."""
    if faults:
        files = "1 file" if len(faults) == 1 else f"{len(faults)} files"
        warnings.warn(f"{path}: {files} left out (--strict refuses such a set): {summary(faults)}", stacklevel=3)
