"""A run of the motion loop: arms and seeds one after another, every generation measured, recorded and resumable."""

import io
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.domains.motion import measures, setup, summary
from selfloop.domains.motion.arms import arm_loop
from selfloop.domains.motion.config import MotionLoopConfig, checked
from selfloop.domains.motion.floors import floors
from selfloop.domains.motion.measures import Measure
from selfloop.domains.motion.model.evaluator import Evaluator
from selfloop.domains.motion.physics.backends import chosen
from selfloop.domains.motion.setup import Data
from selfloop.domains.motion.text.retrieval import trained_on, with_retrieval
from selfloop.loop import checkpointed, role_key
from selfloop.protocols import Generation, Loop, Model
from selfloop.runs import checkpoint, files, record
from selfloop.runs.environment import environment
from selfloop.runs.lock import alone
from selfloop.runs.progress import progress
from selfloop.runs.resume import resume_or_start

SHOWN = 8
"""Samples a generation that are kept for the player, of the first seed."""


@dataclass(frozen=True)
class Bench:
    """What every chain of a run shares."""

    config: MotionLoopConfig
    data: Data
    model: Model
    measure: Measure
    tick: Callable[[int, str], None]
    seconds: dict[str, float]
    """Time spent since the last record, by part."""


def run(config: MotionLoopConfig) -> Path:
    """Run or continue the experiment; returns the path of its report.

    The folder ``config.out`` then holds config.json, environment.json, encoder.json, floors.json, metrics.jsonl
    (one line an arm, seed and generation), checkpoints, samples, figures and report.html. Raises SelfloopError for
    anything the user can mend, before any work that it would lose.
    """
    config = checked(config)
    print(f"reading motion: {config.data or 'the 15 embedded clips'}", flush=True)
    data = setup.load(config)
    config, model = replace(config, data_digest=data.digest), setup.model(config, data)
    with alone(config.out):
        resume_or_start(config.out, config, extends=("generations",), ignores=("out", "preset", "data"))
        for stale in config.out.rglob(".*.tmp"):  # half-written files that a kill left over
            files.remove_quietly(stale)
        record.write_json(config.out / "environment.json", environment() | _engine(config))
        measure = _measure(data, _judge(config, data))
        _chains(config, data, model, measure)
        return summary.write(config, data, floors(config, data, measure))


def _engine(config: MotionLoopConfig) -> dict[str, str]:
    """Which engine corrects, where one does; said aloud, because `auto` leaves it open."""
    if not {"physics", "physics_prior"} & set(config.arms):
        return {}
    print(f"physics: {chosen(config.pipeline)}", flush=True)
    return {"physics_pipeline": chosen(config.pipeline)}


def _judge(config: MotionLoopConfig, data: Data) -> Evaluator | None:
    """The encoder of the measures, where there are clips to train it on; what it can do goes to encoder.json."""
    if data.encoder is None:
        return None
    print("training the encoder of the measures, once: it is kept in the user's cache", flush=True)
    judge, info = setup.evaluator(*data.encoder)
    record.write_json(config.out / "encoder.json", info)
    return judge


def _measure(data: Data, judge: Evaluator | None) -> Measure:
    """The measures of a generation, R-precision among them where there are captions and an encoder to find them by."""
    measure = measures.motion_measures(data.reference, judge, data.real.names)
    if data.text is None or judge is None:
        return measure
    return with_retrieval(measure, judge, trained_on(judge, *data.encoder, data.text))


def _chains(config: MotionLoopConfig, data: Data, model: Model, measure: Measure) -> None:
    """Every arm with every seed, from where it stopped, under a bar that counts training steps."""
    points = _resume_points(config)
    fits = config.seeds * (_first(config) + len(config.arms) * config.generations)
    done = sum(point for point in points.values() if point)
    done += len(list((config.out / "checkpoints" / "generation_0").glob("*.msgpack"))) * _first(config)
    with progress(fits * config.steps, "training steps", done * config.steps) as tick:
        bench = Bench(config, data, model, measure, tick, defaultdict(float))
        for seed in range(config.seeds):
            for arm in config.arms:
                _chain(bench, arm, seed, points[arm, seed])


def _first(config: MotionLoopConfig) -> int:
    """How many fits of ``steps`` steps generation 0 is made of."""
    return -(-config.first_steps // config.steps)


def _resume_points(config: MotionLoopConfig) -> dict[tuple[str, int], int | None]:
    """For each chain the last generation that has a checkpoint and all records; records beyond it are dropped."""
    path = config.out / "metrics.jsonl"
    rows, points = record.read(path), {}
    for arm in config.arms:
        for seed in range(config.seeds):
            recorded = [row["generation"] for row in rows if (row["arm"], row["seed"]) == (arm, seed)]
            points[arm, seed] = checkpoint.latest(_folder(config, arm, seed), max(recorded, default=-1))
    last = {chain: -1 if point is None else point for chain, point in points.items()}
    kept = [row for row in rows if row["generation"] <= last[row["arm"], row["seed"]]]
    if len(kept) < len(rows):
        record.rewrite(path, kept)
    return points


def _folder(config: MotionLoopConfig, arm: str, seed: int) -> Path:
    return config.out / "checkpoints" / arm / f"seed_{seed}"


def _chain(bench: Bench, arm: str, seed: int, resume: int | None) -> None:
    """One arm with one seed, to the last generation."""
    config, key = bench.config, jax.random.key(seed)
    if resume is not None and resume >= config.generations:
        return
    start = config.out / "checkpoints" / "generation_0" / f"seed_{seed}.msgpack"

    def tick() -> None:
        bench.tick(config.steps, f"seed {seed}: generation 0")

    first_fit = setup.trained_once(bench.model.fit, _first(config), setup.synthetic(config), start, tick)
    loop = _timed(arm_loop(arm, config, bench.data, bench.model, first_fit), bench.seconds)

    def keep(key: Array, result: Generation) -> None:
        row = {"arm": arm, "seed": seed, "generation": int(result.t)} | _row(bench, key, result, arm, seed)
        record.append(config.out / "metrics.jsonl", row)
        bench.seconds.clear()
        if result.t:
            bench.tick(config.steps, f"{arm}, seed {seed}: generation {int(result.t)}")

    checkpointed(loop, key, config.generations, _folder(config, arm, seed), keep, resume)


def _row(bench: Bench, key: Array, result: Generation, arm: str, seed: int) -> dict[str, Any]:
    """The measures of a generation: of new samples of its model, of its correction, of its training; and the time."""
    # The same noise in every generation, so that a reader can follow a sample, and curves differ by the model alone.
    key_sample, _ = jax.random.split(role_key(jax.random.key(seed), 0, "evaluate"))
    _, key_measure = jax.random.split(key)
    cond = setup.evaluation_conditions(bench.data, bench.config.evaluate)
    with _clock(bench.seconds, "evaluate"):
        x = bench.model.sample(key_sample, result.state, cond, bench.config.evaluate).x
        measured = {name: float(value) for name, value in bench.measure(key_measure, x, **cond).items()}
    if seed == 0:
        _store(bench.config.out, arm, int(result.t), x[:SHOWN], cond)
    row = measured | {"loss": float(result.fit["loss"])}
    if result.raw is not None:
        row["failed"] = int(jnp.sum(result.correction["failed"]))
        row["moved_mm"] = float(jnp.mean(result.correction.get("moved_mm", result.correction.get("moved"))))
    return row | {f"seconds_{part}": round(value, 3) for part, value in sorted(bench.seconds.items())}


def _store(out: Path, arm: str, t: int, x: Array, cond: dict[str, Array]) -> None:
    held = io.BytesIO()
    np.savez(held, x=np.asarray(x), label=np.asarray(cond["label"][:SHOWN]), length=np.asarray(cond["length"][:SHOWN]))
    files.replace(summary.samples_file(out, arm, t), held.getvalue())


@contextmanager
def _clock(seconds: dict[str, float], part: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[part] += time.perf_counter() - began


def _timed(loop: Loop, seconds: dict[str, float]) -> Loop:
    """The same loop; the time of its sampling, correction and training adds up in ``seconds``."""

    def timed(part: str, call: Callable) -> Callable:
        def clocked(*args: Any) -> Any:
            with _clock(seconds, part):
                return jax.block_until_ready(call(*args))

        return clocked

    model = loop.model._replace(sample=timed("sample", loop.model.sample), fit=timed("train", loop.model.fit))
    return loop._replace(
        model=model, corrector=timed("correct", loop.corrector), first_fit=timed("train", loop.first_fit)
    )
