"""The one split of the motion data: a clip's role depends on its name alone.

A subset and the full set, and every machine, therefore agree. A mirrored clip keeps the role of its original: those
called ``NAME_mirror`` (DeepMimic), ``M012345`` (HumanML3D's of 012345), and those found by content (`kin`).
"""

import hashlib
import re
from collections.abc import Iterable

from selfloop.domains.motion.data.clip import MIRRORED, Clip

SHARES = {"loop": 0.50, "reference": 0.20, "encoder": 0.20, "tuning": 0.05, "heldout": 0.05}
"""What part of the clips each role gets: the loop's real data, the reference of FID and audit, the encoder and the
prior, and the bench's tuning and held-out clips."""


def original(name: str) -> str:
    """The name of the clip that ``name`` is called a mirror image of, else the same name."""
    return re.sub(r"^M(?=\d{6}$)", "", name.removesuffix(MIRRORED))


def place(name: str) -> float:
    """Where in [0, 1) the clip called ``name`` lies: the first 8 bytes of its name's SHA-256 as a share of 2^64."""
    digest = hashlib.sha256(original(name).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def role(name: str) -> str:
    """The role of the clip called ``name``: its `place`, laid on `SHARES`."""
    here, edge = place(name), 0.0
    for title, share in SHARES.items():
        edge += share
        if here < edge:
            return title
    return title


def split(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    """The clips of each role, in their order; a role may be empty."""
    parts: dict[str, list[Clip]] = {title: [] for title in SHARES}
    for clip in clips:
        parts[role(clip.origin or clip.name)].append(clip)
    return parts
