"""The effective gamma of each arm's corrector on the samples of its own loop, every few generations.

What `selfloop.audit` finds for evaluation samples before and after the arm's corrector, against the reference, which is
weighed until its labels are as frequent as theirs: one audit a seed. Seeds are what is independent: generations of one
chain are not, and samples of all seeds together hide how much seeds differ. Where the audit refuses (too near to the
reference to read a contraction, too few groups) there is no number. On-policy values are the ones to put into a
prediction: a corrector's gamma on made corruptions overstates what it does to a loop's own samples.
Shapes: N samples a seed, M reference samples, F features.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.analysis.cells import Row, Rows, cell_of, grouped, head, placed, recorded
from selfloop.audit import Audit, audit
from selfloop.batch import Batch, uniform
from selfloop.engine import folder
from selfloop.engine.domain import primary
from selfloop.engine.folder import Held
from selfloop.errors import DataError, TooNearError
from selfloop.metrics.estimates import LEVEL, UNKNOWN, Estimate, over_seeds
from selfloop.runs import record

RESAMPLES = 400
FILE = "gammas.jsonl"


class Target(NamedTuple):
    """What is real, in one space, and the labels of what is held against it."""

    points: np.ndarray
    """[M, F]."""
    group: np.ndarray | None
    """[M]."""
    label: np.ndarray | None
    """[M]."""
    asked: np.ndarray | None
    """The labels [N] of the evaluation samples."""


def effective(
    key: Array, raw: Array, corrected: Array, weight: np.ndarray, failed: np.ndarray, target: Target
) -> Audit | None:
    """The audit of points [N, F] and their corrections against the target, or None where it refuses.

    The key is consumed. After correction samples count by their ``weight`` [N]; those that failed [N] are left out.
    """
    done = Batch(jnp.where(failed[:, None], 0, corrected), jnp.asarray(np.where(failed, 0, weight), raw.dtype))
    info = {"failed": jnp.asarray(failed)}
    labels = {} if target.label is None or target.asked is None else {"label": target.label, "raw_label": target.asked}
    try:
        return audit(
            key, lambda key, batch, state: (done, info), uniform(raw), uniform(target.points), group=target.group,
            level=LEVEL, resamples=RESAMPLES, **labels,
        )  # fmt: skip
    except (TooNearError, DataError):
        return None


def measure(out: Path) -> Rows:
    """The effective gamma of every chain that is corrected, by generation and space; kept in the run's folder.

    Spaces are the primary one and those that the domain has ``audited``. What was kept is not computed again.

    Returns:
        one row a cell, arm, seed, generation and space: those, gamma, low, high, alignment, projection, failed
        (share); where the audit refuses, gamma and what follows are NaN.
    """
    about = folder.about(out)
    # Rows without a seed are of earlier versions, which audited all seeds together.
    kept = {_key(row): row for row in placed(about, record.read(out / FILE)) if "seed" in row}
    found = []
    for held in folder.chains(out):
        if held.coupled or not about["arms"][held.arm]["corrects"]:
            continue
        for row, samples in _unread(out, about, held):
            (row,) = placed(about, [row])
            old = kept.get(_key(row))
            if old is None:
                old = row | _audited(*samples)
                record.append(out / FILE, recorded(old))
            found.append({key: _number(value) for key, value in old.items()})
    return found


def _unread(out: Path, about: Row, held: Held) -> Iterator[tuple[dict[str, Any], tuple]]:
    """What there is to audit of a chain: a row that names it, and what `_audited` takes."""
    n, axes, lam, arm = held.cell
    real = folder.real(out, n)
    points = folder.named(real, "space")
    spaces = (primary(about["spaces"], points), *(space for space in about["audited"] if space in points))
    asked = folder.asked(out, n)
    for generation in folder.generations(held.folder):
        arrays = _samples(held, generation, spaces)
        for space in spaces if arrays else ():
            row = {"n": n, "axes": axes, "lam": lam, "arm": arm, "seed": held.seed, "generation": generation}
            target = Target(points[space], real.get("group"), real.get("label"), asked)
            yield row | {"space": space}, (arrays, space, target)


def _key(row: Row) -> tuple:
    return cell_of(row), row["arm"], row["seed"], row["generation"], row["space"]


def _number(value: Any) -> Any:
    return record.number(value) if value is None or value in ("inf", "-inf") else value


def _samples(held: Held, generation: int, spaces: Sequence[str]) -> dict[str, np.ndarray]:
    """Observations of a living chain that was also corrected in this generation; empty where it was not."""
    failed = folder.observed(held.folder, generation, "corrected/failed")
    if failed is None:
        return {}
    own = {"failed": failed[held.index].astype(bool)}
    own["weight"] = folder.observed(held.folder, generation, "corrected/weight")[held.index]
    for name in [f"{kind}/{space}" for space in spaces for kind in ("space", "corrected/space")]:
        own[name] = folder.observed(held.folder, generation, name)[held.index]
    return own if all(np.isfinite(own[f"space/{space}"]).all() for space in spaces) else {}


def _audited(arrays: dict[str, np.ndarray], space: str, target: Target) -> dict[str, float]:
    names = ("weight", "failed", f"space/{space}", f"corrected/space/{space}")
    weight, failed, raw, after = (arrays[name] for name in names)
    failed = failed | ~np.isfinite(after).all(1)
    found = effective(jax.random.key(0), *map(jnp.asarray, (raw, after)), weight, failed, target)
    return _figures(found) | {"failed": float(failed.mean())}


def _figures(found: Audit | None) -> dict[str, float]:
    if found is None:
        return dict.fromkeys(("gamma", "low", "high", "alignment", "projection"), math.nan)
    gamma = dict(zip(("gamma", "low", "high"), found.gamma, strict=True))
    return gamma | {"alignment": found.alignment.value, "projection": found.projection.value}


def averages(rows: Rows, first: int = 1) -> Rows:
    """One gamma a cell and space: that of the mean of rho = 1 / (1 + gamma) over generations from ``first`` on.

    rho and not gamma is what a prediction is proportional to, and what stays finite. First over the generations of each
    seed, then over seeds, with Student's interval: generations of one chain are no repetitions. Of one seed alone the
    interval is that of its samples, the mean of the audits' ends. Records of earlier versions do not say their seeds,
    whose samples were audited together: of those it is all that any generation's interval holds, and no interval over
    seeds can be had.

    Returns:
        rows of cell, arm, space, seeds, generations (the most that a seed was read at), refused, gamma, low, high.
    """
    found = []
    for own in grouped(
        [row for row in rows if row["generation"] >= first], "n", "axes", "lam", "arm", "space"
    ).values():
        read = [row for row in own if not math.isnan(row["gamma"])]
        seeds = list(grouped([{"seed": None} | row for row in read], "seed").values())
        pooled = bool(read) and "seed" not in read[0]
        one = _envelope(read) if pooled else _mean([_over_generations(rows) for rows in seeds])
        found.append(
            head(own[0])
            | {
                "space": own[0]["space"],
                "seeds": own[0].get("seeds", len(seeds)),
                "generations": max(map(len, seeds), default=0),
            }
            | {"refused": len(own) - len(read)}
            | {"gamma": _gamma(one.value), "low": _gamma(one.high), "high": _gamma(one.low)}
        )
    return found


def by_generation(rows: Rows) -> Rows:
    """One row a cell, arm, space and generation: gamma of the mean rho over seeds, with Student's interval."""
    found = []
    for own in grouped(rows, "n", "axes", "lam", "arm", "space", "generation").values():
        read = [Estimate(*(_rho(row[end]) for end in ("gamma", "high", "low"))) for row in own
                if not math.isnan(row["gamma"])]  # fmt: skip
        one = _mean(read)
        limits = {"gamma": _gamma(one.value), "low": _gamma(one.high), "high": _gamma(one.low)}
        found.append({name: value for name, value in own[0].items() if name != "seed"} | limits)
    return found


def _over_generations(rows: Rows) -> Estimate:
    """The mean rho of one seed, with the mean ends of its audits: their samples share their noise."""
    rhos = np.array([[_rho(row[end]) for end in ("gamma", "high", "low")] for row in rows])
    return Estimate(*rhos.mean(0).tolist())


def _envelope(rows: Rows) -> Estimate:
    """The mean rho, the lowest of the audits' lower ends and the highest of their upper ones."""
    values, lows, highs = np.array([[_rho(row[end]) for end in ("gamma", "high", "low")] for row in rows]).T
    return Estimate(float(values.mean()), float(lows.min()), float(highs.max()))


def _mean(rhos: Sequence[Estimate]) -> Estimate:
    """Student's over seeds, of the rho of each; of one seed its own. No rho is below 0."""
    if not rhos:
        return UNKNOWN
    found = rhos[0] if len(rhos) == 1 else over_seeds([one.value for one in rhos])
    return found._replace(low=max(found.low, 0.0))


def _rho(gamma: float) -> float:
    return 1 / (1 + gamma)


def _gamma(rho: float) -> float:
    return math.nan if math.isnan(rho) else 1 / rho - 1 if rho > 0 else math.inf
