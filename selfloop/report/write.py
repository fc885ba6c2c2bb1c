"""The report of a run: a table on screen, figures, one page, and the small records behind them."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfloop.analysis.glossary import WORDS
from selfloop.analysis.results import Results, find, pack
from selfloop.engine import folder
from selfloop.engine.domain import Domain
from selfloop.metrics.estimates import Estimate
from selfloop.report import figures, page
from selfloop.report.finding import finding
from selfloop.report.page import Plot, Section, Table
from selfloop.report.panels import draw
from selfloop.report.summary import summary
from selfloop.report.tables import limits, tables, unread_gammas
from selfloop.report.values import shown
from selfloop.runs import progress, record
from selfloop.wording import duration

RECORDS = "results.jsonl"
PRINTED = ("Last generation", "Contraction")
"""The tables that are shown on screen, too."""


def write(out: Path, domain: Domain | None = None) -> Path:
    """Measure what the run in ``out`` has left, and `show` it; the path of the page.

    Raises:
        SelfloopError: where files of the run are absent or cannot be read, or the page cannot be written.
    """
    if domain is not None:
        folder.write_about(out, domain)  # what its measures mean may be said better than when the run was begun
    return show(find(out), out, domain)


def show(results: Results, out: Path, domain: Domain | None = None) -> Path:
    """Write records, figures and page of results into the folder of their run, print the headline; the page's path.

    The page has the domain's own sections, where a domain is given.
    """
    record.rewrite(out / RECORDS, pack(results))
    made = tables(results)
    for table in made:
        if table.title in PRINTED:
            print_table(table)
    print(finding(results))
    config, path = record.read_json(out / "config.json"), out / "report.html"
    environment = record.read_json(out / "environment.json")
    page.write(
        path,
        results.about["title"],
        summary(results, config),
        config,
        environment,
        tables=made,
        plots=list(save_figures(results, out / "figures").values()),
        sections=[Section(title, html) for title, html in (domain.sections(out) if domain else ())],
        finding=finding(results),
        about=about(out, environment),
        words=words(results),
        notes=[note for note in (unread_gammas(results),) if note],
    )
    return path


def print_table(table: Table) -> None:
    """Show a table in the terminal."""
    rows = [{name: shown(value) if isinstance(value, Estimate) else value for name, value in row.items()}
            for row in table.rows]  # fmt: skip
    progress.table(rows, table.columns, title=f"{table.title}. {table.caption}")


def about(out: Path, environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was run: on which data, by which command, when, with which version; as far as the folder says it."""
    told = [record.read_json(path) for path in sorted((out / "data").glob("n*/about.json"))]
    data = "; ".join(dict.fromkeys(one["about"] for one in told if one.get("about")))
    found = {"Data": data, "Command": environment.get("command"), "When": _when(out, environment)}
    version = (environment.get("packages") or {}).get("selfloop")
    devices = ", ".join(environment.get("devices") or ())
    found["Made by"] = f"selfloop {version}, on {devices or 'an unknown device'}" if version else None
    return [(name, text) for name, text in found.items() if text]


def _when(out: Path, environment: Mapping[str, Any]) -> str:
    """When the run began and its last job was done."""
    began = environment.get("started")
    ends = [path.stat().st_mtime for path in out.glob("jobs/*/done")]
    if not ends:
        return f"begun {began}" if began else ""
    end = datetime.datetime.fromtimestamp(max(ends), datetime.UTC)
    text = f"finished {end:%Y-%m-%d %H:%M} UTC"
    if not began:
        return text
    took = (end - datetime.datetime.fromisoformat(began)).total_seconds()
    return f"begun {began[:16].replace('T', ' ')} UTC, {text} ({duration(max(took, 0))} later)"


def words(results: Results) -> dict[str, str]:
    """What a newcomer may look up: words of the field, then every measure of the run."""
    own = {results.heading(one.name): limits(results, one.name).about for one in results.measures}
    return WORDS | {name: text for name, text in own.items() if text}


def save_figures(results: Results, to: Path, prefix: str = "") -> dict[str, Plot]:
    """Write every figure as ``<prefix><name>.png``; figures by name."""
    drawn = draw(results)
    for name, plot in drawn.items():
        figures.save(to / f"{prefix}{name}.png", plot.figure)
    return drawn
