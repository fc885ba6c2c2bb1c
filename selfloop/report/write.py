"""The report of a run: a table on screen, figures, one page, and the small records behind them."""

from pathlib import Path

from selfloop.analysis.results import Results, find, pack
from selfloop.engine.domain import Domain
from selfloop.report import figures, page
from selfloop.report.page import Plot, Section
from selfloop.report.panels import draw
from selfloop.report.summary import summary
from selfloop.report.tables import tables
from selfloop.runs import progress, record

RECORDS = "results.jsonl"
PRINTED = ("Last generation", "Contraction")
"""The tables that are shown on screen, too."""


def write(out: Path, domain: Domain | None = None) -> Path:
    """Measure what the run in ``out`` has left, and `show` it; the path of the page.

    Raises:
        SelfloopError: where files of the run are absent or cannot be read, or the page cannot be written.
    """
    return show(find(out), out, domain)


def show(results: Results, out: Path, domain: Domain | None = None) -> Path:
    """Write records, figures and page of results into the folder of their run, print the headline; the page's path.

    The page has the domain's own sections, where a domain is given.
    """
    record.rewrite(out / RECORDS, pack(results))
    made = tables(results)
    for table in made:
        if table.title in PRINTED:
            progress.table(table.rows, table.columns, title=f"{table.title}. {table.caption}")
    config, path = record.read_json(out / "config.json"), out / "report.html"
    page.write(
        path,
        results.about["title"],
        summary(results, config),
        config,
        record.read_json(out / "environment.json"),
        tables=made,
        plots=list(save_figures(results, out / "figures").values()),
        sections=[Section(title, html) for title, html in (domain.sections(out) if domain else ())],
    )
    return path


def save_figures(results: Results, folder: Path, prefix: str = "") -> dict[str, Plot]:
    """Write every figure as ``<prefix><name>.png``; figures by name."""
    drawn = draw(results)
    for name, plot in drawn.items():
        figures.save(folder / f"{prefix}{name}.png", plot.figure)
    return drawn
