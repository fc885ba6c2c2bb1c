"""The report of a run: one HTML file that needs no network and no other file."""

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from selfloop.report import figures
from selfloop.runs import files, record
from selfloop.wording import cell, heading, numeric

WIDE = 6.0
"""Inches from which a figure takes the whole width of the page."""


class Table(NamedTuple):
    """Rows under named columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    caption: str = ""


class Plot(NamedTuple):
    """A matplotlib figure."""

    figure: Any
    caption: str = ""


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
) -> None:
    """Write the page: what was found, the sections, the tables, the figures, then config and provenance.

    Raises:
        SelfloopError: where it cannot be written.
    """
    import jinja2

    template = resources.files("selfloop.report").joinpath("page.html.j2").read_text("utf-8")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters.update(cell=cell, heading=heading, numeric=numeric)
    html = page.from_string(template).render(
        title=title,
        summary=summary,
        facts=[("Config", _flat(config)), ("Environment", _flat(environment))],
        tables=tables,
        plots=[(svg(plot.figure), plot.caption, plot.figure.get_figwidth() > WIDE) for plot in plots],
        sections=sections,
    )
    files.replace(path, html.encode())


def svg(figure: Any) -> str:
    """A figure as an SVG element to stand inside HTML: same figure, same text; INK is the page's text colour."""
    import matplotlib

    out = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "selfloop"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()[out.getvalue().index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)  # HTML knows these; without them the page names no address
    return text.replace(figures.INK, "currentColor")


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as pairs of a dotted name and a text."""
    pairs = []
    for key, item in record.plain(value).items():
        if isinstance(item, dict):
            pairs += _flat(item, f"{prefix}{key}.")
        else:
            pairs.append((prefix + key, ", ".join(map(cell, item)) if isinstance(item, list) else cell(item)))
    return pairs
