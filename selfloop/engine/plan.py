"""Blocks: the lanes that run as one program, and the folder that is theirs. What is finished is never planned again.

A *lane* is one chain. A block's lanes share n, guidance, the shape of the training set and all settings of training.
"""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import jax

from selfloop.domains.motion.arms import ARMS
from selfloop.engine.settings import Cell, GridConfig, cells, motion_config
from selfloop.errors import DataError
from selfloop.policies import synthetic_count
from selfloop.runs import record


class Lane(NamedTuple):
    """One chain: its seed is the key of all its random numbers."""

    arm: str
    lam: float
    seed: int
    start: int
    """The seed whose generation 0 it starts from; a *twin* starts from another's, or, as -1 - seed, from that of its
    own that has seen only a part of the real windows."""


@dataclass(frozen=True)
class Block:
    """Lanes of one shape, and what they share."""

    n: int
    guidance: float
    synthetic: int
    """Samples m that every lane draws a generation; lambda says how many of them it trains on."""
    generations: int
    first_steps: int
    steps: int
    lanes: tuple[Lane, ...]

    @property
    def name(self) -> str:
        """A folder's name: what a reader looks for, and a hash of the rest."""
        arms = "+".join(dict.fromkeys(lane.arm for lane in self.lanes))
        lams = "+".join(dict.fromkeys(f"{lane.lam:g}" for lane in self.lanes))
        twin = "_twin" if any(lane.seed != lane.start for lane in self.lanes) else ""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:8]
        return f"n{self.n}_g{self.guidance:g}_lam{lams}_{arms}{twin}"[:140] + f"_{digest}"


def folder_of(out: Path, block: Block) -> Path:
    """Where a block's records are."""
    return out / "blocks" / block.name


def own_folder(out: Path, block: Block) -> Path:
    """Where this process keeps the records of its lanes while it works: a part of the block, beside others."""
    whole, count = folder_of(out, block), jax.process_count()
    return whole if count == 1 else part_folder(whole, jax.process_index(), count)


def part_folder(folder: Path, process: int, count: int) -> Path:
    """The part of one of ``count`` processes in a block's folder."""
    return folder / f"part_{process}_of_{count}"


def store(out: Path, block: Block) -> None:
    """Write the block's own description, by which it is found again."""
    lanes = [lane._asdict() for lane in block.lanes]
    record.write_json(folder_of(out, block) / "block.json", asdict(block) | {"lanes": lanes})


def stored(out: Path) -> list[Block]:
    """Every block of the grid in ``out``, finished or begun, in the order of their names.

    Raises:
        DataError: a description that cannot be read.
    """
    return [described(path.parent) for path in sorted((out / "blocks").glob("*/block.json"))]


def described(folder: Path) -> Block:
    """The block of a folder.

    Raises:
        DataError: its description cannot be read.
    """
    path = folder / "block.json"
    fields = record.read_json(path)
    try:
        return Block(**fields | {"lanes": tuple(Lane(**lane) for lane in fields["lanes"])})
    except (TypeError, KeyError) as error:
        raise DataError(f"{path}: is no block ({error}); remove its folder to compute it again") from error


def finished(out: Path, block: Block) -> bool:
    """Whether the block is done."""
    return (folder_of(out, block) / "done").exists()


def plan(config: GridConfig, known: Iterable[Block] = ()) -> list[Block]:
    """The blocks that a grid asks for: those known already, as they are, and new ones for the lanes that none holds.

    All chains come before all twins, and each in the order of `cells`.
    """
    held = {(_shared(block), lane): block for block in known for lane in block.lanes}
    blocks: list[Block] = []
    missing: dict[tuple, list[tuple[Lane, ...]]] = {}
    for twin, cell in itertools.product((False, True), cells(config)):
        shared, lanes = _cell(config, cell, twin=twin)
        blocks += [held[shared, lane] for lane in lanes if (shared, lane) in held]
        if new := tuple(lane for lane in lanes if (shared, lane) not in held):
            # What accumulates has a memory of its own size, and so a program of its own.
            alike = cell.lam if ARMS[cell.arm].grows else None
            missing.setdefault((shared, alike, twin), []).append(new)
    for (shared, *_), groups in missing.items():
        for at in range(0, len(groups), config.together):
            blocks.append(_block(shared, [lane for group in groups[at : at + config.together] for lane in group]))
    return list(dict.fromkeys(blocks))


def _shared(block: Block) -> tuple:
    return block.n, block.guidance, block.generations, block.first_steps, block.steps


def _cell(config: GridConfig, cell: Cell, *, twin: bool) -> tuple[tuple, list[Lane]]:
    """What a cell's chains (or their twins) share, and the chains."""
    one = motion_config(config, cell.n)
    generations = min(config.twins, config.generations) if twin else config.generations
    shared = cell.n, cell.guidance, generations, one.first_steps, one.steps
    twins = {"seed": lambda seed: (seed + 1) % config.seeds, "part": lambda seed: -1 - seed}
    start = twins[config.twin_start] if twin else lambda seed: seed
    lanes = [Lane(cell.arm, cell.lam, seed, start(seed)) for seed in range(config.seeds)]
    return shared, lanes if generations else []


def _block(shared: tuple, lanes: list[Lane]) -> Block:
    n, guidance, *schedule = shared
    return Block(n, guidance, max(max(1, synthetic_count(lane.lam, n)) for lane in lanes), *schedule, tuple(lanes))
