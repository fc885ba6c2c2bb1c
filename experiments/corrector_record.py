"""The record of a run, as docs/results keeps it: a line an arm, seed and generation, and a line an audit.

    python experiments/corrector_record.py RUN docs/results/online.jsonl
    python experiments/corrector_table.py --write

``RUN`` is the folder of a finished run (`experiments/image_loop.py --preset online`, a molecule loop). Measures of
samples are as the run's page has them; core-seconds are those of the chain.
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfloop.analysis import effective_gamma
from selfloop.engine.folder import chains, generations, observed
from selfloop.runs import record

KEPT = ("n", "lam", "arm", "seed", "generation", "loss", "moved", "on", "failed", "stopped")


def lines(out: Path) -> Iterator[dict[str, Any]]:
    """The record's lines: ``metrics`` with the means of values and the numbers of all samples, and ``gamma``."""
    for one in chains(out):
        if one.coupled:
            continue
        rows = {row["generation"]: row for row in record.read(one.folder / "rows.jsonl") if row["chain"] == one.index}
        for t in generations(one.folder):
            row = rows[t]
            told = {name: row[name] for name in row if name in KEPT or name.startswith("core_seconds_")}
            yield {"record": "metrics"} | told | _measured(one, t)
    for row in effective_gamma.measure(out):
        yield {"record": "gamma"} | {name: _plain(value) for name, value in row.items()}


def _measured(one: Any, t: int) -> dict[str, float]:
    found = {}
    for kind in ("value", "number"):
        for name in _names(one, t, kind):
            values = observed(one.folder, t, f"{kind}/{name}")[one.index]
            found[name] = round(float(_mean(values)), 6)
    return found


def _names(one: Any, t: int, kind: str) -> list[str]:
    from selfloop.engine.folder import observation_file
    from selfloop.runs.files import read_arrays

    return [
        name.split("/", 1)[1] for name in read_arrays(observation_file(one.folder, t)) if name.startswith(f"{kind}/")
    ]


def _mean(values: Any) -> float:
    import numpy as np

    known = np.asarray(values)[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def main(arguments: list[str]) -> None:
    """Write the record."""
    if len(arguments) != 2:
        sys.exit("give the folder of a run and the file of its record")
    out, path = map(Path, arguments)
    record.rewrite(path, list(lines(out)))
    print(f"{path}: {len(record.read(path))} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
