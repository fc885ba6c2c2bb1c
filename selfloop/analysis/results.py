"""All that the tables and figures of a grid are made of, from its folder or from the small records in the docs.

The records are JSON objects of five kinds: a ``lane`` (its measures as lists over the generations), a ``rate``, a
``distance`` (of a pair of twins), a ``gamma``, a ``floor``. Figures need nothing else. Numbers have five digits.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from selfloop.analysis.components import KINDS, own, there
from selfloop.analysis.cost import PARTS
from selfloop.domains.motion.grid import contraction, gammas
from selfloop.engine.measure import floor_rows, measured
from selfloop.runs.record import number

DIGITS = 5
LANE = ("n", "guidance", "arm", "lam", "seed", "start")
_TEXT = ("kind", "arm", "distance", "space", "why", "generation", "n", "seed", "start", "seeds", "samples", "apart")

Rows = list[dict[str, Any]]


class Findings(NamedTuple):
    """What was measured of a grid."""

    rows: Rows
    """One a lane and generation: `measuring.measured`."""
    rates: Rows
    """`contraction.measure`."""
    distances: Rows
    """The same."""
    gammas: Rows
    """`gammas.measure`."""
    floors: dict[str, dict[str, Any]]
    """What real windows score, by n as text: `measuring.floor_rows`."""


def find(out: Path) -> Findings:
    """Measure everything that is left of the grid in ``out``: minutes, less where it was measured before."""
    rates, distances = contraction.measure(out)
    return Findings(measured(out), rates, distances, gammas.measure(out), floor_rows(out))


def pack(findings: Findings) -> Rows:
    """The findings as records; twins' measures are left out, as no figure shows them."""
    kept = there(findings.rows, [measure for kind in KINDS.values() for measure in kind])
    kept += tuple(f"{clock}_{part}" for clock in ("seconds", "core_seconds") for part in PARTS)
    lanes: dict[tuple, Rows] = {}
    for row in own(findings.rows):
        lanes.setdefault(tuple(row[name] for name in LANE), []).append(row)
    records = [_lane(name, rows, kept) for name, rows in lanes.items()]
    for kind, rows in (("rate", findings.rates), ("distance", findings.distances), ("gamma", findings.gammas)):
        records += [{"kind": kind} | row for row in rows]
    records += [{"kind": "floor", "of": n} | row for n, row in findings.floors.items()]
    return [_rounded(record) for record in records]


def _lane(name: tuple, rows: Rows, kept: Iterable[str]) -> dict[str, Any]:
    rows = sorted(rows, key=lambda row: row["generation"])
    values = {measure: [row.get(measure) for row in rows] for measure in kept}
    values = {measure: column for measure, column in values.items() if any(one is not None for one in column)}
    head = {"kind": "lane"} | dict(zip(LANE, name, strict=True))
    return head | {"generation": [row["generation"] for row in rows], "values": values}


def unpack(records: Iterable[Mapping[str, Any]]) -> Findings:
    """The findings that were packed, to the digits kept."""
    kinds: dict[str, Rows] = {kind: [] for kind in ("lane", "rate", "distance", "gamma", "floor")}
    for record in records:
        kinds[record["kind"]].append({name: value for name, value in record.items() if name != "kind"})
    floors = {row["of"]: {name: value for name, value in row.items() if name != "of"} for row in kinds["floor"]}
    rates, distances, gammas = ([_read(row) for row in kinds[kind]] for kind in ("rate", "distance", "gamma"))
    return Findings([row for lane in kinds["lane"] for row in _rows(lane)], rates, distances, gammas, floors)


def _rows(lane: Mapping[str, Any]) -> Rows:
    head = {name: lane[name] for name in LANE}
    return [
        head
        | {"generation": generation}
        | {name: number(column[i]) for name, column in lane["values"].items() if column[i] is not None}
        for i, generation in enumerate(lane["generation"])
    ]


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its numbers as numbers: null is NaN, "inf" infinity."""
    lists = {name: [number(one) for one in value] for name, value in row.items() if isinstance(value, list)}
    plain = {name: value if name in _TEXT else number(value) for name, value in row.items() if name not in lists}
    return plain | lists


def _rounded(value: Any) -> Any:
    match value:
        case dict():
            return {name: _rounded(item) for name, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case float() if math.isfinite(value):
            return float(f"{value:.{DIGITS}g}")
    return value
