"""Small experiments on Gaussians, and what they leave, without times."""

from pathlib import Path
from typing import Any

import numpy as np

from selfloop.domains.gaussian.domain import GAUSSIAN, GaussianSettings
from selfloop.engine import folder
from selfloop.engine.cluster import run_jobs
from selfloop.engine.context import Context
from selfloop.engine.domain import Domain
from selfloop.engine.plan import Job, plan
from selfloop.engine.settings import checked
from selfloop.experiment import begin
from selfloop.runs import files, record

SMALL = {"arms": ("baseline", "uncorrected", "idealised"), "n": (8,), "generations": 3, "seeds": 2, "coupled": 0,
         "evaluate": 8, "together": 1, "audit_every": 2}  # fmt: skip


def small(out: Path, **changes: Any) -> GaussianSettings:
    """Settings of a run that takes no time."""
    return GaussianSettings(**SMALL | {"out": out} | changes)


def options(settings: GaussianSettings) -> list[str]:
    """The same as the command line has it."""
    words = []
    for name, value in vars(settings).items():
        values = value if isinstance(value, tuple) else (value,)
        if value is not None and value != ():
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def context(settings: GaussianSettings, domain: Domain = GAUSSIAN) -> Context:
    """The context of a run, begun or continued."""
    found = Context(domain, checked(domain, settings))
    begin(found)
    return found


def jobs(settings: GaussianSettings, domain: Domain = GAUSSIAN) -> list[Job]:
    """What a run does, or is left to do, in its folder."""
    return plan(domain, settings, folder.stored_jobs(settings.out))


def compute(settings: GaussianSettings, domain: Domain = GAUSSIAN) -> Path:
    """Run or continue an experiment, without its measures and report; its folder."""
    at = context(settings, domain)
    assert not run_jobs(at, jobs(at.settings, domain)), "held by others"
    return settings.out


def rows(out: Path) -> dict[str, list[dict]]:
    """The rows of every job by its name, without times."""
    return {path.parent.name: timeless(record.read(path)) for path in sorted(out.glob("jobs/*/rows.jsonl"))}


def timeless(found: list[dict]) -> list[dict]:
    """Rows without what differs from run to run."""
    return [{k: v for k, v in row.items() if not k.startswith(("seconds_", "core_seconds_"))} for row in found]


def by_chain(out: Path) -> dict[tuple, dict]:
    """All rows by chain and generation, whatever jobs they are from; no chain is computed twice."""
    keys, found = ("n", "gamma", "arm", "lam", "seed", "start", "generation"), {}
    for own in rows(out).values():
        for row in own:
            at = tuple(row[key] for key in keys)
            assert at not in found, f"computed twice: {at}"
            found[at] = {name: value for name, value in row.items() if name != "chain"}
    return found


def observations(out: Path) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every observation, by the path of its file in the folder."""
    paths = sorted(out.glob("jobs/*/observations/*.npz"))
    return {str(path.relative_to(out)): files.read_arrays(path) for path in paths}


def points(out: Path, name: str = "space/points") -> dict[tuple, dict[int, np.ndarray]]:
    """What every chain was observed to make, by (arm, lambda, seed, coupled) and generation."""
    return {(one.arm, one.lam, one.seed, one.coupled): folder.trace(one, name) for one in folder.chains(out)}


def same(one: Path, other: Path) -> None:
    """Two runs have left the same records, bit for bit."""
    assert rows(one) == rows(other)
    same_arrays(observations(one), observations(other))


def same_arrays(one: dict, other: dict) -> None:
    """Bit for bit, NaN where there is NaN."""
    assert one.keys() == other.keys()
    for path in one:
        assert one[path].keys() == other[path].keys()
        for name in one[path]:
            np.testing.assert_array_equal(one[path][name], other[path][name], err_msg=f"{path}: {name}")


def bytes_of(out: Path) -> dict[str, bytes]:
    """Every file of a run's jobs and initial states, to the bit."""
    paths = [path for part in ("jobs", "initial") for path in (out / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}
