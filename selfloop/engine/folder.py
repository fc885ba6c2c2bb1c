"""The run's folder: every path in it, and what is read of it. A run that is still at work may be read.

    config.json  environment.json  domain.json     what was asked, on what it ran, what its measures mean
    data/n64/*.npz  lines.json                     real samples as they are observed, conditions; the lines they make
    initial/...                                    generation 0 of every seed
    jobs/NAME/                                     one job: job.json, rows.jsonl, observations/, checkpoint, done
    metrics.jsonl  results.jsonl  report.html      what was measured, what it says, how it is shown

Shapes: C chains of a job, N evaluation samples, F features, T generations.
"""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selfloop.engine.domain import Domain
from selfloop.engine.plan import Job, described, undescribed
from selfloop.engine.scores import generic
from selfloop.engine.settings import Pairs
from selfloop.errors import ConfigError, DataError
from selfloop.runs import files, record

Arrays = dict[str, np.ndarray]


def begun(out: Path) -> bool:
    """Whether the folder holds a run. One that has config.json alone was stopped, or is, in its first moment.

    Raises:
        ConfigError: it holds one of an earlier version, whose records are laid out otherwise.
    """
    if not (out / "config.json").exists():
        return False
    more = any(path.name != "config.json" and path.suffix != ".tmp" for path in out.iterdir())
    if more and not (out / "domain.json").exists():
        raise ConfigError(f"--out {out} holds a run of selfloop 0.1, which this version cannot continue; give another")
    return True


def about_of(domain: Domain) -> dict[str, Any]:
    """What a reader of a run must know of its domain, in JSON's own types."""
    arms = {}
    for name, arm in domain.arms.items():
        predicted = arm.predicted and arm.policy == "augment"
        arms[name] = {"corrects": arm.corrector != "identity", "synthetic": arm.synthetic, "predicted": predicted}
    known = {measure.name: measure._asdict() for measure in (*generic(domain.spaces), *domain.measures)}
    lists = {name: list(getattr(domain, name)) for name in ("axes", "spaces", "audited")}
    return {"name": domain.name, "title": domain.title} | lists | {"arms": arms, "measures": list(known.values())}


def write_about(out: Path, domain: Domain) -> None:
    """Write `about_of` the domain into the folder."""
    record.write_json(out / "domain.json", about_of(domain))


def about(out: Path) -> dict[str, Any]:
    """What `write_about` wrote.

    Raises:
        DataError: there is none.
    """
    path = out / "domain.json"
    if not path.exists():
        raise DataError(f"{path}: no such file; give the folder of a run (--out)")
    return record.read_json(path)


def data_folder(out: Path, n: int) -> Path:
    """Where the real samples of one n are, as they are observed."""
    return out / "data" / f"n{n}"


def job_folder(out: Path, job: Job) -> Path:
    """Where a job's records are."""
    return out / "jobs" / job.name


def store_job(out: Path, job: Job) -> None:
    """Write the job's own description, by which it is found again; one that has grown is no longer done."""
    folder = job_folder(out, job)
    if finished(out, job):
        return
    record.write_json(folder / "job.json", described(job))


def stored_jobs(out: Path) -> list[Job]:
    """Every job in ``out``, finished or begun, in the order of their names.

    Raises:
        DataError: a description that cannot be read.
    """
    return [read_job(path.parent) for path in sorted((out / "jobs").glob("*/job.json"))]


def read_job(folder: Path) -> Job:
    """The job of a folder; DataError where its description cannot be read."""
    path = folder / "job.json"
    try:
        return undescribed(record.read_json(path))
    except (TypeError, KeyError) as error:
        raise DataError(f"{path}: is no job ({error}); remove its folder to compute it again") from error


def finished(out: Path, job: Job) -> bool:
    """Whether the job has been done as far as its generations."""
    path = job_folder(out, job) / "done"
    return path.exists() and record.read_json(path)["generations"] >= job.generations


def observation_file(folder: Path, t: int) -> Path:
    """Where the observation of a generation of a job lies."""
    return folder / "observations" / f"generation_{t:04d}.npz"


def generations(folder: Path) -> list[int]:
    """The generations of a job whose observations are there, in order."""
    found = (folder / "observations").glob("generation_*.npz")
    return sorted(int(path.stem.removeprefix("generation_")) for path in found)


class Held(NamedTuple):
    """One chain of a run, and where its observations are."""

    n: int
    axes: Pairs
    lam: float
    arm: str
    seed: int
    start: int
    folder: Path
    """Of its job."""
    index: int
    """Its place among the chains of its job."""

    @property
    def coupled(self) -> bool:
        """Whether it starts from another generation 0 than its own."""
        return self.start != self.seed

    @property
    def cell(self) -> tuple[int, Pairs, float, str]:
        """What its seeds share: n, axes, lambda and arm."""
        return self.n, self.axes, self.lam, self.arm


def chains(out: Path) -> list[Held]:
    """Every chain in ``out`` that has observations, each once, in order."""
    found: dict[tuple, Held] = {}
    for job in stored_jobs(out):
        folder = job_folder(out, job)
        if generations(folder):
            for i, chain in enumerate(job.chains):
                held = Held(job.n, job.axes, chain.lam, chain.arm, chain.seed, chain.start, folder, i)
                found.setdefault(held[:6], held)
    return [found[key] for key in sorted(found)]


def first_chains(out: Path, order: Sequence[str] | None = None) -> list[Held]:
    """Of every arm the chain of the first seed in its first cell, in an order of arms; None: as they were asked for."""
    found: dict[str, Held] = {}
    for chain in chains(out):
        if not chain.coupled and chain.seed == 0:
            found.setdefault(chain.arm, chain)
    asked = list(record.read_json(out / "config.json")["arms"] if order is None else order)
    return sorted(found.values(), key=lambda chain: asked.index(chain.arm) if chain.arm in asked else len(asked))


@functools.lru_cache(maxsize=160)
def observed(folder: Path, t: int, name: str) -> np.ndarray | None:
    """One array [C, N, ...] of one generation of all chains of a job, or None where it was not observed.

    Raises:
        DataError: a file that cannot be read.
    """
    return files.read_arrays(observation_file(folder, t)).get(name)


def trace(held: Held, name: str) -> dict[int, np.ndarray]:
    """One chain's observations [N, F] by generation, up to the first that is not finite (there the chain died)."""
    found = {}
    for t in generations(held.folder):
        values = observed(held.folder, t, name)
        if values is None:
            continue
        if not np.isfinite(values[held.index]).all():
            break
        found[t] = values[held.index]
    return found


def samples(held: Held, t: int) -> Arrays:
    """The samples of one chain in one generation that were kept whole: ``x`` [S, ...], ``corrected/x``, and whether
    they failed; empty where none were.
    """
    arrays = files.read_arrays(observation_file(held.folder, t))
    kept = {name: values[held.index] for name, values in arrays.items() if name.removeprefix("corrected/")[:1] == "x"}
    count = max((len(values) for values in kept.values()), default=0)
    failed = arrays.get("corrected/failed")
    return kept if failed is None or not kept else kept | {"corrected/failed": failed[held.index][:count]}


@functools.lru_cache(maxsize=8)
def real(out: Path, n: int, name: str = "reference") -> Arrays:
    """Real samples as they are observed: points [M, F] under ``space/NAME``, numbers [M] under ``value/NAME``, and
    ``group`` [M]; ``name`` is reference, pool, or real (those that the loop trains on).
    """
    return files.read_arrays(data_folder(out, n) / f"{name}.npz")


def asked(out: Path, n: int) -> np.ndarray | None:
    """The labels [N] that evaluation samples are asked for; None where the run does not say."""
    path = data_folder(out, n) / "conditions.npz"
    return files.read_arrays(path).get("label") if path.exists() else None


def named(arrays: Arrays, kind: str, prefix: str = "") -> Arrays:
    """The arrays of one kind (space, value) by their own names, those after correction under ``corrected/``."""
    head = f"{prefix}{kind}/"
    return {name.removeprefix(head): values for name, values in arrays.items() if name.startswith(head)}
