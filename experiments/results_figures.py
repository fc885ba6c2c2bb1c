"""Draw the figures of docs/results.md again from the records beside it; no run, no data and no model is needed.

python experiments/results_figures.py                              docs/results/grid*.jsonl -> docs/figures/
python experiments/results_figures.py RECORDS.jsonl --out FOLDER   from other records: a grid writes grid.jsonl
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from command import guarded

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Config:
    """Which records, and where the figures go."""

    records: tuple[Path, ...] = ()
    """Files of records, one a grid; by default docs/results/grid*.jsonl. A file's name begins those of its figures."""
    out: Path = DOCS / "figures"
    """The folder of the figures."""


def draw(config: Config) -> Path:
    """Draw every figure that the records hold; the folder they are in.

    Raises:
        DataError: no records.
    """
    from selfloop.analysis.results import unpack
    from selfloop.errors import DataError
    from selfloop.report.write import save_figures
    from selfloop.runs import record

    paths = config.records or tuple(sorted((DOCS / "results").glob("grid*.jsonl")))
    if not paths:
        raise DataError(f"no records in {DOCS / 'results'}; give the grid.jsonl that a grid wrote")
    for path in paths:
        if not (rows := record.read(path)):
            raise DataError(f"{path}: no such file, or nothing in it; give the grid.jsonl that a grid wrote")
        save_figures(unpack(rows), config.out, path.stem)
    return config.out


def run(arguments: list[str]) -> Path:
    """Do what the command line asks for."""
    import tyro

    return draw(tyro.cli(Config, args=arguments, description=__doc__))


if __name__ == "__main__":
    sys.exit(guarded(run, "figures", "stopped"))
