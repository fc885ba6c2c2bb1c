"""A block that several processes compute together: each its own lanes in a part of its own, made one at the end.

A part is resumed like a block, by its own process, from its own checkpoint; the parts need not be equally far.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from selfloop.errors import ConfigError
from selfloop.lanes import genuine
from selfloop.motion.grid import chains
from selfloop.motion.grid.blocks import Block, own_folder, part_folder
from selfloop.motion.grid.material import Material, store_arrays
from selfloop.motion.grid.observing import observation_file
from selfloop.runs import record


def compute(material: Material, block: Block, tick: Callable[[int, str], None]) -> None:
    """This process's lanes to their end, where that has not been reached before."""
    folder = own_folder(material.config.out, block)
    if not genuine(len(block.lanes), material.mesh):
        record.write_json(folder / "done", {"generations": block.generations})
    elif not (folder / "done").exists():
        chains.run(chains.chains(material, block), tick)


def check(folder: Path, count: int) -> None:
    """Refuse to go on with a block that another number of processes has begun: its lanes lie elsewhere.

    Raises:
        ConfigError: it says how many processes have begun it.
    """
    begun = {int(path.name.rpartition("_")[2]) for path in folder.glob("part_*_of_*")}
    if not begun and (folder / "rows.jsonl").exists():
        begun = {1}
    if begun - {count}:
        old = " or ".join(map(str, sorted(begun - {count})))
        raise ConfigError(
            f"{folder} was begun by {old} of --processes, not {count}; start as many to go on with it, or remove it"
        )


def complete(folder: Path, count: int) -> bool:
    """Whether all parts are done."""
    return all((part_folder(folder, process, count) / "done").exists() for process in range(count))


def merge(folder: Path, block: Block, count: int) -> None:
    """Make one block of the parts; its mark comes last, so that a stop on the way costs nothing."""
    parts = [part_folder(folder, process, count) for process in range(count)]
    parts = [part for part in parts if (part / "rows.jsonl").exists()]
    for t in range(block.generations + 1):
        pieces = [np.load(observation_file(part, t)) for part in parts]
        whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0].files}
        store_arrays(observation_file(folder, t), whole)
    rows = [row for part in parts for row in record.read(part / "rows.jsonl")]
    record.rewrite(folder / "rows.jsonl", sorted(rows, key=lambda row: (row["generation"], row["lane"])))
    record.write_json(folder / "done", {"generations": block.generations})
    for process in range(count):
        shutil.rmtree(part_folder(folder, process, count), ignore_errors=True)
