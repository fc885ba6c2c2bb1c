"""Benchmarks of the grid: a whole generation by its parts, and chains in one program beside one by one.

Generations are timed in seconds of all cores, so that other work on the machine hardly counts; on an accelerator by
the clock.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measuring import best, row

GENERATIONS, GOAL_MINUTES = 50, 60
"""n = 256, three arms, lambda = 1, three seeds, the small model: so many generations in so many minutes on 2 cores."""
MEASURED, CORES, SHARE = 6, 2, 0.3
"""Generations that are really run, of which the first two are left out; cores of the goal; the most that any part but
training may take."""
CHAINS, GOAL_CHAINS = 9, 3.0
"""The paper's arms, and how much faster they should be together than one after another."""
PEAK = {"NVIDIA H100": 495e12, "NVIDIA H200": 495e12, "NVIDIA A100": 156e12}
"""Float operations a second that a card's maker states for float32 matrices rounded to TF32, which JAX uses there."""


def grid() -> list[dict[str, Any]]:
    """A generation of three arms at n = 256: the time of 50, and the share of each part."""
    from selfloop.domains.motion.data import datasets
    from selfloop.errors import DataError

    try:
        datasets.load("bandai-namco")
    except DataError as error:
        print(f"grid: left out; {error}")
        return []
    with tempfile.TemporaryDirectory() as folder:
        spent = _parts(Path(folder))
    total = sum(spent.values())
    minutes = total * GENERATIONS / CORES / 60
    goal = f"goal: {GOAL_MINUTES} min on {CORES} cores"
    rows = [row(f"n = 256, 3 arms, 3 seeds, {GENERATIONS} generations", minutes, "min", goal, minutes / GOAL_MINUTES)]
    for part, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        bound = None if part == "train" else seconds / total / SHARE
        rows.append(row(f"share of {part}", 100 * seconds / total, "%", bound and f"at most {SHARE:.0%}", bound))
    return rows


def _parts(out: Path) -> dict[str, float]:
    """Core-seconds of a generation of all arms and seeds, by part; what compiles is left out."""
    from dataclasses import replace

    from selfloop.domains.motion.domain import MOTION
    from selfloop.domains.motion.settings import grid_cpu
    from selfloop.engine import folder
    from selfloop.engine.cluster import run_jobs
    from selfloop.engine.context import Context
    from selfloop.engine.plan import plan
    from selfloop.runs import record

    settings = replace(
        grid_cpu(), out=out, n=(256,), lam=(1.0,), guidance=(2.5,), arms=("baseline", "uncorrected", "physics"),
        skip=(), coupled=0, generations=MEASURED, first_steps=(100,), steps=(100,),
    )  # fmt: skip
    jobs, spent = plan(MOTION, settings), {}
    run_jobs(Context(MOTION, settings), jobs)
    for job in jobs:
        for one in record.read(folder.job_folder(out, job) / "rows.jsonl"):
            for name, seconds in one.items():
                if name.startswith("core_seconds_"):
                    part = name.removeprefix("core_seconds_")
                    # Every fifth generation is audited: the fifth stands for five.
                    weight = 1 / 5 if part == "audit" else 1 / (MEASURED - 2)
                    counted = one["generation"] == 5 if part == "audit" else one["generation"] > 2
                    spent[part] = spent.get(part, 0.0) + seconds * weight * counted
    return spent


def chains() -> list[dict[str, Any]]:
    """Nine chains' training as one program beside one after another, and the share of the card's speed."""
    import jax

    together, alone, flops = _training()
    slow, fast = best(alone, together, runs=2)
    device = jax.devices()[0].device_kind
    rows = [
        row(
            f"{CHAINS} chains beside one by one",
            slow / fast,
            "times",
            f"goal: {GOAL_CHAINS:g}",
            slow / fast / GOAL_CHAINS,
        )
    ]
    peak = next((value for name, value in PEAK.items() if device.startswith(name)), None)
    speed = flops / fast
    against = "" if peak is None else f"{device}: {peak:.3g}"
    return rows + [row("training", speed, "FLOP/s", against, None if peak is None else speed / peak)]


def _training() -> tuple[Callable, Callable, float]:
    """Calls that train nine chains together and one by one, and the operations of either."""
    import jax
    import numpy as np

    from selfloop.batch import uniform
    from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
    from selfloop.domains.motion.model.spectrum import spectrum
    from selfloop.domains.motion.settings import grid_cpu, grid_paper
    from selfloop.engine.chains import chain_mesh, everywhere, over_chains, place
    from selfloop.models.neural.denoiser import DenoiserConfig

    size = grid_cpu() if jax.default_backend() == "cpu" else grid_paper()
    network = DenoiserConfig(size.frames, 64, 10, size.band, size.width, size.layers)
    steps, mesh = (10 if jax.default_backend() == "cpu" else 100), chain_mesh()
    x = np.random.default_rng(0).normal(size=(128, size.frames, 64)).astype(np.float32)
    cond = {"label": np.zeros(128, np.int32), "length": np.full(128, size.frames, np.int32)}
    batch, by = uniform(x, cond), spectrum(x)
    model = motion_model(MotionModelConfig(network=network, batch=size.batch, steps=steps), by)
    one = motion_model(MotionModelConfig(network=network, batch=size.batch, steps=1), by)
    state = model.init(jax.random.key(0))
    flops = jax.jit(one.fit).lower(jax.random.key(0), batch, state).compile().cost_analysis()["flops"]
    fit = over_chains(lambda real, seed, state: model.fit(jax.random.key(seed), real, state)[0], mesh)
    real, seeds = everywhere(batch, mesh), np.arange(CHAINS * mesh.size, dtype=np.uint32)
    states = place(jax.tree.map(lambda leaf: np.stack([np.asarray(leaf)] * len(seeds)), state), mesh)
    key = jax.random.key(0)
    return (
        lambda: fit(real, place(seeds, mesh), states),
        lambda: [model.fit(key, batch, state) for _ in seeds],
        flops * steps * len(seeds),
    )
