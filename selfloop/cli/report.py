"""`selfloop report`: the page of a run again, and its tables and samples as files for other programs."""

from pathlib import Path
from typing import Literal

import tyro

from selfloop.errors import ConfigError
from selfloop.result import Result, load, own_part
from selfloop.runs import files

Format = Literal["csv", "bvh", "gif"]


def report(run: tyro.conf.Positional[Path], *, export: tuple[Format, ...] = (), to: Path | None = None) -> int:
    """Write the report of a run again; with --export also its tables (csv) and motions (bvh, gif).

    Args:
        run: The run's folder.
        export: Formats to write as well.
        to: Folder of what is exported; by default RUN/export.
    """
    result = load(run)
    path = result.report()
    folder = to or result.path / "export"
    for written in [one for form in export for one in exported(result, form, folder)]:
        print(written)
    print(f"report: {path}")
    return 0


def exported(result: Result, form: str, to: Path) -> list[Path]:
    """Write what a run has in one format; the files' paths.

    Raises:
        ConfigError: a format that the run's domain cannot be written in.
    """
    if form == "csv":
        return [_stored(to / f"{name}.csv", table.csv) for name, table in result.report_tables.items()]
    name = result.results.about["name"]
    known = own_part(name, "export", "EXPORTS") or {}
    if form not in known:
        raise ConfigError(f"runs of {name} cannot be exported as {form}; choose among {', '.join(['csv', *known])}")
    return known[form](result.path, to)


def _stored(path: Path, text: str) -> Path:
    files.replace(path, text.encode())
    return path
