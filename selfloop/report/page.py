"""The report of a run: one HTML file that needs no network and no other file."""

import csv
import urllib.parse
from collections.abc import Mapping, Sequence
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from selfloop.drawing import INK
from selfloop.report.values import flat, right, shown
from selfloop.runs import files, record
from selfloop.wording import cell, heading

WIDE = 6.0
"""Inches from which a figure takes the whole width of the page."""
SMALLEST = 11.0
"""No text of a figure is shown smaller than this (CSS pixels): figures scroll sooner."""


LARGEST = 1.5
"""A figure grows to this times its least width at the most."""


class Table(NamedTuple):
    """Rows under named columns; values may be estimates."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    caption: str = ""
    about: Mapping[str, str] = {}  # noqa: RUF012 (never written to)
    """Definitions of columns, shown under the pointer."""
    names: Mapping[str, str] = {}  # noqa: RUF012
    """Machine-readable names of columns, where they are not the headings."""

    def right(self, column: str) -> bool:
        """Whether the column holds numbers, which stand at its right."""
        return any(right(row.get(column)) for row in self.rows)

    @property
    def csv(self) -> str:
        """The table as comma-separated values; an estimate takes three columns (`values.flat`)."""
        rows = [flat({name: row.get(name) for name in self.columns}, self.names) for row in self.rows]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        out = StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()


class Plot(NamedTuple):
    """A figure, and how a page shows it."""

    figure: Any
    """`selfloop.figure.Figure`: what is saved as a picture, and shown in a notebook."""
    caption: str = ""
    panels: Sequence[Any] = ()
    """Figures that a page shows in its place: small ones, which stand side by side where there is room."""
    key: Sequence[tuple[str, str, str]] = ()
    """The legend of the panels: sign, colour and label of each line."""


class Section(NamedTuple):
    """A heading over HTML that is put in as it is: its maker has escaped what needs it."""

    title: str
    html: str


def write(
    path: str | Path,
    title: str,
    summary: Sequence[str],
    config: Mapping[str, Any],
    environment: Mapping[str, Any],
    tables: Sequence[Table] = (),
    plots: Sequence[Plot] = (),
    sections: Sequence[Section] = (),
    *,
    finding: str = "",
    about: Sequence[tuple[str, str]] = (),
    words: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write the page: the finding, what was run, the sections, tables and figures, then words and provenance.

    Args:
        path: where to.
        title: its heading.
        summary: sentences under the finding.
        config: every setting.
        environment: what it ran on.
        tables: shown in this order, each with a link to its CSV.
        plots: shown in this order.
        sections: HTML that stands before tables and figures.
        finding: what was found, in one sentence.
        about: label and text of what was run: when, with which command, on which data.
        words: definitions of what a newcomer may not know.
        notes: what could not be read, and why.

    Raises:
        SelfloopError: where it cannot be written.
    """
    import jinja2

    template = resources.files("selfloop.report").joinpath("page.html.j2").read_text("utf-8")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters.update(shown=shown, heading=heading, data=_data)
    html = page.from_string(template).render(
        title=title,
        finding=finding,
        about=about,
        summary=summary,
        facts=[("Config", _flat(config)), ("Environment", _flat(environment))],
        tables=tables,
        plots=[_drawn(plot) for plot in plots],
        sections=sections,
        words=words or {},
        notes=notes,
    )
    files.replace(path, html.encode())


def _drawn(plot: Plot) -> dict[str, Any]:
    """A plot as the template takes it: its panels as SVG with the least width at which their text can be read."""
    panels = [readable(one) for one in plot.panels or [plot.figure]]
    wide = len(panels) > 1 or (plot.panels or [plot.figure])[0].get_figwidth() > WIDE
    return {"panels": panels, "caption": plot.caption, "key": plot.key, "wide": wide}


def readable(figure: Any) -> str:
    """A figure as an SVG element neither too narrow for its text to be read nor blown up; let what holds it scroll."""
    least = _pixels(figure)
    return svg(figure).replace("<svg", f'<svg style="min-width: {least:.0f}px; max-width: {LARGEST * least:.0f}px"', 1)


def _pixels(figure: Any) -> float:
    """The width (CSS pixels) at which the figure's smallest text has `SMALLEST`; one more, as widths are rounded."""
    return 72 * figure.get_figwidth() * SMALLEST / figure.smallest_text() + 1


def svg(figure: Any) -> str:
    """A figure as an SVG element to stand inside HTML: same figure, same text; INK is the page's text colour."""
    return figure.svg().replace(INK, "currentColor")


def _data(text: str) -> str:
    """A text as the address of itself, for a link that saves it."""
    return "data:text/csv;charset=utf-8," + urllib.parse.quote(text)


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as pairs of a dotted name and a text."""
    pairs = []
    for key, item in record.plain(value).items():
        if isinstance(item, dict):
            pairs += _flat(item, f"{prefix}{key}.")
        else:
            pairs.append((prefix + key, ", ".join(map(cell, item)) if isinstance(item, list) else cell(item)))
    return pairs
