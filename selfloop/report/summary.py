"""The summary of a run: what was run and what it says, in sentences made of the numbers alone."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from selfloop.analysis.cells import Rows, cells, grouped, uncoupled
from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose
from selfloop.analysis.prediction import predictions
from selfloop.analysis.results import Results
from selfloop.report.rates import caption
from selfloop.runs.record import number
from selfloop.wording import duration


def summary(results: Results, config: Mapping[str, Any]) -> list[str]:
    """The sentences, for a run of these settings (``config.json``)."""
    lines = [_run(results), _judged(results, config), _failed(results), _chains(results)]
    if len(cells(results.rows)) > 1:
        lines += _cured(results)
    if results.rates:
        lines.append(caption([row for row in predictions(results) if row["distance"] == "mmd"]))
    return [line for line in lines if line]


def _run(results: Results) -> str:
    """How much of what."""
    rows = uncoupled(results.rows)
    values = {name: _listed(dict(row["axes"])[name] for row in rows) for name in results.about["axes"]}
    axes = "".join(f"{name.replace('_', ' ')} {value}, " for name, value in values.items())
    lam = _listed(row["lam"] for row in rows if row["synthetic"])
    seeds = len({row["seed"] for row in rows})
    seconds = sum(number(value) for row in results.rows for name, value in row.items() if name.startswith("seconds_"))
    return (
        f"{_listed(row['n'] for row in rows)} real samples, {f'lambda = {lam}, ' * bool(lam)}{axes}"
        f"{max((row['generation'] for row in rows), default=0)} generations, {seeds} seed{'s' * (seeds != 1)}; "
        f"{duration(seconds)} of computation."
    )


def _listed(values: Iterable[float]) -> str:
    texts = [f"{value:g}" for value in sorted(set(values))]
    return " and ".join([part for part in (", ".join(texts[:-1]), texts[-1]) if part]) if texts else ""


def _judged(results: Results, config: Mapping[str, Any]) -> str:
    """How to read the measures."""
    counts = _listed(line["samples"] for lines in results.real.values() for line in lines.values() if "samples" in line)
    against = f" against real data, which are measured on {counts} samples in the same way" if counts else " with care"
    return (
        f"Every generation is judged by {config['evaluate']} new samples of its model; distances between laws, such as "
        f"FID, are biased upwards at so few, so read them{against}."
    )


def _failed(results: Results) -> str:
    """How many samples failed under each arm that corrects."""
    known = [row for row in results.rows if "failed" in row and results.corrects(row["arm"])]
    counts = [f"{arm} {sum(row['failed'] for row in rows):g}" for (arm,), rows in grouped(known, "arm").items()]
    return f"Samples that failed under correction and were never trained on: {', '.join(counts)}." if counts else ""


def _chains(results: Results) -> str:
    """How many chains there were, where some were coupled or came to no end."""
    chains = grouped(results.rows, "n", "axes", "lam", "arm", "seed", "start")
    coupled, stopped = (sum(map(is_, chains.values())) for is_ in (_coupled, _stopped))
    parts = [f"{coupled} of them coupled to another"] * bool(coupled)
    parts += [f"{stopped} of them stopped before the end (`stopped` in metrics.jsonl says why)"] * bool(stopped)
    return f"{len(chains)} chains, {', '.join(parts)}." if parts else ""


def _coupled(rows: Rows) -> bool:
    return rows[0]["start"] != rows[0]["seed"]


def _stopped(rows: Rows) -> bool:
    return any(row.get("stopped") for row in rows)


def _cured(results: Results) -> list[str]:
    """In how many cells each arm surely removes some of what became of a measure, or surely adds to it.

    Of each kind of measure the first of the headline.
    """
    of_kind = {one.kind: one.name for one in reversed(results.measures) if one.headline and one.kind}
    read = [row for row in decompose(results) if not math.isnan(row["removed"])]
    found = []
    for (measure, arm), rows in grouped(read, "measure", "arm").items():
        if measure not in of_kind.values():
            continue
        shares = [spread_of(row, "removed") for row in rows]
        known = [one for one in shares if math.isfinite(one.low) and math.isfinite(one.high)]
        found.append(
            f"{results.heading(measure)}, {arm.replace('_', ' ')}: the uncorrected loop can be told from the baseline "
            f"in {len(known)} of {len(shares)} cells; correction surely removes some of that in "
            f"{sum(one.low > 0 for one in known)} and surely adds to it in {sum(one.high < 0 for one in known)}."
        )
    return found
