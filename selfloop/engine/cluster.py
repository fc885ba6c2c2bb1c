"""A run of the grid: its blocks one after another, each taken by one process; then measures, tables and figures.

Several processes may also take a block together (`processes`): process 0 takes it, and all compute their lanes of it.
"""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jax

from selfloop.domains.motion.grid import blocks, parts
from selfloop.domains.motion.grid.processes import Company, Start, company
from selfloop.engine.chains import lane_mesh
from selfloop.engine.context import Material
from selfloop.engine.initial import starts
from selfloop.engine.plan import Block
from selfloop.engine.settings import FREE, GridConfig, checked
from selfloop.errors import ConfigError
from selfloop.runs import files, record
from selfloop.runs.environment import environment
from selfloop.runs.lock import alone
from selfloop.runs.progress import Tick, progress
from selfloop.runs.resume import resume_or_start, to_dict


def run(config: GridConfig, start: Start | None = None) -> Path:
    """Run or continue the grid; returns the path of its report, or the folder where others are still at work in it.

    Raises SelfloopError for anything the user can mend. A block is a folder that one process holds while it works, so
    the same command may be given several times at once, on one machine or on several that share the folder; or to
    processes that ``start`` brings together and that take each block together.
    """
    config = checked(config)
    with company(start or Start(), config.out, lambda: _begin(config)) as crew:
        material = Material(config, lane_mesh())
        return _lead(material, crew) if crew.me == 0 else _follow(material, crew)


def _begin(config: GridConfig) -> None:
    """Make the folder this grid's, or see that it is; a grid that cannot be run is not begun.

    A company does not wait for process 0 to read its data first.
    """
    if jax.process_count() == 1 and not (config.out / "config.json").exists():
        material = Material(config, lane_mesh(jax.local_devices()))
        for block in blocks.plan(config):
            material.model(block.n, block.guidance, block.first_steps, block.steps)
    resume_or_start(config.out, config, extends=(), ignores=FREE)
    record.write_json(config.out / "environment.json", environment())


def _lead(material: Material, crew: Company) -> Path:
    """Take the blocks that nobody holds, one after another; then the report."""
    config, orders = material.config, itertools.count()
    planned = blocks.plan(config, blocks.stored(config.out))
    steps = sum(len(block.lanes) * block.generations for block in planned)
    done = sum(len(block.lanes) * block.generations for block in planned if blocks.finished(config.out, block))
    with progress(steps, "generations", done) as show:

        def tick(steps: int, what: str) -> None:
            crew.check()
            show(steps, what)

        while any([_work(material, crew, orders, block, tick) for block in planned]):
            pass
    crew.tell(next(orders), None)
    _say_stopped(config.out, planned)
    if left := [block.name for block in planned if not blocks.finished(config.out, block)]:
        print(f"{len(left)} of {len(planned)} blocks are still held by other processes: {left[0]}, ...")
        return config.out
    from selfloop.report.write import write

    return write(config.out)


def _say_stopped(out: Path, planned: list[Block]) -> None:
    """Name every chain that came to no end."""
    for block in planned:
        for row in record.read(blocks.folder_of(out, block) / "rows.jsonl"):
            if "stopped" in row:
                place = f"n = {row['n']}, guidance {row['guidance']:g}, lambda {row['lam']:g}, seed {row['seed']}"
                twin = "" if row["start"] == row["seed"] else f" (twin, from {row['start']})"
                print(f"stopped: {row['arm']}, {place}{twin}: not finite in generation {row['generation']}", flush=True)


def _work(material: Material, crew: Company, orders: Iterator[int], block: Block, tick: Tick) -> bool:
    """Compute a block, unless it is done or another process holds it; whether it has been computed."""
    out, folder = material.config.out, blocks.folder_of(material.config.out, block)
    if blocks.finished(out, block):
        return False
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(folder))
        except ConfigError:
            return False
        if blocks.finished(out, block):
            return False
        parts.check(folder, crew.count)
        for stale in folder.rglob(".*.tmp"):
            files.remove_quietly(stale)
        blocks.store(out, block)
        material.check(block)
        material.store(block.n)
        if crew.count > 1:
            _together(material, crew, next(orders), block, tick)
        else:
            parts.compute(material, block, tick)
    return True


def _together(material: Material, crew: Company, order: int, block: Block, tick: Tick) -> None:
    """Compute a block with the others."""
    folder = blocks.folder_of(material.config.out, block)
    starts(material, block, tick)
    crew.tell(order, block.name)
    parts.compute(material, block, tick)
    crew.wait(lambda: parts.complete(folder, crew.count))
    parts.merge(folder, block, crew.count)


def _follow(material: Material, crew: Company) -> Path:
    """Compute this process's lanes of the blocks that process 0 takes."""
    out = material.config.out
    asked, given = to_dict(material.config), record.read_json(out / "config.json")
    if asked | {"out": None} != given | {"out": None}:
        raise ConfigError(f"process {crew.me} has other settings than process 0: give all of them the same command")
    orders = itertools.count()
    while (name := crew.hear(next(orders))) is not None:
        block = blocks.described(out / "blocks" / name)
        with alone(blocks.own_folder(out, block)):
            material.check(block)
            parts.compute(material, block, lambda steps, what: crew.check())
    return out
