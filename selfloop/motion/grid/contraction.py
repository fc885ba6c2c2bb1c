"""The loop's measured contraction: by what factor the distance of a lane to its twin shrinks per generation.

    log d_t = a + t log(rate)

fitted by weighted least squares over the generations from 0 to the last before d_t falls under its noise. Where the
distance stops shrinking and stays, chance or a second fixed point holds the two apart: the line is then broken into a
slope and a level, and the rate is the slope's (a real bend is round, so rather too near 1). Twins of the baseline
(lambda 0) show the memory of a refit that stops short of its optimum: with a refit to the optimum their distance would
vanish in one generation.
Shapes: T generations, B = 1 + R weightings (`twins.Curve`).
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selfloop.metrics.contraction import Estimate
from selfloop.motion.grid import evidence
from selfloop.motion.grid.intervals import LEVEL, UNKNOWN, over_seeds
from selfloop.motion.grid.twins import Curve, curves, unit_length

ABOVE = 3.0
"""Standard deviations of noise over which a squared distance counts as seen."""
FEWEST = 4
"""Generations that a rate is read from at the least."""
SURE = 10.0
"""By how much a broken line must be better (in BIC) than a straight one: what is called very strong evidence."""

Rows = list[dict[str, Any]]


class Rate(NamedTuple):
    """The contraction of one pair of lanes."""

    slope: float
    """log(rate); NaN where none can be read."""
    draws: np.ndarray
    """The same of resampled pairs of samples [R]: the doubt from the samples alone, not from chain to chain."""
    used: int
    """Generations that the slope is fitted to."""
    level: float
    """Distance at which the curve stays after them; NaN where it does not."""
    why: str
    """Why no rate could be read; empty where one was."""


def rate(curve: Curve) -> Rate:
    """The slope of log d over the generations, d the root of the curve's squares.

    Weights are 1 / (v_t + s^2): v_t the variance of log d_t by resampling, s^2 the mean square left by an unweighted
    fit, which stands for what moves chains from generation to generation.
    """
    seen = curve.square[0] > ABOVE * curve.noise
    end = int(np.argmin(seen)) if not seen.all() else len(seen)
    if end < FEWEST:
        whole = "there are" if end == len(seen) else "before it falls under its noise there are"
        return Rate(math.nan, np.array([]), end, math.nan, f"{whole} only {end} generations")
    time, square = curve.generation[:end].astype(np.float64), curve.square[:, :end]
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(square) / 2
    spread = curve.noise[:end] / (2 * square[0])
    bend, weight = _bend(time, logs[0], spread)
    slopes = _slopes(_design(time, bend), logs, weight)
    level = float(np.sqrt(square[0, time >= bend].mean())) if bend < time[-1] else math.nan
    return Rate(float(slopes[0]), slopes[1:], int((time <= bend).sum()), level, "")


def _bend(time: np.ndarray, log: np.ndarray, spread: np.ndarray) -> tuple[float, np.ndarray]:
    """The generation after which the curve stays level (the last one: it does not), and the weights [T] of the fit."""
    fits = {}
    for bend in [time[-1], *time[FEWEST - 1 : 1 - FEWEST]]:
        design = _design(time, bend)
        left = log - design @ np.linalg.lstsq(design, log, rcond=None)[0]
        weight = 1 / (spread**2 + max((left**2).sum() / max(len(time) - 2, 1), 1e-12))
        gap = log - design @ _solve(design, log, weight)
        fits[bend] = (gap**2 * weight).sum() - np.log(weight).sum() + (bend < time[-1]) * (np.log(len(time)) + SURE)
        fits[bend] = float(fits[bend]), weight
    best = min(fits, key=lambda bend: fits[bend][0])
    return float(best), fits[best][1]


def _design(time: np.ndarray, bend: float) -> np.ndarray:
    return np.stack([np.ones_like(time), np.minimum(time, bend)], 1)


def _solve(design: np.ndarray, log: np.ndarray, weight: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight)
    return np.linalg.lstsq(design * root[:, None], log * root, rcond=None)[0]


def _slopes(design: np.ndarray, logs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The slope of each row of logs [B, T]; NaN where a resample fell to 0 or below."""
    root = np.sqrt(weight)
    return np.linalg.pinv(design * root[:, None])[1] @ (logs * root[None]).T


def pooled(rates: list[Rate]) -> Estimate:
    """The rate of a cell, over its seeds: Student's interval of the slopes; with one seed the bootstrap's over samples.

    Where some seeds cannot be read the others speak alone, which favours the slow ones: print how many spoke.
    """
    read = [one for one in rates if not one.why]
    if not read:
        return UNKNOWN
    slope = over_seeds([one.slope for one in read])
    if len(read) == 1:
        known = read[0].draws[np.isfinite(read[0].draws)]
        ends = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if known.size else (math.nan, math.nan)
        slope = Estimate(slope.value, *map(float, ends))
    return Estimate(*(math.exp(one) for one in slope))


def pairs(out: Path) -> list[tuple[evidence.Held, evidence.Held]]:
    """Every twin of a grid with the lane that it is the twin of."""
    held = evidence.lanes(out)
    own = {(*one.cell, one.seed): one for one in held if not one.twin}
    return [(own[key], one) for one in held if one.twin and (key := (*one.cell, one.seed)) in own]


def measure(out: Path) -> tuple[Rows, Rows]:
    """The contraction of every cell that has twins, and the distances that it is read from.

    Returns:
        rates, one row a cell and distance (``mmd``, ``paired``): n, guidance, lam, arm, distance, rate, low, high,
        seeds (that could be read), of (all), used (generations, mean), level (where the distance stays), why;
        and distances, one row a pair of lanes and distance: n, guidance, lam, arm, seed, start, distance, and lists
        generation, value (the root, 0 where the square is negative), noise (sd of the square over twice the value).
    """
    real = evidence.reference(out)
    space = evidence.main(real)
    length = unit_length(real[space])
    found: dict[tuple, list[Rate]] = {}
    distances: Rows = []
    for lane, twin in pairs(out):
        for name, curve in curves(evidence.trace(lane, space), evidence.trace(twin, space), length).items():
            found.setdefault((lane.cell, name), []).append(rate(curve))
            distances.append(_named(lane.cell, name) | {"seed": lane.seed, "start": twin.start} | _listed(curve))
    return [_row(cell, name, rates) for (cell, name), rates in found.items()], distances


def _named(cell: tuple, name: str) -> dict[str, Any]:
    return dict(zip(("n", "guidance", "lam", "arm"), cell, strict=True)) | {"distance": name}


def _row(cell: tuple, name: str, rates: list[Rate]) -> dict[str, Any]:
    one, read = pooled(rates), [rate for rate in rates if not rate.why]
    return _named(cell, name) | {
        "rate": one.value,
        "low": one.low,
        "high": one.high,
        "seeds": len(read),
        "of": len(rates),
        "used": float(np.mean([rate.used for rate in rates])),
        "level": over_seeds([rate.level for rate in read]).value,
        "why": "; ".join(dict.fromkeys(rate.why for rate in rates if rate.why)),
    }


def _listed(curve: Curve) -> dict[str, list[float]]:
    value = np.sqrt(np.maximum(curve.square[0], 0))
    noise = np.divide(curve.noise, 2 * value, out=np.full_like(value, math.nan), where=value > 0)
    return {"generation": curve.generation.tolist(), "value": value.tolist(), "noise": noise.tolist()}
