"""How names, numbers and times of a run are put to a reader; one way for terminal, page and figures."""

from collections.abc import Sequence
from html import escape
from typing import Any

_UNITS = {
    "_mm_per_frame": "mm/frame",
    "_m_per_s3": "m/s³",
    "_m_per_s2": "m/s²",
    "_m_per_s": "m/s",
    "_percent": "%",
    "_seconds": "s",
    "_deg": "°",
    "_mm": "mm",
}
"""Endings of measures that are not in SI's base units or are not plain numbers; longer ones first."""
_SI = {"jerk": "m/s³"}
_INITIALS = {"fid": "FID", "mmd": "MMD", "mmd2": "MMD²"}


def named(measure: str) -> tuple[str, str]:
    """Words and unit that a measure's name carries: ``skate_mm_per_frame`` is ("skate", "mm/frame")."""
    ending = next((ending for ending in _UNITS if measure.endswith(ending)), "")
    words = measure.removesuffix(ending).split("_")
    return " ".join(_INITIALS.get(word, word) for word in words), _UNITS.get(ending) or _SI.get(measure, "")


def heading(column: str, unit: str = "") -> str:
    """A column's heading: ``skate_mm_per_frame`` is "skate (mm/frame)"; a unit that is given goes before the name's."""
    words, implied = named(column)
    unit = unit or implied
    return f"{words} ({unit})" if unit else words


def cell(value: Any) -> str:
    """A value as a table shows it: four significant digits, a dash for what is absent."""
    if value is None or value != value:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A small HTML table, for notebooks; all text is escaped, and the first column names the rows."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(value)}</td>" for value in row) + "</tr>" for row in rows)
    below = f"<p><small>{escape(caption)}</small></p>" if caption else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def numeric(value: Any) -> bool:
    """Whether a value stands at the right of its column."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def duration(seconds: float) -> str:
    """Seconds as a short text: 8 s, 2 min 5 s, 1 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
