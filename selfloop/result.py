"""The result of a finished run as an object: its tables, figures and finding, in a notebook or a script.

result = selfloop.load("runs/gaussian_loop")
result.finding              what was found, with its interval
result.table()              the last generation, as a pandas DataFrame where pandas is installed
result.plot.curves()        a figure, which a notebook shows once
"""

import functools
import html
import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfloop.errors import ConfigError, DataError

if TYPE_CHECKING:
    from selfloop.analysis.results import Results
    from selfloop.engine.domain import Domain
    from selfloop.figure import Figure
    from selfloop.report.page import Table

GENERATIONS = "generations"
"""The table of every arm, seed and generation."""


def load(run: str | Path) -> "Result":
    """The result of the run in a folder; its records are read, or made where they are older than the run.

    Raises:
        DataError: no run in the folder, or files of it that cannot be read.
    """
    path = Path(run)
    path = path.parent if path.name == "report.html" else path
    if not (path / "domain.json").exists():
        raise DataError(f"{path} holds no run; give the folder that --out named, with its config.json")
    if not list(path.glob("jobs/*/rows.jsonl")) and not (path / "results.jsonl").exists():
        raise DataError(f"{path} holds a run that has done nothing yet; let it finish")
    return Result(path)


@dataclass(frozen=True, repr=False)
class Result:
    """A finished run."""

    path: Path
    """Its folder."""

    @functools.cached_property
    def results(self) -> "Results":
        """Everything measured, as records (`analysis.results`)."""
        from selfloop.analysis import results
        from selfloop.runs import record

        kept = self.path / "results.jsonl"
        newest = max((path.stat().st_mtime for path in self.path.glob("jobs/*/rows.jsonl")), default=0.0)
        if kept.exists() and kept.stat().st_mtime >= newest:
            return results.unpack(record.read(kept))
        found = results.find(self.path)
        record.rewrite(kept, results.pack(found))
        return found

    @functools.cached_property
    def finding(self) -> str:
        """What the run found, in one or two sentences with their intervals."""
        from selfloop.report.finding import finding

        return finding(self.results)

    @functools.cached_property
    def report_tables(self) -> dict[str, "Table"]:
        """The tables of the report by name, estimates in their cells."""
        from selfloop.report.tables import tables

        return {table.title.lower().replace(" ", "_"): table for table in tables(self.results)}

    @property
    def tables(self) -> list[str]:
        """The names that `table` takes."""
        return [*self.report_tables, GENERATIONS]

    def table(self, name: str = "last_generation") -> Any:
        """A table of the report, or (``generations``) every measure of every arm, seed and generation.

        An estimate takes three columns: NAME, NAME_low, NAME_high. A pandas DataFrame where pandas is installed, else a
        list of dicts.

        Raises:
            ConfigError: there is no table of that name.
        """
        from selfloop.report.values import flat

        if name == GENERATIONS:
            rows = [{**row, **dict(row["axes"])} for row in self.results.rows]
            return _frame([{key: value for key, value in row.items() if key != "axes"} for row in rows])
        if name not in self.report_tables:
            raise ConfigError(f"there is no table {name!r}; choose one of {', '.join(self.tables)}")
        table = self.report_tables[name]
        return _frame([flat({key: row.get(key) for key in table.columns}, table.names) for row in table.rows])

    @property
    def plot(self) -> "Plots":
        """The figures of the report, one a method."""
        return Plots(self)

    def report(self) -> Path:
        """Write the page again; its path."""
        from selfloop.engine import folder
        from selfloop.report.write import write

        return write(self.path, domain(folder.about(self.path)["name"]))

    def __repr__(self) -> str:
        return f"Result({str(self.path)!r}): {self.finding}"

    def _repr_html_(self) -> str:
        from selfloop.report.values import shown
        from selfloop.wording import heading, html_table

        table = self.report_tables["last_generation"]
        rows = [[shown(row.get(name)) for name in table.columns] for row in table.rows]
        title = f"<strong>{html.escape(self.results.about['title'])}</strong>"
        return f"<p>{title}<br>{html.escape(self.finding)}</p>" + html_table(
            [heading(name) for name in table.columns], rows, table.caption
        )


@dataclass(frozen=True)
class Plots:
    """The figures of a run. Each method returns a figure, which a notebook shows once where it ends a cell."""

    result: Result

    def curves(self, *measures: str) -> "Figure":
        """Measures over the generations, the headline ones by default, with the lines of real data.

        Raises:
            ConfigError: a measure that the run does not have.
        """
        from selfloop.report.panels import curves

        results = self.result.results
        there = [one.name for one in results.measures]
        if unknown := [name for name in measures if name not in there]:
            raise ConfigError(f"the run has no measure {unknown[0]!r}; choose among {', '.join(there)}")
        return curves(results, measures or results.headline)

    def samples(self) -> "Figure":
        """Samples of the last generation beside real ones: the domain's own picture where it has one."""
        from selfloop.report.samples import scatter

        own = own_part(self.result.results.about["name"], "scenes", "samples")
        return (own or scatter)(self.result.path)

    def components(self) -> "Figure":
        """What became of each measure, as a multiple of the baseline's end."""
        return self._figure("components", "it takes a baseline and values above 0")

    def prices(self) -> "Figure":
        """What a generation costs, by part."""
        return self._figure("prices", "the run has no times")

    def distances(self) -> "Figure":
        """Distances of coupled chains over the generations."""
        return self._figure("distances", "the run has no coupled chains (--coupled)")

    def contraction(self, distance: str = "paired") -> "Figure":
        """Predicted against measured contraction, by the distance of pairs (``paired``) or of laws (``mmd``).

        Raises:
            ConfigError: another distance, or nothing predicted could be held against a measurement.
        """
        names = {"paired": "contraction_paired", "mmd": "contraction"}
        if distance not in names:
            raise ConfigError(f"distance is {distance!r}; choose one of {', '.join(names)}")
        why = "it takes coupled chains (--coupled) of 4 generations or more, and a known gamma"
        return self._figure(names[distance], why)

    def gammas(self) -> "Figure":
        """Effective gammas over the generations."""
        return self._figure("gammas", "no effective gamma could be read")

    def _figure(self, name: str, why: str) -> "Figure":
        from selfloop.report.panels import draw

        drawn = draw(self.result.results, only=name)
        if name not in drawn:
            raise ConfigError(f"{self.result.path} has no figure {name}: {why}")
        return drawn[name].figure


def domain(name: str) -> "Domain | None":
    """The domain of this name that comes with selfloop; None for one of the user's own."""
    return own_part(name, "domain", name.upper())


def own_part(name: str, module: str, part: str) -> Callable[..., Any] | Any | None:
    """A part of a domain that comes with selfloop, ``selfloop.domains.NAME.MODULE:PART``; None where it has none."""
    try:
        return getattr(importlib.import_module(f"selfloop.domains.{name}.{module}"), part, None)
    except ModuleNotFoundError:
        return None


def _frame(rows: list[dict[str, Any]]) -> Any:
    """Rows as a pandas DataFrame, if pandas is installed."""
    if importlib.util.find_spec("pandas") is None:
        return rows
    import pandas

    return pandas.DataFrame(rows)
