"""Sets of clips by path or by name: every file's format found, its label and caption made, the clip made canonical."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from selfloop.domains.motion.data import archive, cache, embedded, fetch, retarget
from selfloop.domains.motion.data.clip import MIRRORED, Clip, canonical, resample
from selfloop.domains.motion.data.formats import bvh, deepmimic, humanml3d
from selfloop.errors import DataError

ARCHIVES = {
    "deepmimic": "deepmimic/deepmimic-humanoid3d.tar.xz",
    "bandai-namco-256": "bandai-namco/bandai-namco-motion-2-subset256.zip",
    "bandai-namco": "bandai-namco/bandai-namco-motion-2.zip",
}
"""Named sets, and where their archives lie in the folder that SELFLOOP_DATA names."""

PLAUSIBLE_FPS = (5.0, 1000.0)
"""Frame rates outside of these are taken for a wrong unit."""

WORTH_CACHING = 50
"""Sets of so many clips and more are kept in the user's cache folder once they are read."""

_BANDAI = re.compile(r"dataset-\d+_(?P<label>[^_]+)_(?P<style>[^_]+)_\d+$")
_VERBS = {"walk": "walks", "run": "runs", "wave": "waves", "raise": "raises", "dance": "dances", "jump": "jumps",
          "kick": "kicks", "punch": "punches", "crawl": "crawls", "jog": "jogs", "roll": "rolls", "spin": "spins",
          "getup": "gets up", "motion": "moves", "backflip": "does a backflip", "sideflip": "does a sideflip",
          "cartwheel": "turns a cartwheel", "spinkick": "does a spin kick", "stealthy": "walks stealthily",
          "zombie": "walks like a zombie"}  # fmt: skip


def load(path: Path | str | None = None) -> list[Clip]:
    """All clips of a set, sorted by name, at 20 fps, canonical.

    Args:
        path: a folder, a ``.zip``, a ``.tar.xz`` or a single motion file; or the name of a known set (`ARCHIVES`),
            looked for in the folder SELFLOOP_DATA, then downloaded; or None for the clips that come with the package.

    Raises:
        DataError: if there is no such set, nothing in it is a motion, or one of its files is not what it should be.
    """
    if path is None:
        return _read(embedded.ARCHIVE)
    found = _find(path)
    if not found.exists():
        raise DataError(f"{found} does not exist; give a folder, a .zip, a .tar.xz, or one of {', '.join(ARCHIVES)}")
    kept, state = cache.place(found), cache.state(found)
    clips = cache.load(kept, state)
    if clips is None:
        clips = _read(found)
        if len(clips) >= WORTH_CACHING:
            cache.store(kept, state, clips)
    return clips


def _find(path: Path | str) -> Path:
    if str(path) not in ARCHIVES or Path(path).exists():
        return Path(path)
    local = Path(os.environ.get("SELFLOOP_DATA", "")) / ARCHIVES[str(path)]
    if os.environ.get("SELFLOOP_DATA") and local.exists():
        return local
    return fetch.fetch(str(path))


def _read(path: Path) -> list[Clip]:
    clips: dict[str, Clip] = {}
    for member, content in archive.members(path, lambda name: _reader(name) is not None):
        clip = _reader(member)(content, member)
        if clip is None:
            continue
        if clip.name in clips:
            raise DataError(f"{path}: two clips are called {clip.name}; rename one")
        clips[clip.name] = clip
    if not clips:
        raise DataError(f"{path}: holds no motion; .bvh, DeepMimic's .txt or .json, and HumanML3D's .npy are read")
    return [clips[name] for name in sorted(clips)]


def _reader(member: str) -> Callable[[bytes, str], Clip | None] | None:
    """What reads a member of that name: None if it is no motion; a reader returns None for a text that is none."""
    path = PurePosixPath(member)
    if path.name.startswith((".", "dog3d_", "laikago_")):
        return None
    return {".bvh": _bvh, ".txt": _deepmimic, ".json": _deepmimic, ".npy": _humanml3d}.get(path.suffix.lower())


def _text(content: bytes, member: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{member}: is not a text file") from None


def _bvh(content: bytes, member: str) -> Clip:
    name = PurePosixPath(member).stem
    words = _BANDAI.match(name)
    label, style = (words["label"], words["style"]) if words else (_plain(name), "")
    clip = retarget.from_bvh(bvh.parse(_text(content, member), member), name, label)
    return _finish(clip, style)


def _deepmimic(content: bytes, member: str) -> Clip | None:
    path = PurePosixPath(member)
    text = _text(content, member)
    if not (path.name.startswith("humanoid3d_") or '"Frames"' in text):
        return None
    name = path.stem.removeprefix("humanoid3d_")
    return _finish(deepmimic.read(text, name, _plain(name)), "")


def _humanml3d(content: bytes, member: str) -> Clip | None:
    clip = humanml3d.read(content, PurePosixPath(member).stem)
    return None if clip is None else _finish(clip, "")


def _plain(name: str) -> str:
    """The label in a DeepMimic or other file name: variants, sides, lengths and numbers merged."""
    word = name.removesuffix(MIRRORED).removeprefix("long_").rstrip("0123456789-_")
    for start in ("dance", "getup", "stealthy", "zombie"):
        if word.startswith(start):
            return start
    return re.sub(r"_[a-z]$", "", word) or "motion"


def _finish(clip: Clip, style: str) -> Clip:
    low, high = PLAUSIBLE_FPS
    if not low <= clip.fps <= high:
        raise DataError(
            f"{clip.name}: {clip.fps:g} frames a second; {low:g} to {high:g} are plausible: wrong frame time?"
        )
    return canonical(resample(replace(clip, style=style, caption=caption(clip.label, style))))


def caption(label: str, style: str = "") -> str:
    """An English sentence for a label and style, by template: "a person walks in an elderly style"."""
    first, *rest = re.split(r"[-_ ]", label)
    phrase = " ".join([_VERBS.get(first, f"performs {first}"), *rest])
    phrase = re.sub(r"waves? (both|left|right)", r"waves \1", phrase).replace("walks turn", "walks and turns")
    phrase = re.sub(r"\b(left|right) hand", r"the \1 hand", phrase).replace("both hands", "both hands")
    if not style or style == "normal":
        return f"a person {phrase}"
    return f"a person {phrase} in {'an' if style[0] in 'aeiou' else 'a'} {style} style"
