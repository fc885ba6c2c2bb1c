"""A grid's folder as a run leaves it, of linear loops whose contraction and gamma are known."""

from pathlib import Path

import numpy as np
from selfloop.domains.motion.grid import blocks

from selfloop.engine.plan import Block, Lane
from selfloop.runs import record

N, F, M, SEEDS, GENERATIONS, TWINS = 80, 6, 200, 3, 10, 8
MEMORY, GAMMA, LAM = 0.6, 1.0, 1.0
CONTRACTION = {
    "baseline": MEMORY,
    "uncorrected": MEMORY + (1 - MEMORY) * LAM / (1 + LAM),
    "physics": MEMORY + (1 - MEMORY) * LAM / (1 + LAM) / (1 + GAMMA),
}
AWAY = 1.5
"""How far the fixed point of every loop lies from the reference."""


def made_grid(out: Path) -> Path:
    """Three arms of three seeds and their twins, in two blocks an arm."""
    rng = np.random.default_rng(0)
    real = {"features": _normal(rng, M, F), "artefacts": _artefacts(rng, M), "clip": np.arange(M) // 2}
    np.savez(out / "reference.npz", **real)
    for arm in CONTRACTION:
        lam = 0.0 if arm == "baseline" else LAM
        for twin in (0, 1):
            lanes = tuple(Lane(arm, lam, seed, (seed + twin) % SEEDS) for seed in range(SEEDS))
            _block(out, Block(64, 2.5, 64, TWINS if twin else GENERATIONS, 10, 10, lanes))
    record.write_json(out / "config.json", {"preset": "made"})
    record.write_json(out / "environment.json", {"jax": "none"})
    return out


def _block(out: Path, block: Block) -> None:
    blocks.store(out, block)
    folder = blocks.folder_of(out, block)
    (folder / "observations").mkdir()
    for t in range(block.generations + 1):
        each = [_observed(lane, t) for lane in block.lanes]
        found = {name: np.stack([one[name] for one in each]) for name in each[0]}
        np.savez(folder / "observations" / f"generation_{t:04d}.npz", **found)
    (folder / "done").write_text("{}")


def _observed(lane: Lane, t: int) -> dict[str, np.ndarray]:
    """Samples of one lane: its own noise about a mean that goes to its fixed point at the arm's rate."""
    noise, start = np.random.default_rng(lane.seed), np.random.default_rng(100 + lane.start)
    mean = AWAY + 0.5 * start.normal(size=F) * CONTRACTION[lane.arm] ** t
    found = {"features": (_normal(noise, N, F) + mean).astype(np.float32), "artefacts": _artefacts(noise, N)}
    if lane.arm == "physics" and t % 5 == 0:
        kept = noise.random((N, 1)) < 1 / (1 + GAMMA)
        found["corrected_features"] = np.where(kept, found["features"], _normal(noise, N, F))
        found["corrected_artefacts"] = found["artefacts"]
        found["corrected_failed"] = np.arange(N) == 0
    return found


def made_rows() -> list[dict]:
    """Measures of such a grid: the uncorrected loop drifts, physics undoes half of it in FID and all of it in jerk."""
    rng = np.random.default_rng(1)
    rows = []
    for arm in CONTRACTION:
        for seed in range(SEEDS):
            for t in range(GENERATIONS + 1):
                drift = {"baseline": 0.0, "uncorrected": 1.0, "physics": 0.5}[arm] * t + 0.01 * rng.normal()
                shake = {"baseline": 0.0, "uncorrected": 2.0, "physics": 0.0}[arm] * t + 0.01 * rng.normal()
                rows.append(
                    {"arm": arm, "lam": 0.0 if arm == "baseline" else LAM, "n": 64, "guidance": 2.5, "seed": seed}
                    | {"start": seed, "generation": t, "fid_features": 3 + drift, "jerk": 60 + shake}
                    | {"fid_features_mean": 1 + drift, "modes_effective": 50 - drift, "skate_mm_per_frame": 2.0}
                    | {"core_seconds_train": 2.0, "core_seconds_sample": 1.0, "core_seconds_evaluate": 5.0}
                    | ({"core_seconds_correct": 3.0} if arm == "physics" else {})
                )
    return rows


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def _artefacts(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.abs(rng.normal(1, 0.3, (count, 6))).astype(np.float32)
