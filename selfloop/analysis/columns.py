"""Estimates as columns of a row: NAME, NAME_low, NAME_high."""

from collections.abc import Mapping
from typing import Any

from selfloop.metrics.estimates import Estimate
from selfloop.runs.record import number


def spread(name: str, one: Estimate) -> dict[str, float]:
    """An estimate as columns of a row: NAME, NAME_low, NAME_high."""
    return {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}


def spread_of(row: Mapping[str, Any], name: str) -> Estimate:
    """The estimate that a row holds as NAME, NAME_low, NAME_high, as `spread` or a record of it put it there."""
    return Estimate(*(number(row.get(name + end)) for end in ("", "_low", "_high")))
