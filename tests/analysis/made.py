"""A run's folder as the engine leaves it, of linear loops whose contraction and gamma are known; of no domain."""

from pathlib import Path

import numpy as np

from selfloop.analysis import contraction, effective_gamma
from selfloop.analysis.cells import Cell, Row, Rows, placed
from selfloop.analysis.results import Results
from selfloop.engine import folder
from selfloop.engine.domain import Measure
from selfloop.engine.plan import Chain, Job
from selfloop.runs import files, record

N, F, M, SEEDS, GENERATIONS, COUPLED = 80, 6, 200, 3, 10, 8
MEMORY, GAMMA, LAM = 0.6, 1.0, 1.0
CONTRACTION = {
    "baseline": MEMORY,
    "uncorrected": MEMORY + (1 - MEMORY) * LAM / (1 + LAM),
    "halving": MEMORY + (1 - MEMORY) * LAM / (1 + LAM) / (1 + GAMMA),
}
AWAY = 1.5
"""How far the fixed point of every loop lies from the reference."""
AXES = (("heat", 2.5),)
CELL = Cell(64, AXES, LAM)
REAL = {"64": {"real": {"samples": N, "fid_points": 1.5, "spread": {"fid_points": 0.1}}}}
ARMS = {
    "baseline": {"corrects": False, "synthetic": False, "predicted": True},
    "uncorrected": {"corrects": False, "synthetic": True, "predicted": True},
    "halving": {"corrects": True, "synthetic": True, "predicted": True},
    "memory": {"corrects": False, "synthetic": True, "predicted": False},
}
MEASURES = (
    Measure("fid_points", "", "moment", "less", headline=True),
    Measure("fid_points_mean", "", "moment", "less"),
    Measure("modes_effective", "", "mode", "more", headline=True),
    Measure("shake", "m/s", "artefact", "less", headline=True),
    Measure("slip_mm", "", "artefact", "less", headline=True),
    Measure("never", "", "artefact", "less", headline=True),
)
ABOUT = {
    "name": "made",
    "title": "Linear loops",
    "axes": ["heat"],
    "spaces": ["latent", "points"],
    "audited": ["artefacts", "latent"],
    "arms": ARMS,
    "measures": [measure._asdict() for measure in MEASURES],
}


def made_run(out: Path) -> Path:
    """Three arms of three seeds and the chains coupled to them, in two jobs an arm."""
    rng = np.random.default_rng(0)
    real = {"space/points": _normal(rng, M, F), "space/artefacts": _artefacts(rng, M), "group": np.arange(M) // 2}
    files.store_arrays(folder.data_folder(out, 64) / "reference.npz", real)
    for arm in CONTRACTION:
        lam = LAM if ARMS[arm]["synthetic"] else 0.0
        for coupled in (False, True):
            chains = tuple(Chain(arm, lam, seed, (seed + coupled) % SEEDS) for seed in range(SEEDS))
            generations = COUPLED if coupled else GENERATIONS
            _job(out, Job(64, AXES, (), "augment", "fixed", 64, coupled, chains, generations))
    record.write_json(out / "domain.json", ABOUT)
    record.write_json(out / "config.json", {"preset": "made", "evaluate": N})
    record.write_json(out / "environment.json", {"jax": "none"})
    return out


def _job(out: Path, job: Job) -> None:
    folder.store_job(out, job)
    for t in range(job.generations + 1):
        each = [_observed(chain, t) for chain in job.chains]
        arrays = {name: np.stack([one[name] for one in each]) for name in each[0]}
        files.store_arrays(folder.observation_file(folder.job_folder(out, job), t), arrays)
    record.write_json(folder.job_folder(out, job) / "done", {"generations": job.generations})


def _observed(chain: Chain, t: int) -> dict[str, np.ndarray]:
    """Samples of one chain: its own noise about a mean that goes to its fixed point at the arm's rate."""
    noise, start = np.random.default_rng(chain.seed), np.random.default_rng(100 + chain.start)
    mean = AWAY + 0.5 * start.normal(size=F) * CONTRACTION[chain.arm] ** t
    points = (_normal(noise, N, F) + mean).astype(np.float32)
    found = {"space/points": points, "space/artefacts": _artefacts(noise, N)}
    if ARMS[chain.arm]["corrects"] and t % 5 == 0:
        kept = noise.random((N, 1)) < 1 / (1 + GAMMA)
        found["corrected/space/points"] = np.where(kept, points, _normal(noise, N, F))
        found["corrected/space/artefacts"] = found["space/artefacts"]
        found["corrected/failed"] = np.arange(N) == 0
        found["corrected/weight"] = np.ones(N, np.float32)
    return found


def made_rows() -> Rows:
    """Measures of such a run: the uncorrected loop drifts; halving undoes half of it in FID and all of it in shake."""
    rng = np.random.default_rng(1)
    rows = []
    for arm in CONTRACTION:
        for seed in range(SEEDS):
            for t in range(GENERATIONS + 1):
                drift = {"baseline": 0.0, "uncorrected": 1.0, "halving": 0.5}[arm] * t + 0.01 * rng.normal()
                shake = {"baseline": 0.0, "uncorrected": 2.0, "halving": 0.0}[arm] * t + 0.01 * rng.normal()
                rows.append(
                    {"arm": arm, "lam": LAM if ARMS[arm]["synthetic"] else 0.0, "n": 64, "heat": 2.5, "seed": seed}
                    | {"start": seed, "generation": t, "fid_points": 3 + drift, "shake": 60 + shake}
                    | {"fid_points_mean": 1 + drift, "modes_effective": 50 - drift, "slip_mm": 2.0, "failed": 0}
                    | {"core_seconds_train": 2.0, "core_seconds_sample": 1.0, "core_seconds_evaluate": 5.0}
                    | {"seconds_train": 1.0}
                    | ({"core_seconds_correct": 3.0, "failed": 2} if ARMS[arm]["corrects"] else {})
                )
    return placed(ABOUT, rows)


def of_rows(rows: Rows, about: Row = ABOUT) -> Results:
    """Results that are rows alone."""
    return Results(about, rows, [], [], [], {})


def made_results(out: Path) -> Results:
    """All results of the folder of `made_run`, with `made_rows` for its measures."""
    rates, distances = contraction.measure(out)
    return Results(ABOUT, made_rows(), rates, distances, effective_gamma.measure(out), REAL)


def _normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def _artefacts(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.abs(rng.normal(1, 0.3, (count, 6))).astype(np.float32)
