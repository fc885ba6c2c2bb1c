"""Values of tables as a reader sees them: estimates with their intervals, numbers to four digits, dashes.

Rows of tables hold estimates as they are, so that a page, a terminal and a data frame each put them in its own way.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.analysis.glossary import Entry, within
from selfloop.metrics.estimates import Estimate, over_seeds
from selfloop.wording import cell, numeric


class Mean(Estimate):
    """A mean over seeds: shown as value ± half where its interval is even, with its ends where a limit cuts it."""

    __slots__ = ()


def over(values: Sequence[float], limits: Entry | None = None) -> Estimate | float | None:
    """The mean over seeds, with Student's 95 % interval for three and more, half the range for two.

    One value is itself; ``limits`` cut the interval.
    """
    values = [value for value in values if math.isfinite(value)]
    if len(values) < 2:
        return values[0] if values else None
    one = over_seeds(values)
    if len(values) == 2:
        one = Estimate(one.value, min(values), max(values))
    return Mean(*within(one, limits or Entry("")))


def shown(value: Any) -> str:
    """A value of a table in words."""
    match value:
        case Mean(mean, low, high) if abs((high - mean) - (mean - low)) <= 1e-6 * (high - low) + 1e-12 * abs(mean):
            return f"{_digits(mean, 3)} ± {_digits((high - low) / 2, 2)}"
        case Estimate():
            return text(value) or cell(None)
    return cell(value)


def _digits(value: float, count: int) -> str:
    """A number to so many digits, without an exponent where four digits are enough."""
    return cell(float(f"{value:.{count}g}"))


def text(one: Estimate) -> str | None:
    """A value with its interval, to three digits; 'unread' where nothing is excluded."""
    if math.isnan(one.value):
        return None
    if one.low == -math.inf and one.high == math.inf:
        return "unread"
    value, low, high = (cell(float(f"{part:.3g}")) for part in one)
    return value if math.isnan(one.low) else f"{value} [{low}, {high}]"


def right(value: Any) -> bool:
    """Whether a value stands at the right of its column."""
    return isinstance(value, Estimate) or numeric(value)


def flat(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A row with machine-readable names (``names``: by heading), an estimate as NAME, NAME_low, NAME_high."""
    found: dict[str, Any] = {}
    for heading, value in row.items():
        name = names.get(heading, heading).replace(" ", "_")
        if isinstance(value, Estimate):
            found |= dict(zip((name, f"{name}_low", f"{name}_high"), value, strict=True))
        else:
            found[name] = value
    return found
