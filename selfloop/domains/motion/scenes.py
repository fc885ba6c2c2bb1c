"""What a reader looks at: samples of the first seed at the first, middle and last generation of every arm, playing."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion import player
from selfloop.domains.motion.data import features
from selfloop.engine import folder
from selfloop.engine.folder import Arrays, Held
from selfloop.runs import files, record

PLAYER = (
    "The same sample (same random numbers, same label) at the first, middle and last generation, arm below arm. "
    "Grey: what the model made. Colour: the same motion after the arm's corrector."
)


def sections(out: Path) -> list[tuple[str, str]]:
    """The page's section with the player, of the first cell of every arm."""
    held = _first_chains(out)
    return [("Motion", f"<p>{PLAYER}</p>" + player.player(scenes(out, held)))] if held else []


def _first_chains(out: Path) -> list[Held]:
    """Of every arm the chain of the first seed in its first cell, in the order that arms were asked for."""
    found: dict[str, Held] = {}
    for chain in folder.chains(out):
        if not chain.coupled and chain.seed == 0:
            found.setdefault(chain.arm, chain)
    order = record.read_json(out / "config.json")["arms"]
    return sorted(found.values(), key=lambda chain: order.index(chain.arm) if chain.arm in order else len(order))


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
