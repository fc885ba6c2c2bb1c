"""The motion player of a report: arms below each other, generations beside each other, raw beside corrected.

Shapes: T frames, P points: the 15 joints alone, or 20 with the ends of the chains (`points`), which the forearms need.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.drawing import colours
from selfloop.errors import DataError

ABSENT = -32768
"""What stands for a coordinate that is not finite; all others are millimetres, held within 32.767 m."""

GREY = "#80878f"
"""The colour of real motion, which is no arm's."""

TIP_JOINTS = tuple(skeleton.INDEX[name] for name in skeleton.TIPS)
EDGES = tuple((skeleton.PARENTS[j], j) for j in range(1, skeleton.J)) + tuple(
    (joint, skeleton.J + i) for i, joint in enumerate(TIP_JOINTS)
)
"""Pairs of points that are drawn as bones; the last five end in tips."""
SIDES = tuple(
    next((s for s in ("left", "right") if skeleton.NAMES[end].startswith(s)), "") for _, end in EDGES[:14]
) + (tuple(next((s for s in ("left", "right") if name.startswith(s)), "") for name in skeleton.TIPS))
"""The side of the body each edge is on: "left", "right" or ""."""


def points(motion: skeleton.Motion) -> Array:
    """World positions [..., T, 20, 3] (m): the joints, then crown, fingertips and toe tips."""
    positions, world = skeleton.forward(motion)
    offsets = np.array(list(skeleton.TIPS.values()), np.float32)
    tips = positions[..., TIP_JOINTS, :] + (world[..., TIP_JOINTS, :, :] @ offsets[..., None])[..., 0]
    return jnp.concatenate([positions, tips], -2)


def player(scenes: Sequence[Mapping[str, Any]], fps: float = FPS) -> str:
    """An HTML fragment, with its style and script, that plays the scenes; it needs no network.

    Args:
        scenes: dicts with ``arm``, ``generation``, ``sample`` (the same number is shown together in all cells),
            ``label``, ``raw`` [T, P, 3] (m), ``corrected`` [T, P, 3] or None, ``failed`` (the corrected one is not
            trained on) and ``length``, how many frames count; ``real`` where it is a real motion, of no generation.
        fps: frames a second.

    Raises:
        DataError: where a scene's points have another shape than [T, 15 or 20, 3].
    """
    # In a script element nothing is markup but what begins with "<".
    data = json.dumps(encode(scenes, fps), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return (
        f"<style>{_asset('player.css')}</style>\n"
        f'<div class="selfloop-player"><script type="application/json">{data}</script>'
        "<noscript>The motion player needs JavaScript; below are frames of the same motions.</noscript></div>\n"
        f"<script>{_asset('player.js')}</script>"
    )


def encode(scenes: Sequence[Mapping[str, Any]], fps: float = FPS) -> dict[str, Any]:
    """The player's data in JSON's own types."""
    arms = list(dict.fromkeys(str(scene["arm"]) for scene in scenes))
    real = next((str(scene["arm"]) for scene in scenes if scene.get("real")), None)
    palette = colours([arm for arm in arms if arm != real])
    foot = skeleton.FOOT_SPHERES[-1]
    return {
        "fps": float(fps),
        "arms": [{"name": arm, "colour": palette.get(arm, GREY)} for arm in arms],
        "real": real,
        "generations": sorted({int(scene["generation"]) for scene in scenes}),
        "joints": skeleton.J,
        "edges": [[*edge, side] for edge, side in zip(EDGES, SIDES, strict=True)],
        "feet": [[skeleton.INDEX[name], skeleton.J + list(skeleton.TIPS).index(name)] for name in _TOES],
        "sole": round(foot.radius - foot.centre[2], 4),
        "clips": [_clip(scene) for scene in scenes],
    }


_TOES = ("left_toe", "right_toe")


def pack(positions: Any) -> dict[str, Any]:
    """Points [T, P, 3] (m) as text: base64 of little-endian 16-bit millimetres."""
    values = np.asarray(positions, np.float64)
    if values.ndim != 3 or values.shape[1] not in (skeleton.J, skeleton.J + len(TIP_JOINTS)) or values.shape[2] != 3:
        raise DataError(
            f"points to play are {list(values.shape)}; give [T, 15, 3], or [T, 20, 3] as `points` makes them"
        )
    finite = np.isfinite(values)
    whole = np.clip(np.round(np.where(finite, values, 0.0) * 1000.0), -32767, 32767)
    integers = np.where(finite, whole, ABSENT).astype("<i2")
    return {"points": values.shape[1], "mm": base64.b64encode(integers.tobytes()).decode()}


def unpack(packed: Mapping[str, Any]) -> np.ndarray:
    """Points [T, P, 3] (m) that `pack` wrote, to the millimetre; NaN where they were not finite."""
    integers = np.frombuffer(base64.b64decode(packed["mm"]), "<i2").reshape(-1, packed["points"], 3)
    return np.where(integers == ABSENT, np.nan, integers / 1000.0).astype(np.float32)


def _clip(scene: Mapping[str, Any]) -> dict[str, Any]:
    length, corrected = int(scene["length"]), scene.get("corrected")
    return {
        "arm": str(scene["arm"]),
        "generation": int(scene["generation"]),
        "sample": int(scene["sample"]),
        "label": str(scene["label"]),
        "failed": bool(scene["failed"]),
        "raw": pack(scene["raw"][:length]),
        "corrected": None if corrected is None else pack(corrected[:length]),
    }


def _asset(name: str) -> str:
    return resources.files("selfloop.domains.motion").joinpath(name).read_text("utf-8")
