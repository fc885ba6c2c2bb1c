"""What a finished run of the motion loop shows: a table on screen, figures, and the page with the motion player."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import uniform
from selfloop.domains.motion import player
from selfloop.domains.motion.arms import ARMS
from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.data import features
from selfloop.domains.motion.setup import Data
from selfloop.errors import DataError
from selfloop.report import figures, page
from selfloop.report.page import Plot, Section, Table
from selfloop.runs import progress, record
from selfloop.runs.resume import to_dict
from selfloop.wording import duration

SHOWN = ("fid_features", "fid_kinetic", "fid_geometric", "diversity_features", "diversity_kinetic", "label_accuracy",
         "r_precision_1", "r_precision_3", "coverage", "penetration_mm", "float_mm", "skate_mm_per_frame",
         "skate_ratio", "jerk", "limit_violation_deg", "failed", "moved_mm")  # fmt: skip
"""Measures in the order of table and figure; those that a run lacks are left out."""

PLAYER = (
    "The same sample (same random numbers, same label) at the first, middle and last generation, arm below arm. "
    "Grey: what the model made. Colour: the same motion after the physics corrector."
)


def samples_file(out: Path, arm: str, generation: int) -> Path:
    """Where the samples of a generation that a reader can look at lie (arrays x, label, length)."""
    return out / "samples" / arm / f"generation_{generation:04d}.npz"


def write(config: MotionLoopConfig, data: Data, floors: Mapping[str, Mapping[str, Any]]) -> Path:
    """Print the table, save the figures and write report.html, whose path is returned."""
    rows = record.read(config.out / "metrics.jsonl")
    measures = [name for name in SHOWN if any(name in row for row in rows)]
    table = _table(rows, config, measures, floors)
    progress.table(table, ["line", *measures], title="Last generation: mean over seeds ± largest deviation")
    figure = figures.grid(rows, measures, config.arms, floors)
    figures.save(config.out / "figures" / "measures.png", figure)
    for name in measures:
        lines = {label: floor[name] for label, floor in floors.items() if name in floor}
        figures.save(config.out / "figures" / f"{name}.png", figures.curves(rows, name, config.arms, lines))
    path = config.out / "report.html"
    page.write(
        path,
        "Self-consuming training on human motion",
        _summary(config, data, rows, floors),
        to_dict(config),
        record.read_json(config.out / "environment.json"),
        tables=[Table("Last generation", ["line", *measures], table, "Mean over seeds ± largest deviation from it.")],
        plots=[Plot(figure, figures.SPREAD)],
        sections=[Section("Motion", f"<p>{PLAYER}</p>" + player.player(_scenes(config, data)))],
    )
    return path


def _table(rows: list[dict], config: MotionLoopConfig, measures: list[str], floors: Mapping) -> list[dict[str, Any]]:
    """One row an arm at the last generation, one before them for generation 0, and the floor lines."""
    first = [row for row in rows if row["generation"] == 0 and row["arm"] == config.arms[0]]
    lines = {"generation 0": first}
    for arm in config.arms:
        lines[arm] = [row for row in rows if row["generation"] == config.generations and row["arm"] == arm]
    table = [{"line": name} | {key: _spread(group, key) for key in measures} for name, group in lines.items()]
    return table + [{"line": label} | {key: floor.get(key) for key in measures} for label, floor in floors.items()]


def _spread(rows: list[dict], measure: str) -> float | str | None:
    values = [record.number(row[measure]) for row in rows if measure in row]
    if len(values) < 2:
        return values[0] if values else None
    mean = float(np.mean(values))
    return f"{mean:.3g} ± {np.max(np.abs(np.array(values) - mean)):.2g}"


def _summary(config: MotionLoopConfig, data: Data, rows: list[dict], floors: Mapping) -> list[str]:
    """What was run and how to read it, in sentences."""
    seconds = sum(value for row in rows for name, value in row.items() if name.startswith("seconds_"))
    failed = {arm: sum(row.get("failed", 0) for row in rows if row["arm"] == arm) for arm in config.arms}
    clips = len(set(data.real.clip.tolist()))
    lines = [
        f"{config.n} real windows of {config.frames / features.FPS:g} s from {clips} clips, "
        f"lambda = {config.lam:g}, guidance {config.guidance:g}, {config.generations} generations, "
        f"{config.seeds} seed{'s' * (config.seeds > 1)}; {duration(seconds)} of computation.",
        f"Every generation is judged by {config.evaluate} new samples of its model; FID is biased upwards at so few, "
        f"so read it against real motion, which is measured on {floors['real']['n']} windows in the same way.",
        "Motions that failed under physics and were never trained on: "
        + ", ".join(f"{arm} {count}" for arm, count in failed.items())
        + ".",
    ]
    if (encoder := config.out / "encoder.json").exists():
        info = record.read_json(encoder)
        lines.append(
            f"The encoder behind the FID of features was trained on {info['windows']:g} windows of other clips; it "
            f"tells the label of {info['label_accuracy']:.0%} of the windows of clips held out from its training."
        )
    if data.encoder is None:
        lines.append(
            "This set is too small to hold clips back: its reference is its own windows, only training-free features "
            "are used, and a low FID here means likeness to the training data, not to unseen motion. The lines of real "
            "motion are one half of the windows against the other half: so few score a higher FID than they deserve."
        )
    return lines


def _scenes(config: MotionLoopConfig, data: Data) -> list[dict[str, Any]]:
    """Samples of the first seed at the first, middle and last generation of every arm, raw and corrected."""
    chosen = sorted({0, config.generations // 2, config.generations})
    held = {(arm, t): _load(samples_file(config.out, arm, t)) for arm in config.arms for t in chosen}
    x, length = (np.concatenate([sample[name] for sample in held.values()]) for name in ("x", "length"))
    raw = np.asarray(_points(x))
    fixed, failed = [None] * len(x), np.zeros(len(x), bool)
    if "physics" in config.arms:
        corrector = ARMS["physics"].corrector(config, data)
        batch = uniform(jnp.asarray(x), {"length": jnp.asarray(length)})
        corrected, info = corrector(jax.random.key(0), batch, None)
        fixed, failed = np.asarray(_points(corrected.x)), np.asarray(info["failed"])
    names = data.real.names if data.text is None else data.text.vocabulary.texts
    scenes = []
    for (arm, t), sample in held.items():
        for number, label in enumerate(sample["label"]):
            i = len(scenes)
            about = {"arm": arm, "generation": t, "sample": number, "label": names[label]}
            scenes.append(about | {"raw": raw[i], "corrected": fixed[i], "failed": failed[i], "length": int(length[i])})
    return scenes


@jax.jit
def _points(x: Array) -> Array:
    return player.points(features.decode(x))


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as held:
            return {name: held[name] for name in ("x", "label", "length")}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run with another --out to make it again") from error
