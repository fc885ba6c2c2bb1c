"""Mutation testing of the claims: plausible slips in their predictions, and whether the claims notice.

    python theory/mutate.py                    all slips, by the quick run and by the full one
    python theory/mutate.py --quick            by the quick run alone
    python theory/mutate.py --only NAME        the slips of one claim; may be given several times

Each claim declares its slips (``Claim.slips``): a prediction, and what a factor 2, tau for tau^2, n for n - 1 or a
missing term would make of it. A claim is measured once, then judged with each slip in the prediction's place. A slip is
caught where a comparison with something measured contradicts it. Results: a table on screen, and mutants.json in the
folder --out. The exit code is 1 where a slip is not caught by the quick run, 2 for bad input.
"""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any


@dataclasses.dataclass(frozen=True)
class MutateConfig:
    """Which slips are tried, and by which runs."""

    quick: bool = False
    """By the quick run alone."""
    only: tuple[str, ...] = ()
    """A claim's name; give it several times for several claims. None: all."""
    out: Path = Path("runs/mutants")
    """Folder of the results."""


def parse(arguments: Sequence[str]) -> MutateConfig:
    """The settings that the command line asks for."""
    import tyro

    return tyro.cli(
        Annotated[MutateConfig, tyro.conf.UseAppendAction], args=list(arguments), description=__doc__.split("\n\n")[0]
    )


def run(config: MutateConfig) -> bool:
    """Try the slips, show and write what became of them; whether the quick run catches all."""
    from selfloop.runs.progress import progress, table
    from selfloop.runs.record import write_json
    from theory.frame.claim import FULL, QUICK
    from theory.frame.slips import trials
    from theory.verify import CLAIMS

    names = [name for name in CLAIMS if name in config.only or not config.only]
    efforts = {"quick": QUICK} if config.quick else {"quick": QUICK, "full": FULL}
    rows: list[dict[str, Any]] = []
    with progress(len(names), "claims") as tick:
        for name in names:
            tick(0, name)
            found = {effort: trials(name, amount) for effort, amount in efforts.items()}
            rows += [_row(*of_slip, runs=tuple(found)) for of_slip in zip(*found.values(), strict=True)]
            write_json(config.out / "mutants.json", rows)
            tick(1, name)
    shown = [{**row, **{run: "caught" if row[run] else "SURVIVES" for run in efforts}} for row in rows]
    table(shown, ("claim", "slip", *efforts, "by"))
    caught = {run: sum(row[run] for row in rows) for run in efforts}
    without = sum(name not in {row["claim"] for row in rows} for name in names)
    print(f"{len(rows)} slips in {len(names) - without} claims; {without} claims declare none")
    print(", ".join(f"caught by the {run} run: {count}" for run, count in caught.items()))
    return caught["quick"] == len(rows)


def _row(*trials: Any, runs: Sequence[str]) -> dict[str, Any]:
    """A slip's row: its fate in every run, and what caught it in the first."""
    first = trials[0]
    fates = {run: trial.caught for run, trial in zip(runs, trials, strict=True)}
    return {"claim": first.claim, "slip": first.what, **fates, "by": first.by}


def checked(config: MutateConfig) -> int:
    """Try the slips, guarded from names that are none; the exit code."""
    from selfloop.cli.guard import one_of
    from theory import verify

    for name in config.only:
        one_of("--only", name, verify.CLAIMS)
    with verify.prepared():
        return 0 if run(config) else 1


def main() -> int:
    """Try the slips, and say in one line what stopped them if something did."""
    from selfloop.cli.guard import guarded

    return guarded(lambda: checked(parse(sys.argv[1:])), "stopped; mutants.json holds what was tried")


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository: a script starts with its own folder
    sys.exit(main())
