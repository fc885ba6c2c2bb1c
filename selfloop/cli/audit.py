"""``selfloop audit``: how strong a corrector is, from three files of samples; what it is need not be known."""

import json
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import tyro

from selfloop.audited import Audit
from selfloop.batch import Batch, uniform
from selfloop.cli.arrays import read
from selfloop.errors import ConfigError, DataError
from selfloop.metrics.estimates import Estimate
from selfloop.protocols import Corrector
from selfloop.wording import cell

UNEQUAL = 100.0
"""Columns whose spreads differ by more than this are not of comparable scale."""


def audit(
    raw: tyro.conf.Positional[Path],
    corrected: tyro.conf.Positional[Path],
    real: tyro.conf.Positional[Path],
    *,
    raw_groups: Path | None = None,
    real_groups: Path | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """How much nearer to real data does a corrector bring a generator's samples? From three arrays alone.

    Printed are a sentence, the strength (effective gamma) with its interval, how far samples moved, and what to mind.

    Args:
        raw: Samples [N, F] before correction: .npy, or .csv.
        corrected: The same samples, in the same order, after it; a row of NaN is one that the corrector gave up.
        real: Real samples [M, F] that neither generator nor corrector has seen.
        raw_groups: Labels [N], where raw samples are not independent (windows of one clip).
        real_groups: The same for real samples [M].
        level: Coverage of the intervals.
        resamples: Bootstrap resamples, 10 / (1 - level) or more.
        seed: Where random numbers begin; the same seed gives the same figures.
        json: Print one JSON object instead.
    """
    import jax

    from selfloop.audit import audit as measured

    before, after, target = (
        read(path, name, finite=name != "corrected")
        for path, name in ((raw, "raw"), (corrected, "corrected"), (real, "real"))
    )
    fit_together(before, after, target)
    groups = [path and read(path, name) for path, name in ((raw_groups, "raw groups"), (real_groups, "real groups"))]
    found = measured(
        jax.random.key(seed),
        known(after),
        _batch(before),
        _batch(target),
        group=_labels(groups[1], len(target), "real"),
        raw_group=_labels(groups[0], len(before), "raw"),
        level=level,
        resamples=resamples,
    )
    notes = scale(target)
    print(_json(found, notes) if json else "\n".join([verdict(found), "", _table(found), *notes]))
    return 0


def fit_together(raw: np.ndarray, corrected: np.ndarray, real: np.ndarray) -> None:
    """DataError where the three are not samples of one kind."""
    if raw.shape != corrected.shape:
        raise DataError(
            f"raw is {list(raw.shape)} and corrected {list(corrected.shape)}; give the same samples in the same order"
        )
    if real.shape[1] != raw.shape[1]:
        raise DataError(f"raw has {raw.shape[1]} numbers a sample, real {real.shape[1]}; give the same")


def known(corrected: np.ndarray) -> Corrector:
    """The corrector whose answer is known; rows that are not finite have failed."""
    failed = ~np.isfinite(corrected).all(1)
    x = jnp.asarray(np.where(failed[:, None], 0, corrected), jnp.float32)

    def correct(key: Any, raw: Batch, state: Any) -> tuple[Batch, dict[str, Any]]:
        moved = jnp.linalg.norm(x - raw.x, axis=1)
        return Batch(x, jnp.asarray(~failed, jnp.float32)), {"moved": moved, "failed": jnp.asarray(failed)}

    return correct


def verdict(found: Audit) -> str:
    """What was found, in a sentence with its interval."""
    rho, gamma = found.rho, found.gamma
    sure = f"{100 * found.level:g} % interval"
    left = f"{cell(rho.value)} of the distance to real data is left ({sure} {cell(rho.low)} to {cell(rho.high)})"
    if rho.high < 1:
        strength = (
            f"at least {cell(gamma.low)}" if gamma.high == float("inf") else f"{cell(gamma.low)} to {cell(gamma.high)}"
        )
        return f"The corrector brings samples nearer to real data: {left}; effective gamma {strength}."
    if rho.low > 1:
        return f"The corrector takes samples away from real data: {left}."
    return f"No effect of the corrector can be told: {left}."


def scale(real: np.ndarray) -> list[str]:
    """A warning where the columns of the real samples are of such different spreads that few of them count."""
    spread = real.std(0)
    wide, narrow = spread.max(), spread[spread > 0].min(initial=np.inf)
    if wide <= UNEQUAL * narrow or not np.isfinite(narrow):
        return []
    return [
        f"warning: spreads of the columns go from {narrow:.3g} to {wide:.3g}, so that distances are those of a few: "
        "divide each column by its spread in real data"
    ]


def _table(found: Audit) -> str:
    """The audit without the times, which are those of reading a file."""
    return "\n".join(line for line in str(found).splitlines() if not line.startswith("seconds"))


def _json(found: Audit, notes: list[str]) -> str:
    from selfloop.runs.record import plain

    rest = {name: value for name, value in found._asdict().items() if name not in ("seconds", "compilation")}
    rows = {name: value._asdict() if isinstance(value, Estimate) else value for name, value in rest.items()}
    rows["warnings"] = [*found.warnings, *(note.removeprefix("warning: ") for note in notes)]
    return json.dumps({"verdict": verdict(found)} | plain(rows), indent=1)


def _batch(x: np.ndarray) -> Batch:
    return uniform(jnp.asarray(x, jnp.float32))


def _labels(groups: Any, count: int, what: str) -> np.ndarray | None:
    if groups is None:
        return None
    if groups.shape != (count, 1):
        raise ConfigError(f"{what} groups are {list(groups.shape)} for {count} samples; give one label a sample")
    return groups[:, 0]
