"""Sets of clips by path or by name, read piece by piece: bad files left out and named, texts and roles attached."""

import contextlib
import os
from dataclasses import replace
from pathlib import Path, PurePosixPath

from selfloop.domains.motion.data import cache, embedded, fetch, joint_names, kin, labels, reading
from selfloop.domains.motion.data.clip import Clip
from selfloop.errors import DataError

ARCHIVES = {
    "deepmimic": "deepmimic/deepmimic-humanoid3d.tar.xz",
    "bandai-namco-256": "bandai-namco/bandai-namco-motion-2-subset256.zip",
    "bandai-namco": "bandai-namco/bandai-namco-motion-2.zip",
}
"""Named sets, and where their archives lie in the folder that SELFLOOP_DATA names."""

WORTH_CACHING = 50
"""Sets of so many clips and more are kept in the user's cache folder as they are read."""
PIECE = 256
"""Clips that are held in memory before they go there."""


def load(path: Path | str | None = None, skeleton: Path | None = None, *, strict: bool = False) -> list[Clip]:
    """All clips of a set, sorted by name, at 20 fps, canonical; files that are no plausible motion are warned of once.

    Args:
        path: a folder, a ``.zip``, a ``.tar.xz`` or a single motion file; or the name of a known set (`ARCHIVES`),
            looked for in the folder SELFLOOP_DATA, then downloaded; or None for the clips that come with the package.
        skeleton: a file that names the joints of the set's BVH files (`joint_names.read_map`).
        strict: refuse a set with a bad file.

    Raises:
        DataError: if there is no such set, nothing in it is a motion, every file is bad, or ``strict`` and one is.
    """
    source = find(path)
    given = None if skeleton is None else joint_names.read_map(skeleton)
    kept = cache.place(source)
    state = cache.state(source, repr(given))
    held = cache.load(kept, state)
    clips, faults = _read(source, given, kept, state) if held is None else held
    if strict and faults:
        raise DataError(f"{source}: {len(faults)} bad file(s), and --strict: {reading.summary(faults)}")
    reading.warn(source, faults)
    return clips


def find(path: Path | str | None) -> Path:
    """Where a set lies. DataError where it is not there."""
    if path is None:
        return embedded.ARCHIVE
    found = _place(path)
    if not found.exists():
        raise DataError(f"{found} does not exist; give a folder, a .zip, a .tar.xz, or one of {', '.join(ARCHIVES)}")
    return found


def origin(path: Path | str | None) -> str:
    """Where a set is from, and its licence as far as it is known here; of one's own, its path."""
    if path is None:
        return embedded.NOTICE
    return str(path) if str(path) not in fetch.SOURCES or Path(path).exists() else fetch.SOURCES[str(path)].notice


def _place(path: Path | str) -> Path:
    if str(path) not in ARCHIVES or Path(path).exists():
        return Path(path)
    local = Path(os.environ.get("SELFLOOP_DATA", "")) / ARCHIVES[str(path)]
    if os.environ.get("SELFLOOP_DATA") and local.exists():
        return local
    return fetch.fetch(str(path))


def _read(path: Path, given: joint_names.Map | None, kept: Path, state: str) -> tuple[list[Clip], dict[str, str]]:
    """Clips and faults of a set; a large one goes to the cache in pieces, and comes back as views of it."""
    clips: dict[str, Clip] = {}
    faults: dict[str, str] = {}
    texts: dict[str, tuple[str, ...]] = {}
    waiting: list[str] = []
    store, unknown = None, ()
    for item in reading.items(path, given):
        if item.fault:
            faults[item.member] = item.fault
            unknown = unknown or item.joints
        if item.texts:
            texts[PurePosixPath(item.member).stem] = item.texts
        for clip in item.clips:
            clip = _named(clip, item.member, clips)
            clips[clip.name] = clip
            waiting.append(clip.name)
        if len(waiting) >= (WORTH_CACHING if store is None else PIECE):
            if store is None:
                with contextlib.suppress(OSError):
                    store = cache.Store(kept)
            if store is not None:
                clips |= {clip.name: clip for clip in store.take(clips[name] for name in waiting)}
            waiting = []
    if not clips:
        raise _nothing(path, faults, unknown)
    if store is not None and waiting:
        clips |= {clip.name: clip for clip in store.take(clips[name] for name in waiting)}
    ordered = kin.related([labels.with_texts(clips[name], texts.get(name, ())) for name in sorted(clips)])
    if store is None:
        return ordered, faults
    store.keep(state, ordered, faults)
    return (cache.load(kept, state) or (ordered, faults))[0], faults


def _named(clip: Clip, member: str, clips: dict[str, Clip]) -> Clip:
    """The clip, called by its whole path where another one has its name already."""
    return clip if clip.name not in clips else replace(clip, name=str(PurePosixPath(member).with_suffix("")))


def _nothing(path: Path, faults: dict[str, str], joints: tuple[str, ...]) -> DataError:
    """The error for a set of which no clip is left, with a map to fill in where its skeleton is not known."""
    if not faults:
        return DataError(f"{path}: holds no motion; .bvh, DeepMimic's .txt or .json, and HumanML3D's .npy are read")
    text = f"{path}: no file can be read: {reading.summary(faults)}"
    return DataError(f"{text}\n{joint_names.template(joints)}" if joints else text)
