"""Tables and figures of docs/images.md from the records beside it; no run, no data and no model is needed.

python experiments/image_figures.py                           docs/results/images*.jsonl -> tables, docs/figures/
python experiments/image_figures.py --keep RUN --name NAME    first keep what a run measured as images_NAME.jsonl
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfloop.cli.guard import script

DOCS = Path(__file__).parents[1] / "docs"
LAST = 5
"""Generations at the end that tables average."""
IMAGES = ("fid_latents", "fid_classifier", "within_latents", "recall", "coverage", "nearest_real")
CODED = ("fid_latents", "recall", "entropy_class", "encoder_square", "within_class", "coverage")
POINTS = ("off_mode", "mode_variance", "fid_points", "kid_points", "recall", "coverage")
"""What is shown of images with labels, of those of an autoencoder, and of points."""
KEPT = (*IMAGES, *CODED, *POINTS, "kid_latents", "fid_infinity_latents", "modes_effective", "precision",
        "label_correct", "grey", "square", "moved", "core_seconds_sample", "core_seconds_correct", "core_seconds_train",
        "core_seconds_evaluate", "core_seconds_audit")  # fmt: skip
ABOUT = ("preset", "data", "n", "lam", "guidance", "size", "model", "network", "evaluate", "first_steps", "steps",
         "fine_rate", "generations", "seeds", "sample_steps")  # fmt: skip
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Config:
    """What to keep first, and where everything is."""

    keep: Path | None = None
    """A finished run's folder, whose measures become records."""
    name: str = ""
    """What its records are called: images_NAME.jsonl."""
    records: Path = DOCS / "results"
    """The folder of the records."""
    out: Path = DOCS / "figures"
    """The folder of the figures."""


def kept(run: Path) -> list[Row]:
    """The records of a run: its settings, measures with five digits, effective gammas, lines of real data.

    Raises:
        DataError: no run, or one that is not finished.
    """
    from selfloop.errors import DataError
    from selfloop.runs import record

    rows, results = record.read(run / "metrics.jsonl"), record.read(run / "results.jsonl")
    if not rows or not results:
        raise DataError(f"--keep {run}: no metrics.jsonl and results.jsonl here; give the folder of a finished run")
    config, found = record.read_json(run / "config.json"), record.read_json(run / "environment.json")
    head = {"record": "run", "command": found.get("command"), **{name: config.get(name) for name in ABOUT}}
    short = lambda row: {name: _digits(row[name]) for name in KEPT if name in row}  # noqa: E731
    told = [{"record": "metrics", **{name: row[name] for name in ("arm", "lam", "seed", "generation")}, **short(row)}
            for row in rows]  # fmt: skip
    gammas = [{"record": "gamma", **{name: value for name, value in row.items() if name != "kind"}}
              for row in results if row["kind"] == "gamma"]  # fmt: skip
    real = [{"record": "real", "line": row["line"], **short(row)} for row in results if row["kind"] == "real"]
    return [head, *told, *gammas, *real]


def by_seed(rows: Sequence[Row], arm: str, measure: str, last: int = LAST) -> dict[int, float]:
    """Each seed's mean of a measure over the last generations."""
    end, found = max(row["generation"] for row in rows), {}
    for row in rows:
        if row["arm"] == arm and row["generation"] > end - last and measure in row:
            found.setdefault(row["seed"], []).append(row[measure])
    return {seed: sum(values) / len(values) for seed, values in found.items()}


def table(rows: Sequence[Row], measures: Sequence[str], against: str = "") -> dict[str, dict[str, Any]]:
    """By arm and measure: the mean over seeds of `by_seed`, an `Estimate`; less that of the arm ``against``.

    Arms share random numbers, so that differences are taken seed by seed, and their intervals are much narrower than
    those of the arms.
    """
    from selfloop.metrics.estimates import over_seeds

    found: dict[str, dict[str, Any]] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows if row["arm"] != against):
        for name in measures:
            own, other = by_seed(rows, arm, name), by_seed(rows, against, name)
            shared = [seed for seed in own if not against or seed in other]
            if shared:
                values = [own[seed] - (other[seed] if against else 0) for seed in shared]
                found.setdefault(arm, {})[name] = over_seeds(values)
    return found


def restored(rows: Sequence[Row], measures: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By arm and measure: what share of the uncorrected arm's loss the arm restores, an `Estimate` over seeds.

    (arm - uncorrected) / (baseline - uncorrected) of each seed's `by_seed`: 0 is uncorrected, 1 as good as real data
    alone. Empty where there are not both.
    """
    from selfloop.metrics.estimates import over_seeds

    found: dict[str, dict[str, Any]] = {}
    for arm in dict.fromkeys(row["arm"] for row in rows if row["arm"] not in ("baseline", "uncorrected")):
        for name in measures:
            own, none, real = (by_seed(rows, one, name) for one in (arm, "uncorrected", "baseline"))
            if shared := [seed for seed in own if seed in none and seed in real]:
                values = [(own[seed] - none[seed]) / (real[seed] - none[seed]) for seed in shared]
                found.setdefault(arm, {})[name] = over_seeds(values)
    return found


def draw(config: Config) -> Path:
    """Print the table of every file of records and draw its figure; the folder of the figures.

    Raises:
        DataError: no records.
    """
    from selfloop.errors import DataError
    from selfloop.report import figures
    from selfloop.runs import record

    if config.keep is not None:
        record.rewrite(config.records / f"images_{config.name}.jsonl", kept(config.keep))
    paths = sorted(config.records.glob("images*.jsonl"))
    if not paths:
        raise DataError(f"no images*.jsonl in {config.records}; --keep RUN makes them of a finished run")
    config.out.mkdir(parents=True, exist_ok=True)
    for path in paths:
        records = record.read(path)
        rows = [_named(row) for row in records if row["record"] == "metrics"]
        wanted = POINTS if any("off_mode" in row for row in rows) else IMAGES
        wanted = CODED if any("encoder_square" in row for row in rows) else wanted
        measures = [name for name in wanted if any(name in row for row in rows)]
        show(path.stem, rows, measures)
        lines = {row["line"]: row for row in records if row["record"] == "real" and row["line"] == "real"}
        figure = figures.grid(rows, measures, list(dict.fromkeys(row["arm"] for row in rows)), lines)
        figures.save(config.out / f"{path.stem}.png", figure)
    return config.out


def show(title: str, rows: Sequence[Row], measures: Sequence[str]) -> None:
    """The tables on screen."""
    from selfloop.report.values import shown
    from selfloop.runs import progress

    end, seeds = max(row["generation"] for row in rows), len({row["seed"] for row in rows})
    when = f"generations {end - LAST + 1} to {end}"
    made = {
        f"{when}, mean of {seeds} seeds and its 95 % interval (Student)": table(rows, measures),
        "less the arm uncorrected, seed by seed": table(rows, measures, "uncorrected"),
        "share of the loss that is restored, seed by seed": restored(rows, measures),
    }
    for told, found in made.items():
        lines = [{"arm": arm, **{name: shown(value) for name, value in one.items()}} for arm, one in found.items()]
        progress.table(lines, ["arm", *measures], title=f"{title}: {told}")


def _named(row: Row) -> Row:
    """An arm at another lambda than 1 is one of its own."""
    lam = row.get("lam", 1)
    return row if lam in (0, 1) else {**row, "arm": f"{row['arm']}, lambda {lam:g}"}


def _digits(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def run(arguments: list[str]) -> Path:
    """Do what the command line asks for."""
    import tyro

    return draw(tyro.cli(Config, args=arguments, description=__doc__))


if __name__ == "__main__":
    sys.exit(script(run, "figures"))
