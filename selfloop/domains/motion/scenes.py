"""What a reader looks at: samples of the first seed at the first, middle and last generation of every arm, playing.

Beside them stands real motion of the same label, and below, for print and where scripts do not run, a contact sheet.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion import player
from selfloop.domains.motion.contact_sheet import contact_sheet
from selfloop.domains.motion.data import features
from selfloop.drawing import colours
from selfloop.engine import folder
from selfloop.engine.folder import Arrays, Held
from selfloop.errors import SelfloopError
from selfloop.report.page import readable
from selfloop.runs import files, record

PLAYER = (
    "The same sample (same random numbers, same label) at the first, middle and last generation, arm below arm. "
    "Grey: what the model made. Colour: the same motion after the arm's corrector. On top: real motion of that label, "
    "which is what all of them should look like."
)
REAL = "real motion"
"""The name of the player's row of real motion."""
SHOWN = "shown.npz"
"""The real motions of the player, beside the run's other real samples."""


def sections(out: Path) -> list[tuple[str, str]]:
    """The page's section with the player, of the first cell of every arm."""
    held = folder.first_chains(out)
    if not held:
        return []
    shown = scenes(out, held)
    shown = real_scenes(out, held[0].n, shown) + shown
    sheet = f'<div class="selfloop-sheet" tabindex="0">{readable(sheet_of(shown))}</div>' if shown else ""
    return [("Motion", f"<p>{PLAYER}</p>" + player.player(shown) + sheet)]


def scenes(out: Path, held: list[Held]) -> list[dict[str, Any]]:
    """The player's scenes of some chains."""
    found, arms = [], folder.about(out)["arms"]
    for chain in held:
        cond = files.read_arrays(folder.data_folder(out, chain.n) / "conditions.npz")
        names = record.read_json(folder.data_folder(out, chain.n) / "about.json")["names"]
        shown = {t: folder.samples(chain, t) for t in folder.generations(chain.folder)}
        shown = {t: arrays for t, arrays in shown.items() if "x" in arrays}
        kept = sorted(shown)
        for t in dict.fromkeys((kept[0], min(kept, key=lambda t: abs(2 * t - kept[-1])), kept[-1]) if kept else ()):
            # Chains that share a job with corrected ones are observed a second time, too.
            own = {name: values for name, values in shown[t].items() if arms[chain.arm]["corrects"] or name == "x"}
            found += _scenes(chain, t, own, cond, names)
    return found


def _scenes(chain: Held, t: int, arrays: Arrays, cond: Arrays, names: list[str]) -> list[dict[str, Any]]:
    raw = np.asarray(_points(arrays["x"]))
    fixed = [None] * len(raw)
    if "corrected/x" in arrays:
        fixed = np.asarray(_points(arrays["corrected/x"]))
    failed = arrays.get("corrected/failed", np.zeros(len(raw), bool))
    return [
        {"arm": chain.arm, "generation": t, "sample": i, "label": names[int(cond["label"][i])]}
        | {"raw": raw[i], "corrected": fixed[i], "failed": bool(failed[i]), "length": int(cond["length"][i])}
        for i in range(len(raw))
    ]


@jax.jit
def _points(x: Array) -> Array:
    return player.points(features.decode(jnp.asarray(x)))


def real_scenes(out: Path, n: int, beside: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A real motion for every sample that is shown, of its label; none where the data are not there any more.

    They are kept in the run's folder, so that a report can be written again without the data.
    """
    labels = {scene["sample"]: scene["label"] for scene in beside}
    path = folder.data_folder(out, n) / SHOWN
    if not path.exists():
        try:
            files.store_arrays(path, _real(out, n, labels))
        except SelfloopError as error:
            print(f"the report has no real motion: {error}")
            return []
    kept = files.read_arrays(path)
    there = {int(sample): i for i, sample in enumerate(kept["sample"]) if int(sample) in labels}
    shown = np.asarray(_points(kept["x"]))
    return [
        {"arm": REAL, "generation": 0, "sample": sample, "label": str(kept["label"][i]), "real": True}
        | {"raw": shown[i], "corrected": None, "failed": False, "length": int(kept["length"][i])}
        for sample, i in there.items()
    ]


def _real(out: Path, n: int, labels: dict[int, str]) -> dict[str, np.ndarray]:
    """Real windows ``x`` [S, T, D] with their ``length``, ``label`` and the ``sample`` that each stands beside."""
    from selfloop.domains.motion.settings import MotionSettings
    from selfloop.domains.motion.setup import load

    config = record.read_json(out / "config.json")
    given = {one.name: config[one.name] for one in fields(MotionSettings) if one.name in config}
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    real = load(MotionSettings(**given), n).real
    names = [real.names[i] for i in real.label]
    places = [next((i for i, name in enumerate(names) if name == label), s % len(names)) for s, label in labels.items()]
    return {
        "x": np.asarray(real.x)[places],
        "length": np.asarray(real.length)[places],
        "label": np.array([names[i] for i in places]),
        "sample": np.array(list(labels)),
    }


def sheet_of(shown: Sequence[dict[str, Any]]) -> Any:
    """A contact sheet of the first sample: real motion, then the last generation of every arm, as it is trained on."""
    first = min(scene["sample"] for scene in shown)
    last = {scene["arm"]: scene for scene in shown if scene["sample"] == first}
    palette = colours([arm for arm in last if arm != REAL])
    rows, inks = {}, {}
    for arm, scene in last.items():
        after = scene["corrected"] is not None
        about = "" if scene.get("real") else f", generation {scene['generation']}" + ", corrected" * after
        name = f"{arm}{about}: {scene['label']}"
        rows[name] = scene["corrected" if after else "raw"][: scene["length"]]
        inks |= {name: palette[arm]} if arm in palette else {}
    return contact_sheet(rows, colours=inks)


def samples(out: Path) -> Any:
    """The contact sheet of a run, as a figure."""
    held = folder.first_chains(out)
    shown = scenes(out, held)
    return sheet_of(real_scenes(out, held[0].n, shown) + shown)
