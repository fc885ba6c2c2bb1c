"""Joint names of BVH skeletons: which joint of a file is which joint of a figure.

A table holds what the tools of the field call their joints (`SKELETONS`); name spaces ("mixamorig:"), prefixes that
 nearly all joints share ("Bip01 ", "m_avg_"), the way sides are written (LeftArm, L_Arm, lArm, arm_l) and case do
not matter. Where no row fits, a file ``map.toml`` says it (`read_map`), and the error prints one to fill in.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from selfloop.errors import DataError

SIDED = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe")
ROLES = (*(f"{side}_{part}" for side in ("left", "right") for part in SIDED), "neck", "head")
OPTIONAL = ("neck", "head", *(f"{side}_{part}" for side in ("left", "right") for part in ("wrist", "toe")))
"""What a file may lack: a wrist or toe is then the first child or End Site of elbow or ankle."""
UPS = ("x", "y", "z", "-x", "-y", "-z")


class UnknownSkeleton(DataError):
    """A skeleton that no row of the table fits."""

    def __init__(self, message: str, names: Sequence[str]):
        super().__init__(message)
        self.names: tuple[str, ...] = tuple(names)


class Row(NamedTuple):
    """Names of one skeleton, without side, in small letters and digits only; ``|`` parts alternatives."""

    parts: str
    """In the order of `SIDED`."""
    mark: str = ""
    """Names that tell it from another row with the same parts, with side."""


_TOE = "toebase|toe|toes|toe0|ball"
SKELETONS: dict[str, Row] = {
    "selfloop": Row("shoulder elbow hand hip knee ankle toe", "chest"),
    "bandai-namco": Row("upperarm lowerarm hand upperleg lowerleg foot toes", "jointroot"),
    "cmu": Row(f"arm forearm hand upleg leg foot {_TOE}", "lhipjoint|lowerback"),
    "cmu-asf": Row(f"humerus radius wrist|hand femur tibia foot {_TOE}", "lowerback"),
    "mixamo": Row(f"arm forearm hand upleg leg foot {_TOE}", "lefttoebase"),
    "lafan1": Row(f"arm forearm hand upleg leg foot {_TOE}", "lefttoe"),
    "rokoko": Row(f"arm forearm hand thigh shin foot {_TOE}", "spine4"),
    "xsens": Row(f"shoulder elbow wrist hip knee ankle {_TOE}", "chest2|leftcollar"),
    "xsens-mvn": Row(f"upperarm forearm hand upperleg lowerleg foot {_TOE}", "t8|l5"),
    "optitrack": Row(f"uarm farm hand thigh shin foot {_TOE}", "ab"),
    "smpl": Row(f"shoulder elbow wrist hip knee ankle foot|{_TOE}", "spine3"),
    "unreal": Row(f"upperarm lowerarm hand thigh calf foot {_TOE}", "ball_l"),
    "biped": Row(f"upperarm forearm hand thigh calf foot {_TOE}", "spine1"),
    "daz": Row(f"shldr|shldrbend forearm|forearmbend hand thigh|thighbend shin foot {_TOE}", "abdomen"),
    "other": Row(
        f"upperarm|uparm|arm lowerarm|forearm hand|wrist upperleg|upleg|thigh lowerleg|lowleg|leg|shin|calf foot {_TOE}"
    ),
}
"""Rows in the order in which they are tried; of those that fit, one whose mark is there goes first."""

_SIDES = (
    r"(?P<side>left|right)[ _.-]?(?P<part>.+)", r"(?P<part>.+?)[ _.-]?(?P<side>left|right)",
    r"(?P<side>[lr])[ _.-](?P<part>.+)", r"(?P<part>.+)[ _.-](?P<side>[lr])", r"(?P<side>[lr])(?P<part>.+)",
)  # fmt: skip


class Joints(NamedTuple):
    """Which joint of a file is which."""

    skeleton: str
    """The row's name, or the map's."""
    index: dict[str, int]
    """Places of `ROLES` in the file's list of joints; those that the file lacks are left out."""
    up: str = ""
    """The axis that points up, where a map says so; one of `UPS`."""


class Map(NamedTuple):
    """A skeleton as a user describes it."""

    name: str
    joints: dict[str, str]
    up: str = ""


def find(names: Sequence[str], where: str, given: Map | None = None) -> Joints:
    """The joints of a file by the table, or by a map.

    Raises:
        UnknownSkeleton: where no row fits.
        DataError: where the map names a joint that is not there.
    """
    if given is not None:
        return _mapped(names, where, given)
    known = {key: i for i, key in reversed(list(enumerate(plain(names)))) if key[1]}
    best: tuple[float, Joints] | None = None
    missing: list[str] = []
    for title, row in SKELETONS.items():
        index = _index(known, row)
        lacks = [role for role in ROLES if role not in index and role not in OPTIONAL]
        if lacks:
            missing = lacks if not missing or len(lacks) < len(missing) else missing
            continue
        rank = len(index) + 0.5 * any(_key(mark) in known for mark in row.mark.split("|") if mark)
        if best is None or rank > best[0]:
            best = rank, Joints(title, index)
    if best is None:
        raise UnknownSkeleton(
            f"{where}: {', '.join(missing[:3])} not found among its {len(names)} joints ({', '.join(names[:4])}, ...); "
            f"known skeletons are {', '.join(SKELETONS)}; for another one give --skeleton map.toml",
            names,
        )
    return best[1]


def _key(mark: str) -> tuple[str, str]:
    """A mark as `plain` gives it."""
    for side in ("left", "right"):
        if mark.startswith(side):
            return side, mark.removeprefix(side)
    return {"lhipjoint": ("left", "hipjoint"), "ball_l": ("left", "ball")}.get(mark, ("", mark))


def _index(known: Mapping[tuple[str, str], int], row: Row) -> dict[str, int]:
    index = {}
    for part, words in zip(SIDED, row.parts.split(), strict=True):
        for side in ("left", "right"):
            found = [known[side, word] for word in words.split("|") if (side, word) in known]
            if found:
                index[f"{side}_{part}"] = found[0]
    for role, words in (("neck", ("neck", "neck1", "neck01", "lowerneck")), ("head", ("head", "head1", "skull"))):
        found = [known["", word] for word in words if ("", word) in known]
        if found:
            index[role] = found[0]
    return index


def plain(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs (side, part) of joint names: ("left", "upleg") of "mixamorig:LeftUpLeg", ("", "hips") of "Hips".

    One letter is a side only where the same name with the other letter is there too.
    """
    bare = _without_prefix(
        [re.sub(r"^mixamorig\d*[_:]?", "", name.rsplit(":", 1)[-1].rsplit("|", 1)[-1]) for name in names]
    )
    every = {name.lower() for name in bare}
    return [_sided(name.lower(), every) for name in bare]


def _without_prefix(names: list[str]) -> list[str]:
    """The names less the words that four fifths of them begin with."""
    while True:
        first = Counter(match[0] for name in names if (match := re.match(r"[^ _.\-]+[ _.\-]+(?=.)", name)))
        word, count = first.most_common(1)[0] if first else ("", 0)
        if count < 0.8 * len(names) or count < 5:
            return names
        names = [name.removeprefix(word) for name in names]


def _sided(name: str, every: set[str]) -> tuple[str, str]:
    for pattern in _SIDES:
        match = re.fullmatch(pattern, name)
        if match:
            side, other = match["side"], {"l": "r", "r": "l", "left": "right", "right": "left"}[match["side"]]
            at = match.span("side")
            if name[: at[0]] + other + name[at[1] :] in every:
                return {"l": "left", "r": "right"}.get(side, side), re.sub(r"[^a-z0-9]", "", match["part"])
    return "", re.sub(r"[^a-z0-9]", "", name)


def _mapped(names: Sequence[str], where: str, given: Map) -> Joints:
    bare = [name.rsplit(":", 1)[-1] for name in names]
    index = {}
    for role, name in given.joints.items():
        if name in names:
            index[role] = names.index(name)
        elif name in bare:
            index[role] = bare.index(name)
        elif role not in OPTIONAL:
            raise DataError(
                f"{where}: has no joint {name!r}, which {given.name} gives for {role}; joints are {', '.join(names)}"
            )
    return Joints(given.name, index, given.up)


def read_map(path: Path) -> Map:
    """A skeleton's map: ``left_shoulder = "LeftArm"`` and so on for `ROLES`, and where wanted ``up = "z"``.

    Raises:
        DataError: if it cannot be read, is no TOML, lacks a joint or names what is no joint.
    """
    try:
        held = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"--skeleton {path}: cannot be read as TOML ({error})") from None
    up = held.pop("up", "")
    wrong = [key for key in held if key not in ROLES]
    lacks = [role for role in ROLES if role not in OPTIONAL and not held.get(role)]
    if wrong or lacks or up not in ("", *UPS):
        fault = f"knows no {wrong[0]!r}" if wrong else f"lacks {', '.join(lacks)}" if lacks else f"up is {up!r}"
        raise DataError(
            f"--skeleton {path}: {fault}; give a joint for each of {', '.join(ROLES)}, and up, one of {', '.join(UPS)}"
        )
    return Map(Path(path).name, {role: str(name) for role, name in held.items() if name}, up)


def template(names: Sequence[str]) -> str:
    """A map to fill in for a file with these joints: what the table can guess is filled in already."""
    known = {key: i for i, key in reversed(list(enumerate(plain(names)))) if key[1]}
    guessed = max((_index(known, row) for row in SKELETONS.values()), key=len)
    lines = ["# map.toml: the file's joint for each joint of the figure"]
    for role in ROLES:
        name = names[guessed[role]] if role in guessed else ""
        lines.append(f'{role} = "{name}"' + ("  # may be left out" if role in OPTIONAL else ""))
    up = '# up = "y"  # the axis that points up, where it is not found by itself'
    return "\n".join([*lines, up, f"# joints of the file: {', '.join(names)}"])
