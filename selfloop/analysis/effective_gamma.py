"""The effective gamma of each arm's corrector on the samples of its own loop, every few generations.

What `selfloop.audit` finds for evaluation samples before and after the arm's corrector, against the reference; samples
of all seeds together. Where it refuses (too near to the reference to read a contraction, too few groups) there is no
number. On-policy values are the ones to put into a prediction: a corrector's gamma on made corruptions overstates what
it does to a loop's own samples.
Shapes: N samples a seed, M reference samples, F features.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.stats import t as student

from selfloop.analysis.cells import Row, Rows, cell_of, grouped, head, placed, recorded
from selfloop.audit import Audit, audit
from selfloop.batch import Batch, uniform
from selfloop.engine import folder
from selfloop.engine.domain import primary
from selfloop.engine.folder import Held
from selfloop.errors import DataError, TooNearError
from selfloop.metrics.estimates import LEVEL, UNKNOWN, Estimate
from selfloop.runs import record

RESAMPLES = 400
FILE = "gammas.jsonl"


def effective(
    key: Array, raw: Array, corrected: Array, failed: np.ndarray, reference: Array, group: np.ndarray | None
) -> Audit | None:
    """The audit of points [N, F] and their corrections against the reference [M, F], or None where it refuses.

    The key is consumed. Samples that failed [N] are left out after correction.
    """
    done = Batch(jnp.where(failed[:, None], 0, corrected), jnp.asarray(~failed, raw.dtype))
    info = {"failed": jnp.asarray(failed)}
    try:
        return audit(
            key, lambda key, batch, state: (done, info), uniform(raw), uniform(reference), group=group, level=LEVEL,
            resamples=RESAMPLES,
        )  # fmt: skip
    except (TooNearError, DataError):
        return None


def measure(out: Path) -> Rows:
    """The effective gamma of every cell and arm that corrects, by generation and space; kept in the run's folder.

    Spaces are the primary one and those that the domain has ``audited``. What was kept is not computed again, unless it
    rested on fewer seeds.

    Returns:
        one row a cell, arm, generation and space: those, seeds, gamma, low, high, alignment, projection, failed
        (share); where the audit refuses, gamma and what follows are NaN.
    """
    about = folder.about(out)
    kept = {_key(row): row for row in placed(about, record.read(out / FILE))}
    found = []
    for held in _correcting(out, about):
        for row, samples in _unread(out, about, held):
            (row,) = placed(about, [row])
            old = kept.get(_key(row))
            if old is None or old["seeds"] != row["seeds"]:
                old = row | _audited(*samples)
                record.append(out / FILE, recorded(old))
            found.append({key: _number(value) for key, value in old.items()})
    return found


def _unread(out: Path, about: Row, held: Sequence[Held]) -> Iterator[tuple[dict[str, Any], tuple]]:
    """What there is to audit of the chains of a cell: a row that names it, and what `_audited` takes."""
    n, axes, lam, arm = held[0].cell
    real = folder.real(out, n)
    points = folder.named(real, "space")
    spaces = (primary(about["spaces"], points), *(space for space in about["audited"] if space in points))
    for generation in sorted(set().union(*(folder.generations(one.folder) for one in held))):
        arrays = _samples(held, generation, spaces)
        for space in spaces if arrays else ():
            row = {"n": n, "axes": axes, "lam": lam, "arm": arm, "generation": generation, "space": space}
            yield row | {"seeds": len(arrays["failed"])}, (arrays, space, points[space], real.get("group"))


def _key(row: Row) -> tuple:
    return cell_of(row), row["arm"], row["generation"], row["space"]


def _number(value: Any) -> Any:
    return record.number(value) if value is None or value in ("inf", "-inf") else value


def _correcting(out: Path, about: Row) -> list[list[Held]]:
    """The chains of each cell and arm that corrects, but coupled ones."""
    cells: dict[tuple, list[Held]] = {}
    for one in folder.chains(out):
        if not one.coupled and about["arms"][one.arm]["corrects"]:
            cells.setdefault(one.cell, []).append(one)
    return list(cells.values())


def _samples(held: Sequence[Held], generation: int, spaces: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Observations of the living chains of a cell that were also corrected in this generation; empty where none was."""
    found: dict[str, list[np.ndarray]] = {}
    for one in held:
        if generation not in folder.generations(one.folder):
            continue
        failed = folder.observed(one.folder, generation, "corrected/failed")
        if failed is None:
            continue
        own = {"failed": failed[one.index].astype(bool)}
        for name in [f"{kind}/{space}" for space in spaces for kind in ("space", "corrected/space")]:
            own[name] = folder.observed(one.folder, generation, name)[one.index]
        if all(np.isfinite(own[f"space/{space}"]).all() for space in spaces):
            for name, values in own.items():
                found.setdefault(name, []).append(values)
    return found


def _audited(
    arrays: dict[str, list[np.ndarray]], space: str, reference: np.ndarray, group: np.ndarray | None
) -> dict[str, float]:
    names = ("failed", f"space/{space}", f"corrected/space/{space}")
    failed, raw, after = (np.concatenate(arrays[name]) for name in names)
    failed |= ~np.isfinite(after).all(1)
    found = effective(jax.random.key(0), *map(jnp.asarray, (raw, after)), failed, jnp.asarray(reference), group)
    return _figures(found) | {"failed": float(failed.mean())}


def _figures(found: Audit | None) -> dict[str, float]:
    if found is None:
        return dict.fromkeys(("gamma", "low", "high", "alignment", "projection"), math.nan)
    gamma = dict(zip(("gamma", "low", "high"), found.gamma, strict=True))
    return gamma | {"alignment": found.alignment.value, "projection": found.projection.value}


def averages(rows: Rows, first: int = 1) -> Rows:
    """One gamma a cell and space: that of the mean of rho = 1 / (1 + gamma) over generations from ``first`` on.

    rho and not gamma is what a prediction is proportional to, and what stays finite. Its interval joins two doubts in
    quadrature: that of the samples, taken as the same in every generation (their noise is), and Student's from
    generation to generation.

    Returns:
        rows of cell, arm, space, generations (read), refused, gamma, low, high.
    """
    found = []
    for own in grouped(
        [row for row in rows if row["generation"] >= first], "n", "axes", "lam", "arm", "space"
    ).values():
        read = [row for row in own if not math.isnan(row["gamma"])]
        one = _mean([Estimate(*(_rho(row[end]) for end in ("gamma", "high", "low"))) for row in read])
        found.append(
            head(own[0])
            | {"space": own[0]["space"], "generations": len(read), "refused": len(own) - len(read)}
            | {"gamma": _gamma(one.value), "low": _gamma(one.high), "high": _gamma(one.low)}
        )
    return found


def _mean(rhos: Sequence[Estimate]) -> Estimate:
    if not rhos:
        return UNKNOWN
    values, lows, highs = np.array(rhos, np.float64).T
    k, value = len(values), float(values.mean())
    between = 0.0 if k == 1 else float(student.ppf((1 + LEVEL) / 2, k - 1) * values.std(ddof=1) / math.sqrt(k))
    low, high = math.hypot(value - lows.mean(), between), math.hypot(highs.mean() - value, between)
    return Estimate(value, max(value - low, 0.0), value + high)


def _rho(gamma: float) -> float:
    return 1 / (1 + gamma)


def _gamma(rho: float) -> float:
    return math.nan if math.isnan(rho) else 1 / rho - 1 if rho > 0 else math.inf
