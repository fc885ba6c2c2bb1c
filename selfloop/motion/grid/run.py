"""A run of the grid: its blocks one after another, each taken by one process; then measures, tables and figures."""

from contextlib import ExitStack
from pathlib import Path

import jax

from selfloop.errors import ConfigError
from selfloop.lanes import lane_mesh
from selfloop.motion.grid import blocks, chains
from selfloop.motion.grid.blocks import Block
from selfloop.motion.grid.config import FREE, GridConfig, checked
from selfloop.motion.grid.material import Material
from selfloop.runs import files, record
from selfloop.runs.config import resume_or_start
from selfloop.runs.environment import environment
from selfloop.runs.lock import alone
from selfloop.runs.progress import Tick, progress


def run(config: GridConfig) -> Path:
    """Run or continue the grid; returns the path of its report, or the folder where others are still at work in it.

    Raises SelfloopError for anything the user can mend. A block is a folder that one process holds while it works, so
    the same command may be given several times at once, on one machine or on several that share the folder.
    """
    config = checked(config)
    material = Material(config, lane_mesh())
    planned = blocks.plan(config, blocks.stored(config.out))
    if not (config.out / "config.json").exists():  # a grid that cannot be run is not begun
        for block in planned:
            material.model(block.n, block.guidance, block.first_steps, block.steps)
    resume_or_start(config.out, config, extends=(), ignores=FREE)
    record.write_json(config.out / "environment.json", environment())
    steps = sum(len(block.lanes) * block.generations for block in planned)
    done = sum(len(block.lanes) * block.generations for block in planned if blocks.finished(config.out, block))
    with progress(steps, "generations", done) as tick:
        while any([_work(material, block, tick) for block in planned]):
            pass
    _say_stopped(config.out, planned)
    if left := [block.name for block in planned if not blocks.finished(config.out, block)]:
        print(f"{len(left)} of {len(planned)} blocks are still held by other processes: {left[0]}, ...")
        return config.out
    from selfloop.motion.grid.report import write

    return write(config.out)


def _say_stopped(out: Path, planned: list[Block]) -> None:
    """Name every chain that came to no end."""
    for block in planned:
        for row in record.read(blocks.folder_of(out, block) / "rows.jsonl"):
            if "stopped" in row:
                place = f"n = {row['n']}, guidance {row['guidance']:g}, lambda {row['lam']:g}, seed {row['seed']}"
                twin = "" if row["start"] == row["seed"] else f" (twin, from {row['start']})"
                print(f"stopped: {row['arm']}, {place}{twin}: not finite in generation {row['generation']}", flush=True)


def _work(material: Material, block: Block, tick: Tick) -> bool:
    """Compute a block, unless it is done or another process holds it; whether it has been computed."""
    out = material.config.out
    if blocks.finished(out, block):
        return False
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(blocks.folder_of(out, block)))
        except ConfigError:
            return False
        if blocks.finished(out, block):
            return False
        for stale in blocks.folder_of(out, block).rglob(".*.tmp"):
            files.remove_quietly(stale)
        blocks.store(out, block)
        material.check(block)
        material.store(block.n)
        chains.run(chains.chains(material, block), tick)
    jax.clear_caches()
    return True
