"""`selfloop compare`: finished runs side by side, differences paired by seed, with intervals."""

from collections.abc import Sequence
from pathlib import Path

import tyro

from selfloop.analysis.columns import spread_of
from selfloop.analysis.compare import Run
from selfloop.analysis.compare import compare as compared
from selfloop.errors import ConfigError
from selfloop.report.page import Table
from selfloop.report.write import print_table
from selfloop.result import load
from selfloop.runs import files, record

CAPTION = (
    "Mean of the last generations that both have; difference: this run less the first, within each seed; Student's "
    "95 % interval over seeds, each for itself. 'Cannot be told': the interval holds 0."
)


def compare(runs: tyro.conf.Positional[Sequence[Path]], *, csv: Path | None = None) -> int:
    """Compare finished runs, paired by seed: the first with each of the others, by arm and measure.

    Args:
        runs: Folders of two or more finished runs of one domain.
        csv: Where to write the tables, too.
    """
    tables = comparison(runs)
    for table in tables:
        print_table(table)
    if csv is not None:
        files.replace(csv, "\n".join(f"# {table.title}\n{table.csv}" for table in tables).encode())
        print(f"written: {csv}")
    return 0


def comparison(runs: Sequence[Path]) -> list[Table]:
    """A table for every run but the first.

    Raises:
        ConfigError: fewer than two runs, or what does not compare.
        DataError: a folder that holds no run.
    """
    if len(runs) < 2:
        raise ConfigError(f"{len(runs)} run{'s' * (len(runs) != 1)} given; give the folders of two runs or more")
    loaded = [Run(str(run), load(run).results, record.read_json(load(run).path / "config.json")) for run in runs]
    return [_table(loaded[0], other) for other in loaded[1:]]


def _table(first: Run, other: Run) -> Table:
    rows = []
    for row in compared(first, other):
        means = {name: spread_of(row, name) for name in ("first", "second", "difference")}
        rows.append(row | dict(row["axes"]) | means | {"measure": other.results.heading(row["measure"])})
    places = [name for name in ("n", *other.results.about["axes"], "lam") if len({row[name] for row in rows}) > 1]
    columns = [*places, "arm", "measure", "seeds", "first", "second", "difference", "verdict"]
    return Table(f"{other.name} against {first.name}", columns, rows, CAPTION)
