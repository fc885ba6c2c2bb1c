"""What a grid shows: a table on screen, a page with all tables and figures, and the small records behind them."""

import math
from pathlib import Path
from typing import Any

from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose, there
from selfloop.analysis.results import Findings, Rows, find, pack
from selfloop.domains.motion.grid import picture, rates
from selfloop.report import figures, page
from selfloop.report.page import Plot
from selfloop.report.tables import CELL, tables
from selfloop.runs import progress, record
from selfloop.wording import heading

TITLE = "Which collapse does correction cure?"
RECORDS = "grid.jsonl"


def write(out: Path) -> Path:
    """Measure what the grid in ``out`` has left, write its records, figures and page, print the headline; the page.

    Raises:
        SelfloopError: where files of the grid are absent or cannot be read, or the page cannot be written.
    """
    findings = find(out)
    record.rewrite(out / RECORDS, pack(findings))
    made = tables(findings)
    progress.table(made[0].rows, made[0].columns, title=f"{TITLE} {made[0].title}")
    progress.table(made[1].rows, made[1].columns, title=made[1].title)
    drawn = save_figures(findings, out / "figures")
    path = out / "report.html"
    page.write(
        path,
        TITLE,
        summary(findings),
        record.read_json(out / "config.json"),
        record.read_json(out / "environment.json"),
        tables=made,
        plots=[Plot(figure, caption) for figure, caption in drawn.values()],
    )
    return path


def records(out: Path) -> Rows:
    """The small records of a grid that every figure can be drawn from again (`findings.unpack`)."""
    return pack(find(out))


def save_figures(findings: Findings, folder: Path, prefix: str = "grid") -> dict[str, tuple[Any, str]]:
    """Write every figure as ``prefix_<name>.png``; figures and captions by name."""
    drawn = picture.draw(findings)
    for name, (figure, _) in drawn.items():
        figures.save(folder / f"{prefix}_{name}.png", figure)
    return drawn


def summary(findings: Findings) -> list[str]:
    """What was run and what it says, in sentences made of the numbers alone."""
    chains: dict[tuple, bool] = {}
    for row in findings.rows:
        chain = tuple(row[name] for name in (*CELL, "seed", "start"))
        chains[chain] = chains.get(chain, False) or bool(row.get("stopped"))
    last = max((row["generation"] for row in findings.rows), default=0)
    lines = [
        f"{len(chains)} chains of up to {last} generations; {sum(one[-1] != one[-2] for one in chains)} of them are "
        f"twins, {sum(chains.values())} diverged and were stopped."
    ]
    parts = decompose(findings.rows)
    for measure in there(findings.rows, ("fid_features", "modes_effective", "skate_mm_per_frame", "jerk")):
        lines += _cured([row for row in parts if row["measure"] == measure and not math.isnan(row["removed"])])
    return lines + ([rates.contraction(findings.rates, findings.gammas)[1]] if findings.rates else [])


def _cured(rows: Rows) -> list[str]:
    """In how many cells each arm surely removes some of what became of one measure, or surely adds to it."""
    found = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        shares = [spread_of(row, "removed") for row in rows if row["arm"] == arm]
        read = [one for one in shares if math.isfinite(one.low) and math.isfinite(one.high)]
        found.append(
            f"{heading(rows[0]['measure'])}, {arm.replace('_', ' ')}: the uncorrected loop can be told from the "
            f"baseline in {len(read)} of {len(shares)} cells; correction surely removes some of that in "
            f"{sum(one.low > 0 for one in read)} and surely adds to it in {sum(one.high < 0 for one in read)}."
        )
    return found
