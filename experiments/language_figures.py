"""Draw the figures of docs/language.md again from its records, and print its tables; or keep a run's records.

    python experiments/language_figures.py                                 docs/results -> docs/figures, and tables
    python experiments/language_figures.py --run FOLDER --into FILE.jsonl  add what a run of language or sums measured

Drawing needs no run, data or model. A record is an arm, seed and generation; a run's replace those of the same ones.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfloop.cli.guard import script

DOCS = Path(__file__).parents[1] / "docs"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of bits under generation 0."""
TOLD = ("moved", "kept", "auc", "effective")
"""What correctors tell, where they do."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Config:
    """What is drawn or kept."""

    run: Path | None = None
    """A run's folder, whose records are added to --into."""
    into: Path | None = None
    """A file of records; those of gammas go beside it."""
    records: Path = DOCS / "results"
    """The folder of the records."""
    out: Path = DOCS / "figures"
    """The folder of the figures."""


def records(out: Path) -> Rows:
    """What was measured of every chain of a run, as far as it has come; its report need not have been made."""
    import numpy as np

    from selfloop.engine import folder
    from selfloop.engine.folder import named, observation_file
    from selfloop.runs import files, record

    found = []
    for held in folder.chains(out):
        told = {row["generation"]: row for row in record.read(held.folder / "rows.jsonl") if row["chain"] == held.index}
        for t in folder.generations(held.folder):
            arrays = {k: v[held.index] for k, v in files.read_arrays(observation_file(held.folder, t)).items()
                      if k.startswith(("number/", "value/"))}  # fmt: skip
            own = {"arm": held.arm, "seed": held.seed, "generation": t, "n": held.n, **dict(held.axes), "lam": held.lam}
            values = named(arrays, "value")
            measured = named(arrays, "number") | {name: np.nanmean(value) for name, value in values.items()}
            own |= {name: round(float(value), 5) for name, value in measured.items() if np.isfinite(value)}
            if "bits_first" in values:
                cut = np.nanquantile(values["bits_first"], QUANTILES)
                own["bits_first_quantiles"] = [round(float(one), 3) for one in cut]
            row = told.get(t, {})
            own |= {name: round(row[name], 5) for name in TOLD if name in row}
            spent = sum(value for name, value in row.items() if name.startswith("core_seconds"))
            found.append(own | {"core_seconds": round(spent, 2)})
    return found


def keep(run: Path, into: Path) -> Path:
    """Add a run's records to a file, in order, and its effective gammas to the file beside it."""
    from selfloop.errors import DataError
    from selfloop.runs import record

    key = lambda row: (row["temperature"], row["arm"], row["seed"], row["generation"])  # noqa: E731
    new = records(run)
    if not new:
        raise DataError(f"{run}: holds no generation of a run; give the folder that --out named")
    rows = {key(row): row for row in record.read(into) + new}
    record.rewrite(into, [rows[one] for one in sorted(rows, key=lambda one: (-one[0], *one[1:]))])
    if gammas := record.read(run / "gammas.jsonl"):
        beside = into.with_name(f"{into.stem}_gammas.jsonl")
        named = lambda row: (row["arm"], row["generation"], row["space"], str(row["axes"]))  # noqa: E731
        every = {named(row): row for row in record.read(beside) + gammas}
        record.rewrite(beside, [every[one] for one in sorted(every)])
    return into


def over(rows: Rows, name: str, **only: Any) -> tuple[list[int], list[Any]]:
    """Generations, and the estimate over seeds of a measure at each."""
    from selfloop.metrics.estimates import over_seeds

    own = [row for row in rows if all(row[key] == value for key, value in only.items()) and name in row]
    at = sorted({row["generation"] for row in own})
    return at, [over_seeds([row[name] for row in own if row["generation"] == t]) for t in at]


def curves(axes: Any, rows: Rows, name: str, title: str, unit: str) -> None:
    """A line an arm, with 95 % intervals over seeds where there are three or more."""
    from selfloop.drawing import colours, markers, style

    arms = sorted({row["arm"] for row in rows})
    for arm in arms:
        at, found = over(rows, name, arm=arm)
        seeds = len({row["seed"] for row in rows if row["arm"] == arm})
        half = [0 if seeds < 3 else one.high - one.value for one in found]
        axes.errorbar(at, [one.value for one in found], half, fmt=f"{markers(arms)[arm]}-", color=colours(arms)[arm],
                      markersize=3.5, linewidth=1, label=arm)  # fmt: skip
    style(axes, title, "generation", unit)
    axes.legend(frameon=False, fontsize=7)


def loops(rows: Rows) -> Any:
    """Loss by generation at temperature 1; loss and divergence at .8; the histogram under generation 0 as its quantiles
    (median, 5 to 95 %).
    """
    from selfloop.drawing import blank, style

    figure = blank(12.5, 3.6)
    one, two, three, four = figure.subplots(1, 4)
    curves(one, [row for row in rows if row["temperature"] == 1.0], "heldout_bits", "temperature 1", "bits a character")
    sharp = [row for row in rows if row["temperature"] == 0.8]
    curves(two, sharp, "heldout_bits", "temperature .8: the loss", "bits a character")
    curves(three, sharp, "mauve_like", "temperature .8: the samples", "MAUVE-like")
    for temperature, colour in ((1.0, "#d95f0e"), (0.8, "#2f81c7")):
        own = [row for row in rows if row["arm"] == "replace" and row["temperature"] == temperature and not row["seed"]]
        cut = sorted((row["generation"], row["bits_first_quantiles"]) for row in own)
        at = [t for t, _ in cut]
        four.plot(at, [q[2] for _, q in cut], color=colour, label=f"replace, {temperature:g}")
        four.fill_between(at, [q[0] for _, q in cut], [q[4] for _, q in cut], color=colour, alpha=0.2)
    style(four, "bits under generation 0", "generation", "bits a character")
    four.legend(frameon=False, fontsize=7)
    return figure


def orders(rows: Rows, gammas: Rows) -> Rows:
    """Of every corrector's loop: gamma of generation 0 or 1 by space, alignment, and the loss where the loop ends, as
    far as all have come, less that of no correction.
    """
    own = [row for row in rows if row["temperature"] == 1.0]
    arms = sorted({row["arm"] for row in gammas} & {row["arm"] for row in own})
    every = [*arms, "replace"]
    last = min(max(row["generation"] for row in own if row["arm"] == arm) for arm in every)
    loss = {arm: over(own, "heldout_bits", arm=arm, generation=last)[1][0] for arm in every}
    table = []
    for arm in arms:
        for space in ("content", "style", "artefacts"):
            here = [row for row in gammas if row["arm"] == arm and row["space"] == space]
            for row in sorted(here, key=lambda row: row["generation"])[:1]:
                table.append({"arm": arm, "space": space} | {k: row[k] for k in ("generation", "gamma", "low", "high")}
                             | {"alignment": row["alignment"], "loss at": last, "loss": loss[arm].value,
                                "loss less none's": loss[arm].value - loss["replace"].value})  # fmt: skip
    return table


def ordered(table: Rows) -> Any:
    """Gamma against what the corrector does to the loop; hollow where the alignment is below a half."""
    from selfloop.drawing import MARKERS, blank, style

    figure = blank(5.2, 3.6)
    axes = figure.subplots(1, 1)
    for marker, space in zip(MARKERS, ("content", "style"), strict=False):
        for row in (row for row in table if row["space"] == space and row["gamma"] is not None):
            full = row["alignment"] >= 0.5
            axes.plot(row["gamma"], row["loss less none's"], marker, color="#d95f0e", markersize=5,
                      markerfacecolor="#d95f0e" if full else "none")  # fmt: skip
            axes.annotate(f"{row['arm'].removeprefix('replace_')}, {space}", (row["gamma"], row["loss less none's"]),
                          fontsize=7, textcoords="offset points", xytext=(4, 3))  # fmt: skip
    axes.axhline(0, linewidth=0.8, color="#757c85")
    style(axes, "correctors of text", "effective gamma before the loop", "bits more than without correction")
    return figure


def tables(rows: Rows, names: tuple[str, ...]) -> Rows:
    """The last generation of every arm and temperature, with 95 % intervals over seeds."""
    table = []
    for temperature, arm in sorted({(row["temperature"], row["arm"]) for row in rows}, reverse=True):
        own = [row for row in rows if row["temperature"] == temperature and row["arm"] == arm]
        row: dict[str, Any] = {"arm": arm, "T": temperature, "seeds": len({one["seed"] for one in own})}
        row["generation"] = max(one["generation"] for one in own)
        for name in names:
            found = over(own, name, generation=row["generation"])[1]
            row[name] = "" if not found else f"{found[0].value:.3g} [{found[0].low:.3g}, {found[0].high:.3g}]"
        table.append(row)
    return table


def draw(config: Config) -> Path:
    """Draw what the records hold; the folder of the figures. DataError where there are none."""
    from selfloop.drawing import save
    from selfloop.errors import DataError
    from selfloop.runs import record
    from selfloop.runs.progress import table as show

    rows = record.read(config.records / "language.jsonl")
    if not rows:
        raise DataError(f"no records in {config.records / 'language.jsonl'}; give the folder of docs/results")
    save(config.out / "language.png", loops(rows))
    text = tables(rows, ("heldout_bits", "bits_first", "unknown_words", "mauve_like", "known_types", "length"))
    show(text, list(text[0]), "Text, last generation (95 % over seeds)")
    if table := orders(rows, record.read(config.records / "language_gammas.jsonl")):
        if len({row["arm"] for row in table}) > 1:  # one corrector has no order
            save(config.out / "language_gammas.png", ordered(table))
        show(table, list(table[0]), "Effective gamma and loops")
    if sums := record.read(config.records / "sums.jsonl"):
        found = tables(sums, ("heldout_bits", "wrong", "operands_tv", "distinct"))
        show(found, list(found[0]), "Sums, last generation (95 % over seeds)")
    return config.out


def run(arguments: list[str]) -> Path:
    """Do what the command line asks for; ConfigError where only one of --run and --into is given."""
    import tyro

    from selfloop.errors import ConfigError

    config = tyro.cli(Config, args=arguments, description=__doc__)
    if (config.run is None) != (config.into is None):
        raise ConfigError("give both --run FOLDER and --into FILE, or neither")
    return draw(config) if config.run is None else keep(config.run, config.into)


if __name__ == "__main__":
    sys.exit(script(run, "written"))
