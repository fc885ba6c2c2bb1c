"""Estimates with confidence intervals: Student, Fieller, bootstrap percentiles, Clopper and Pearson.

Seeds are the only independent repetitions of a loop, and there are few: Student's t is wide then (4.3 standard errors
with three seeds), and that is the truth. Shapes: S seeds.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import beta
from scipy.stats import t as student


class Estimate(NamedTuple):
    """A number and its interval."""

    value: float
    low: float
    high: float


LEVEL = 0.95
"""Coverage of every interval, each for itself."""
UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def estimate(draws: np.ndarray, level: float) -> Estimate:
    """The value draws[0] and the percentile interval of the other draws [B - 1], outwards to the next; NaN is ignored.

    The value NaN has no interval.
    """
    known = draws[1:][~np.isnan(draws[1:])]
    if np.isnan(draws[0]) or known.size == 0:
        return Estimate(*[float("nan")] * 3)
    low = np.quantile(known, (1 - level) / 2, method="lower")
    high = np.quantile(known, (1 + level) / 2, method="higher")
    return Estimate(float(draws[0]), float(low), float(high))


def over_seeds(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """Mean of the finite values [S] and Student's interval ``mean +- t sd / sqrt(S)``; NaN limits for one value."""
    known = np.asarray([value for value in values if math.isfinite(value)], np.float64)
    if known.size == 0:
        return UNKNOWN
    mean = float(known.mean())
    if known.size == 1:
        return Estimate(mean, math.nan, math.nan)
    half = float(student.ppf((1 + level) / 2, known.size - 1) * known.std(ddof=1) / math.sqrt(known.size))
    return Estimate(mean, mean - half, mean + half)


def clopper_pearson(count: float, trials: float, level: float = LEVEL) -> Estimate:
    """The share ``count / trials`` of independent trials and its exact binomial interval (Clopper and Pearson, 1934).

    Both tails have the probability (1 - level) / 2. The count need not be a whole number.
    """
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, count, trials - count + 1)) if count > 0 else 0.0
    high = float(beta.isf(tail, count + 1, trials - count)) if count < trials else 1.0
    return Estimate(count / trials, low, high)


def fieller(top: Sequence[float], bottom: Sequence[float], level: float = LEVEL) -> Estimate:
    """The ratio of the means of two quantities measured on the same seeds [S], with Fieller's interval.

    The interval holds every share s for which the mean of ``top - s bottom`` cannot be told from 0:

        (mean top - s mean bottom)^2 <= t^2 var(top - s bottom) / S

    Where the mean of ``bottom`` cannot be told from 0, no share is excluded on both sides: the limits are -inf and inf.
    Source: Fieller, JRSS B 1954.
    """
    pairs = np.asarray([pair for pair in zip(top, bottom, strict=True) if all(map(math.isfinite, pair))], np.float64)
    if len(pairs) == 0:
        return UNKNOWN
    (a, b), n = pairs.mean(0), len(pairs)
    value = float(a / b) if b else math.nan
    if n == 1:
        return Estimate(value, math.nan, math.nan)
    scale = student.ppf((1 + level) / 2, n - 1) ** 2 / n
    (aa, ab), (_, bb) = scale * np.cov(pairs.T)
    square, half, rest = b * b - bb, a * b - ab, a * a - aa
    if square <= 0:
        return Estimate(value, -math.inf, math.inf)
    # With bottom surely not 0 the discriminant is not negative but for rounding: the ratio itself is in the set.
    width = math.sqrt(max(half * half - square * rest, 0.0))
    return Estimate(value, float((half - width) / square), float((half + width) / square))


def excludes(one: Estimate, value: float) -> bool:
    """Whether the interval is known and does not hold the value."""
    return one.low > value or one.high < value


def overlap(one: Estimate, other: Estimate) -> bool | None:
    """Whether two intervals share a point; a NaN limit counts as the value, and None says that a value is unknown."""
    if math.isnan(one.value) or math.isnan(other.value):
        return None
    (a, b), (c, d) = _ends(one), _ends(other)
    return a <= d and c <= b


def _ends(one: Estimate) -> tuple[float, float]:
    low = one.value if math.isnan(one.low) else one.low
    return low, one.value if math.isnan(one.high) else one.high
