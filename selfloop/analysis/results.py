"""The results of a run: all that its tables and figures are made of, from its folder or from the records of one.

The records are JSON objects of six kinds: ``about`` (what `folder.write_about` wrote), a ``chain`` (its measures as
lists over the generations), a ``rate``, a ``distance`` (of a coupled chain), a ``gamma``, a line of ``real`` data.
Numbers have five digits.
"""

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfloop.analysis import contraction, effective_gamma
from selfloop.analysis.cells import Row, Rows, grouped, placed, recorded, uncoupled
from selfloop.engine import folder
from selfloop.engine.domain import Measure
from selfloop.errors import DataError
from selfloop.runs.record import number
from selfloop.wording import heading

KINDS = ("artefact", "moment", "drift", "mode", "within")
"""The parts of collapse."""
PARTS = ("train", "sample", "correct", "evaluate", "audit")
"""The parts of a generation's time."""
DIGITS = 5
_CLOCKS = tuple(f"{clock}_{part}" for clock in ("seconds", "core_seconds") for part in PARTS)
KEPT = ("loss", "failed", "moved", "stopped", *_CLOCKS)
"""What records keep of a chain beside its measures."""
_NOW = {"lane": "chain", "floor": "real"}
_TEXT = {"arm", "distance", "space", "why", "generation", "n", "seed", "start", "seeds", "samples", "distinct", "apart",
         "axes"}  # fmt: skip


@dataclass(frozen=True)
class Results:
    """What was measured of a run; rows are `placed`."""

    about: Mapping[str, Any]
    """`folder.about`."""
    rows: Rows
    """One a chain and generation: `measure.measured`."""
    rates: Rows
    """`contraction.measure`."""
    distances: Rows
    """The same."""
    gammas: Rows
    """`effective_gamma.measure`."""
    real: Mapping[str, Mapping[str, Row]]
    """The lines of real data, by n as text and by name: `measure.reference_lines`."""

    @functools.cached_property
    def measures(self) -> list[Measure]:
        """The measures that the run has, part by part of collapse; those of none come last."""
        known = [Measure(**one) for one in self.about["measures"]]
        there = [one for one in known if any(one.name in row for row in self.rows)]
        return sorted(there, key=lambda one: (*KINDS, one.kind).index(one.kind))

    @functools.cached_property
    def headline(self) -> list[str]:
        """The names of those that stand in the first table, in the domain's order."""
        here = {one.name for one in self.measures if one.headline}
        return [one["name"] for one in self.about["measures"] if one["name"] in here]

    @functools.cached_property
    def arms(self) -> list[str]:
        """The arms that were run, in the domain's order."""
        here = {row["arm"] for row in (*self.rows, *self.rates)}
        return [arm for arm in self.about["arms"] if arm in here]

    @functools.cached_property
    def baseline(self) -> str | None:
        """The arm without synthetic data, against which the others are held."""
        return self._first(corrects=False, synthetic=False)

    @functools.cached_property
    def uncorrected(self) -> str | None:
        """The arm that augments and corrects nothing: what collapses."""
        return self._first(corrects=False, synthetic=True, predicted=True)

    def _first(self, **facts: bool) -> str | None:
        return next((arm for arm in self.arms if facts.items() <= self.about["arms"][arm].items()), None)

    def corrects(self, arm: str) -> bool:
        """Whether the arm changes its samples."""
        return self.about["arms"][arm]["corrects"]

    def heading(self, name: str) -> str:
        """A measure's name and unit as a reader is told them."""
        return heading(name, {one["name"]: one["unit"] for one in self.about["measures"]}.get(name, ""))


def find(out: Path) -> Results:
    """Measure everything that is left of the run in ``out``: minutes, less where it was measured before.

    Raises:
        DataError: where ``out`` holds no run, or files of it cannot be read.
    """
    from selfloop.engine.measure import measured, reference_lines  # what draws from records needs neither

    about = folder.about(out)
    rates, distances = contraction.measure(out)
    rows = placed(about, measured(out))
    return Results(about, rows, rates, distances, effective_gamma.measure(out), reference_lines(out))


def pack(results: Results) -> Rows:
    """The results as records; the measures of coupled chains are left out, as nothing shows them."""
    kept = dict.fromkeys([*(one["name"] for one in results.about["measures"]), *KEPT])
    head = ("n", "axes", "lam", "arm", "seed", "start")
    records: Rows = [{"kind": "about", **results.about}]
    for name, rows in grouped(uncoupled(results.rows), *head).items():
        records.append({"kind": "chain", **recorded(dict(zip(head, name, strict=True))), **_columns(rows, kept)})
    for kind, rows in (("rate", results.rates), ("distance", results.distances), ("gamma", results.gammas)):
        records += [{"kind": kind, **recorded(row)} for row in rows]
    for n, lines in results.real.items():
        records += [{"kind": "real", "of": n, "line": line, **row} for line, row in lines.items()]
    return [_rounded(record) for record in records]


def _columns(rows: Rows, kept: Iterable[str]) -> dict[str, Any]:
    """A chain's generations, and the values of what it has of ``kept``."""
    rows = sorted(rows, key=lambda row: row["generation"])
    there = [name for name in kept if any(row.get(name) is not None for row in rows)]
    values = {name: [row.get(name) for row in rows] for name in there}
    return {"generation": [row["generation"] for row in rows], "values": values}


def unpack(records: Iterable[Row], about: Mapping[str, Any] | None = None) -> Results:
    """The results that were packed, to the digits kept; ``about`` is needed where the records do not say it.

    Records of selfloop 0.1 name chains ``lane``, the line of real data ``floor``, and have a column for every axis.

    Raises:
        DataError: no ``about``.
    """
    kinds: dict[str, Rows] = {}
    for record in records:
        kinds.setdefault(_NOW.get(record["kind"], record["kind"]), []).append(_without(record, "kind"))
    about = next(iter(kinds.get("about", ())), about)
    if about is None:
        raise DataError("the records do not say what their measures mean (kind about)")
    real: dict[str, dict[str, Row]] = {}
    for row in kinds.get("real", ()):
        real.setdefault(row["of"], {})[row.get("line", "real")] = _without(row, "of", "line")
    kinds["chain"] = [row for chain in kinds.get("chain", ()) for row in _rows(chain)]
    tables = (placed(about, map(_read, kinds.get(kind, ()))) for kind in ("chain", "rate", "distance", "gamma"))
    return Results(about, *tables, real)


def _without(row: Row, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _rows(chain: Row) -> Rows:
    """One row a generation of a chain."""
    head = _without(chain, "generation", "values")
    values = [{name: column[i] for name, column in chain["values"].items() if column[i] is not None}
              for i in range(len(chain["generation"]))]  # fmt: skip
    return [{**head, "generation": t, **one} for t, one in zip(chain["generation"], values, strict=True)]


def _read(row: Row) -> dict[str, Any]:
    """A row with its numbers as numbers: null is NaN, "inf" infinity."""
    return {name: value if name in _TEXT else _numbers(value) for name, value in row.items()}


def _numbers(value: Any) -> Any:
    return [number(one) for one in value] if isinstance(value, list) else number(value)


def _rounded(value: Any) -> Any:
    match value:
        case dict():
            return {name: _rounded(item) for name, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case float() if math.isfinite(value):
            return float(f"{value:.{DIGITS}g}")
    return value
