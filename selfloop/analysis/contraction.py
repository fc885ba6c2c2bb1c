"""The measured contraction of a loop: by what factor the distance of coupled chains shrinks per generation.

    log d_t = a + t log(rate)

fitted by weighted least squares over the generations from 0 to the last before d_t falls under its noise. Where the
distance stops shrinking and stays, chance or a second fixed point holds the two apart: the line is then broken into a
slope and a level, and the rate is the slope's (a real bend is round, so rather too near 1). Coupled chains without
synthetic data show the memory of a refit that stops short of its optimum: with a refit to the optimum their distance
would vanish in one generation. Shapes: T generations, B = 1 + R weightings (`coupling.Curve`).
"""

import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selfloop.analysis.cells import Rows, placed
from selfloop.analysis.coupling import Curve, curves, unit_length
from selfloop.engine import folder
from selfloop.engine.domain import primary
from selfloop.engine.folder import Held
from selfloop.metrics.estimates import LEVEL, UNKNOWN, Estimate, over_seeds

ABOVE = 2.0
"""Standard deviations of noise over which a squared distance counts as seen: by `coupling.Curve.noise`, which doubles
the true one where there is no distance."""
FEWEST = 4
"""Generations that a rate is read from at the least."""
SURE = 10.0
"""By how much a broken line must be better (in BIC) than a straight one: what is called very strong evidence."""


class Rate(NamedTuple):
    """The contraction of one curve."""

    slopes: np.ndarray
    """log(rate) [B]: the value, then that of resampled pairs of samples, which is the doubt from the samples alone and
    not from chain to chain. NaN where none can be read."""
    used: int
    """Generations that the slope is fitted to."""
    level: float
    """Distance at which the curve stays after them; NaN where it does not."""
    why: str
    """Why no rate could be read; empty where one was."""


class Line(NamedTuple):
    """A weighted fit of log d to a slope up to a generation, and a level after it."""

    time: np.ndarray
    """Generations that it is over [T]."""
    bend: float
    """The last generation of the slope."""
    weight: np.ndarray
    """[T]."""

    def slopes(self, square: np.ndarray) -> np.ndarray:
        """The slope of log d for each row of squares [B, T]; NaN where one of them is not positive."""
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(np.where(square > 0, square, np.nan)) / 2
        root = np.sqrt(self.weight)
        return np.linalg.pinv(_design(self.time, self.bend) * root[:, None])[1] @ (logs * root[None]).T


def rate(curve: Curve) -> Rate:
    """The slope of log d over the generations, d the root of the curve's squares.

    Weights are 1 / (v_t + s^2): v_t the variance of log d_t by resampling, s^2 the mean square left by an unweighted
    fit, which stands for what moves chains from generation to generation.
    """
    end = _seen(curve)
    if end < FEWEST:
        whole = "there are" if end == len(curve.generation) else "before it falls under its noise there are"
        return Rate(np.full(1, math.nan), end, math.nan, f"{whole} only {end} generations")
    line = _line(curve, end)
    tail = curve.square[0, :end][line.time >= line.bend]
    level = float(np.sqrt(tail.mean())) if line.bend < line.time[-1] else math.nan
    return Rate(line.slopes(curve.square[:, :end]), int((line.time <= line.bend).sum()), level, "")


def _seen(curve: Curve) -> int:
    """How many generations there are before the curve first is under its noise."""
    seen = curve.square[0] > ABOVE * curve.noise
    return len(seen) if seen.all() else int(np.argmin(seen))


def _line(curve: Curve, end: int) -> Line:
    """The line through the first ``end`` generations, broken where that is surely better."""
    time, square = curve.generation[:end].astype(np.float64), curve.square[0, :end]
    log, spread = np.log(square) / 2, curve.noise[:end] / (2 * square)
    fits = []
    for bend in [time[-1], *time[FEWEST - 1 : 1 - FEWEST]]:
        design = _design(time, bend)
        left = log - design @ np.linalg.lstsq(design, log, rcond=None)[0]
        weight = 1 / (spread**2 + max((left**2).sum() / max(len(time) - 2, 1), 1e-12))
        root = np.sqrt(weight)
        gap = log - design @ np.linalg.lstsq(design * root[:, None], log * root, rcond=None)[0]
        worse = (gap**2 * weight).sum() - np.log(weight).sum() + (bend < time[-1]) * (np.log(len(time)) + SURE)
        fits.append((float(worse), Line(time, float(bend), weight)))
    return min(fits, key=lambda fit: fit[0])[1]


def _design(time: np.ndarray, bend: float) -> np.ndarray:
    return np.stack([np.ones_like(time), np.minimum(time, bend)], 1)


def pooled(curves: list[Curve]) -> tuple[Estimate, list[Rate]]:
    """The rate of a cell from the curves of its seeds, and what was read: of each seed, or of their mean curve.

    Where every seed can be read: the mean of their slopes, Student's interval. Where one cannot, its noise is too great
    for one seed: the mean of the squared distances is read instead, if it can be, with the jackknife's interval over
    seeds. One seed alone has the bootstrap's interval over samples.
    """
    rates = [rate(curve) for curve in curves]
    if len(rates) > 1 and any(one.why for one in rates):
        return _jackknife(curves)
    if any(one.why for one in rates):
        return UNKNOWN, rates
    slope = over_seeds([one.slopes[0] for one in rates])
    if len(rates) == 1:
        known = rates[0].slopes[1:][np.isfinite(rates[0].slopes[1:])]
        ends = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if known.size else (math.nan, math.nan)
        slope = Estimate(slope.value, *map(float, ends))
    return _exp(slope), rates


def _jackknife(curves: list[Curve]) -> tuple[Estimate, list[Rate]]:
    """The rate of the mean curve; its interval from how it changes when a seed is left out."""
    whole = together(curves)
    found = rate(whole)
    if found.why:
        return UNKNOWN, [found]
    count, line = len(curves), _line(whole, _seen(whole))
    kept = [together(curves[:i] + curves[i + 1 :], whole.generation) for i in range(count)]
    without = np.array([line.slopes(one.square[:1, : len(line.time)])[0] for one in kept])
    doubt = over_seeds((count * found.slopes[0] - (count - 1) * without).tolist())
    half = (doubt.high - doubt.low) / 2 if np.isfinite(without).all() else math.nan
    value = float(found.slopes[0])
    return _exp(Estimate(value, value - half, value + half)), [found]


def together(curves: list[Curve], at: np.ndarray | None = None) -> Curve:
    """The mean of squared distances over chains, at the generations that all have (or at those given)."""
    at = functools.reduce(np.intersect1d, [one.generation for one in curves]) if at is None else at
    return Curve(at, np.mean([one.square[:, np.isin(one.generation, at)] for one in curves], 0))


def _exp(slope: Estimate) -> Estimate:
    return Estimate(*(math.exp(one) for one in slope))


def pairs(out: Path) -> list[tuple[Held, Held]]:
    """Every chain of a run that has a coupled one, with that one."""
    held = folder.chains(out)
    own = {(*one.cell, one.seed): one for one in held if not one.coupled}
    return [(own[key], one) for one in held if one.coupled and (key := (*one.cell, one.seed)) in own]


def measure(out: Path) -> tuple[Rows, Rows]:
    """The contraction of every cell that has coupled chains, and the distances that it is read from.

    Returns:
        rates, one row a cell, arm and distance (``mmd``, ``paired``): those, rate, low, high, seeds, ``apart`` (whether
        every seed could be read for itself), used (generations, mean), level (where the distance stays), why (nothing
        could be read);
        and distances, one row a pair of chains and distance: cell, arm, seed, start, distance, and lists generation,
        value (the root, 0 where the square is negative), noise (sd of the square over twice the value).
    """
    about = folder.about(out)
    found: dict[tuple, list[Curve]] = {}
    distances: Rows = []
    for one, other in pairs(out):
        space, length = _measure_of(out, one.n, tuple(about["spaces"]))
        both = folder.trace(one, space), folder.trace(other, space)
        for name, curve in curves(*both, length, one.seed).items():
            found.setdefault((one.cell, name), []).append(curve)
            distances.append(_named(one.cell, name) | {"seed": one.seed, "start": other.start} | _listed(curve))
    rates = [_row(cell, name, own) for (cell, name), own in found.items()]
    return placed(about, rates), placed(about, distances)


@functools.lru_cache(maxsize=8)
def _measure_of(out: Path, n: int, spaces: tuple[str, ...]) -> tuple[str, float]:
    """The array that laws of one n are compared by, and its unit of length."""
    points = folder.named(folder.real(out, n), "space")
    space = primary(spaces, points)
    return f"space/{space}", unit_length(points[space])


def _named(cell: tuple, name: str) -> dict[str, Any]:
    return dict(zip(("n", "axes", "lam", "arm"), cell, strict=True)) | {"distance": name}


def _row(cell: tuple, name: str, own: list[Curve]) -> dict[str, Any]:
    one, rates = pooled(own)
    return _named(cell, name) | {
        "rate": one.value,
        "low": one.low,
        "high": one.high,
        "seeds": len(own),
        "apart": len(rates) == len(own) and not any(rate.why for rate in rates),
        "used": float(np.mean([rate.used for rate in rates])),
        "level": over_seeds([rate.level for rate in rates]).value,
        "why": "; ".join(dict.fromkeys(rate.why for rate in rates if rate.why)),
    }


def _listed(curve: Curve) -> dict[str, list[float]]:
    value = np.sqrt(np.maximum(curve.square[0], 0))
    noise = np.divide(curve.noise, 2 * value, out=np.full_like(value, math.nan), where=value > 0)
    return {"generation": curve.generation.tolist(), "value": value.tolist(), "noise": noise.tolist()}
