"""Draw the figures of docs/results.md again from the records beside it; no run, no data and no model is needed.

python experiments/results_figures.py                                        docs/results/grid*.jsonl -> docs/figures/
python experiments/results_figures.py --records RECORDS.jsonl --out FOLDER   from other records: results.jsonl of a run
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from selfloop.cli.guard import script

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Config:
    """Which records, and where the figures go."""

    records: tuple[Path, ...] = ()
    """Files of records, one a run; by default docs/results/grid*.jsonl. A file's name begins those of its figures."""
    out: Path = DOCS / "figures"
    """The folder of the figures."""


def draw(config: Config) -> Path:
    """Draw every figure that the records hold; the folder they are in.

    Raises:
        DataError: no records.
    """
    from selfloop.errors import DataError
    from selfloop.report.write import save_figures
    from selfloop.runs import record

    paths = config.records or tuple(sorted((DOCS / "results").glob("grid*.jsonl")))
    if not paths:
        raise DataError(f"no records in {DOCS / 'results'}; give the results.jsonl that a run wrote")
    for path in paths:
        if not (rows := record.read(path)):
            raise DataError(f"{path}: no such file, or nothing in it; give the results.jsonl that a run wrote")
        save_figures(_unpacked(rows), config.out, f"{path.stem}_")
    return config.out


def _unpacked(rows: list[dict]):  # noqa: ANN202 (its type is imported only when it is needed)
    """The results in records; those of selfloop 0.1 do not say what their measures mean, and are of motion."""
    from selfloop.analysis.results import unpack

    if rows[0]["kind"] == "about":
        return unpack(rows)
    from selfloop.domains.motion.domain import MOTION
    from selfloop.engine.folder import about_of

    return unpack(rows, about_of(MOTION))


def run(arguments: list[str]) -> Path:
    """Do what the command line asks for."""
    import tyro

    return draw(tyro.cli(Config, args=arguments, description=__doc__))


if __name__ == "__main__":
    sys.exit(script(run, "figures", "stopped"))
