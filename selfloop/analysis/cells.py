"""Cells of a design: what rows share that have one n, one value of every axis and one lambda.

A *row* is a dict with ``n``, ``axes`` (pairs of name and value), ``lam``, ``arm`` and what is said of them. The
engine's have a column for every axis instead, which `placed` gathers; it also adds ``synthetic``, whether the arm
trains on its own samples: one that does not has no lambda, and stands in every cell of its n and axes.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from selfloop.engine.settings import Pairs

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]


class Cell(NamedTuple):
    """A place of the design; its arms and seeds are compared."""

    n: int
    axes: Pairs
    lam: float

    @property
    def title(self) -> str:
        """The cell in words."""
        axes = "".join(f", {name.replace('_', ' ')} {value:g}" for name, value in self.axes)
        return f"n = {self.n}{axes}, λ = {self.lam:g}"

    @property
    def columns(self) -> dict[str, Any]:
        """The cell as columns of a row."""
        return self._asdict()


def placed(about: Mapping[str, Any], rows: Iterable[Row]) -> Rows:
    """Rows of the engine, or as they are kept on disk, with ``axes`` and ``synthetic`` by what ``domain.json`` says."""
    found = []
    for row in rows:
        values = dict(row["axes"]) if "axes" in row else row
        axes = tuple((name, values[name]) for name in about["axes"])
        found.append({**row, "axes": axes, "synthetic": about["arms"][row["arm"]]["synthetic"]})
    return found


def recorded(row: Row) -> dict[str, Any]:
    """A row as it is kept on disk."""
    return {name: value for name, value in row.items() if name != "synthetic"} | {"axes": dict(row["axes"])}


def cell_of(row: Row) -> Cell:
    """Where a row stands."""
    return Cell(row["n"], row["axes"], row["lam"])


def head(row: Row, cell: Cell | None = None) -> dict[str, Any]:
    """Arm and cell of a row, its own or one that it stands in, as columns of another that is placed like it."""
    return (cell or cell_of(row)).columns | {"arm": row["arm"], "synthetic": row["synthetic"]}


def cells(rows: Iterable[Row]) -> list[Cell]:
    """Every cell at which a loop trains on its own samples, in order."""
    return sorted({cell_of(row) for row in rows if row["synthetic"]})


def arms(rows: Iterable[Row], cell: Cell) -> list[str]:
    """The arms that stand in a cell, in order of appearance, those without synthetic data first."""
    found = {row["arm"]: row["synthetic"] for row in rows if _stands(row, cell)}
    return sorted(found, key=found.__getitem__)


def of(rows: Iterable[Row], cell: Cell, arm: str) -> list[Row]:
    """The rows of an arm that stand in a cell."""
    return [row for row in rows if row["arm"] == arm and _stands(row, cell)]


def _stands(row: Row, cell: Cell) -> bool:
    return (row["n"], row["axes"]) == cell[:2] and (row["lam"] == cell.lam or not row["synthetic"])


def uncoupled(rows: Iterable[Row]) -> Rows:
    """The rows of chains that start from their own generation 0."""
    return [row for row in rows if row["start"] == row["seed"]]


def grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], Rows]:
    """Rows by the values of these columns, in order of appearance."""
    found: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def common(rows: Sequence[Row]) -> set[str]:
    """Of n, the axes and lambda, those that are the same in all cells."""
    columns = [{"n": cell.n, **dict(cell.axes), "lam": cell.lam} for cell in cells(rows)]
    return {name for name in (columns or [{}])[0] if len({one[name] for one in columns}) == 1}
