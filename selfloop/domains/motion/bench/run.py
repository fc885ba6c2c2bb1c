"""Bench of the correctors: every one on every corruption, each cell stored as soon as it is measured."""

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import jax
import tyro

from selfloop.domains.motion.bench import cases, cells, estimates, gammas, generator, report
from selfloop.domains.motion.bench.cases import GENERATED, MADE, ON_POLICY, first
from selfloop.domains.motion.bench.cells import Case
from selfloop.domains.motion.bench.corruptions import CORRUPTIONS
from selfloop.domains.motion.bench.data import SPLITS, Data, load
from selfloop.domains.motion.correctors import table
from selfloop.domains.motion.correctors.table import CORRECTORS
from selfloop.domains.motion.model import evaluator
from selfloop.domains.motion.physics.backends import chosen
from selfloop.errors import ConfigError
from selfloop.metrics.estimates import Estimate
from selfloop.runs import record
from selfloop.runs.environment import environment
from selfloop.runs.lock import alone
from selfloop.runs.pace import Kind
from selfloop.runs.progress import progress
from selfloop.runs.resume import resume_or_start

HEADLINE = SPLITS[-1]
"""The split whose figures count. Generated samples belong to no clip and stand here alone."""


@dataclass(frozen=True)
class BenchConfig:
    """What every corrector of motion does to every corruption of real motion, measured."""

    data: str | None = None
    """Motion data: a folder, a .zip or a .tar.xz of BVH, DeepMimic or HumanML3D files, or a named set (deepmimic,
    bandai-namco-256, bandai-namco: downloaded). Without it: the 15 clips that come with the package. Fewer than
    100 clips are halved, and what needs other clips (prior, nearest real, generator) is left out."""
    out: Path = Path("runs/corrector_bench")
    """The run's folder. The same command on the same folder continues a run that was stopped; other correctors or
    corruptions add to it. A cell that is there is not measured again, whatever has changed in the code."""
    correctors: tuple[str, ...] = tuple(CORRECTORS)
    """Which of them; one that learns needs a set of 100 clips or more."""
    corruptions: tuple[str, ...] = (*CORRUPTIONS, *GENERATED)
    """What is done to the clean motions; generator_T are samples of an uncorrected model after T generations. Not among
    the default: on_policy_10, samples of a model after 10 generations with the very corrector in the loop."""
    windows: int = 128
    """Windows of two seconds of each split, distinct clips first; all there are, if there are fewer."""
    samples: int = generator.SAMPLES
    """Samples of each generation; the audit of a young one needs a thousand."""
    pipeline: str = "auto"
    """Engine of physics: mujoco (its C engine, all cores), mjx (Brax, for an accelerator), or auto, which chooses."""
    seed: int = 0
    """Where all random numbers begin."""
    data_digest: Annotated[str, tyro.conf.Suppress] = ""
    """What the data were when the run began; filled in by the run."""


def run(config: BenchConfig) -> Path:
    """Run or continue the bench; the path of its page.

    The folder ``config.out`` then holds config.json, environment.json, cells.jsonl (a line a cell), bench.json (rows of
    corrector, corruption, split, measure, value, low, high), figures and report.html.

    Raises:
        SelfloopError: for anything the user can mend, before any work that it would lose.
    """
    checked(config)
    engine = chosen(config.pipeline)
    print(f"physics: {engine}; reading motion: {config.data or 'the 15 embedded clips'}", flush=True)
    data = load(config.data, config.windows)
    if not plan(config, data):
        raise ConfigError(
            f"--correctors {' '.join(config.correctors)} --corruptions {' '.join(config.corruptions)}: none of these "
            "can be measured on a set of fewer than 100 clips, for they need other clips; give a larger set (--data)"
        )
    config = replace(config, data_digest=data.digest, pipeline=engine)
    with alone(config.out):
        resume_or_start(config.out, config, extends=(), ignores=("out", "data", "correctors", "corruptions"))
        record.write_json(config.out / "environment.json", environment() | {"physics_pipeline": engine})
        measure(config, data)
        return report.write(config.out, rows(config), config, data)


def checked(config: BenchConfig) -> None:
    """ConfigError for the first setting outside its range."""
    for option, asked, known in (
        ("correctors", config.correctors, (*CORRECTORS,)),
        ("corruptions", config.corruptions, (*CORRUPTIONS, *MADE)),
    ):
        wrong = [name for name in asked if name not in known]
        if wrong or not asked:
            raise ConfigError(f"--{option} is {' '.join(wrong) or 'empty'}; choose from {', '.join(known)}")
    for option, least in (("windows", 2), ("samples", 2)):
        if getattr(config, option) < least:
            raise ConfigError(f"--{option} is {getattr(config, option)}; an interval needs {least} or more")


def plan(config: BenchConfig, data: Data) -> list[tuple[str, str, str]]:
    """The cells (split, corrector, corruption) that these data allow, headline first."""
    able = [name for name in dict.fromkeys(config.correctors) if data.others is not None or not CORRECTORS[name].learns]
    paired = [name for name in dict.fromkeys(config.corruptions) if name in CORRUPTIONS]
    made = [name for name in dict.fromkeys(config.corruptions) if name in MADE and data.loop is not None]
    order = [(HEADLINE, name, corruption) for name in able for corruption in paired + made]
    return order + [(SPLITS[0], name, corruption) for name in able for corruption in paired]


def measure(config: BenchConfig, data: Data) -> None:
    """Measure the cells that are not in cells.jsonl yet, and put them there."""
    path = config.out / "cells.jsonl"
    wanted = plan(config, data)
    done = {(row["split"], row["corrector"], row["corruption"]) for row in record.read(path)}
    left = Counter(Kind(one[1]) for one in wanted if one not in done)
    with progress(left, "cells", len(wanted) - left.total()) as tick:
        measured = measurer(config, data)
        for split, corrector, corruption in wanted:
            if (split, corrector, corruption) not in done:
                tick(0, f"{corrector} on {corruption}, {split}")
                found = measured(split, corrector, corruption)
                name = {"split": split, "corrector": corrector, "corruption": corruption}
                record.append(path, name | {"measures": {key: list(one) for key, one in found.items()}})
                tick(1, f"{corrector} on {corruption}, {split}", Kind(corrector))


def measurer(config: BenchConfig, data: Data) -> Callable[[str, str, str], dict[str, Estimate]]:
    """A function ``measured(split, corrector, corruption)`` of all measures of a cell; what cells share is cached."""
    key = jax.random.key(config.seed)
    corrector = functools.cache(lambda name: table.corrector(name, config.pipeline, data.others, data.names))
    made = cases.generated(data, config.data, config.samples, config.out / "on_policy", corrector)
    given = cases.paired(data, config.seed)
    encoder = functools.cache(lambda: evaluator.load_or_train(data.encoder[0], styles=data.encoder[1])[0])
    targets = functools.cache(
        lambda split: gammas.targets(data.reference[split], data.loop, encoder() if data.encoder else None)
    )

    @functools.cache
    def shared(split: str, name: str, corruption: str) -> tuple[Case, dict[str, Estimate]]:
        case = made(corruption, name) if corruption in MADE else given(split, corruption)
        return case, gammas.control(key, case, targets(split))

    @functools.cache
    def clean(split: str, name: str) -> cells.Corrected:
        some = first(given(split, "clean"), CORRECTORS[name].most)
        return cells.corrected(cells.first_key(key), corrector(name), some.batch)

    def measured(split: str, name: str, corruption: str) -> dict[str, Estimate]:
        whole, control = shared(split, name if corruption == ON_POLICY else "", corruption)
        some = first(whole, CORRECTORS[name].most)
        against = None if some.clean is None or corruption == "clean" else clean(split, name)
        found, result = cells.cell(key, corrector(name), some, against, estimates.draws(config.seed, some.unit))
        return found | gammas.effective(key, some, result, targets(split)) | control

    return measured


def rows(config: BenchConfig) -> list[dict[str, Any]]:
    """All measured rows, in the order of the tables.

    A speed is one timing a cell: its interval is the range over the corrector's cells of that split.
    """
    order = (*CORRECTORS, *CORRUPTIONS, *MADE)
    kept = record.read(config.out / "cells.jsonl")
    kept.sort(key=lambda cell: (-SPLITS.index(cell["split"]), *(order.index(cell[name]) for name in NAMES)))
    found = [
        {name: cell[name] for name in (*NAMES, "split")}
        | {"measure": measure}
        | {name: record.number(one) for name, one in zip(("value", "low", "high"), three, strict=True)}
        for cell in kept
        for measure, three in cell["measures"].items()
    ]
    for row in found:
        if row["measure"] in cells.SPEEDS:
            same = [one["value"] for one in found if all(one[name] == row[name] for name in SAME)]
            row |= {"low": min(same), "high": max(same)}
    return found


NAMES = ("corrector", "corruption")
SAME = ("corrector", "split", "measure")
