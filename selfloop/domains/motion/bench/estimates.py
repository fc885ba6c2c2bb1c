"""Bootstrap over clips: numbers with intervals, all from one set of draws.

A clip is drawn with all its windows, and one set of draws, weights [1 + R, N], serves every measure: row 0 gives the
value, the others its 95 % percentile interval. Shapes: N motions, R resamples.
"""

import numpy as np

from selfloop.metrics.estimates import LEVEL, Estimate, clopper_pearson, estimate

RESAMPLES = 1000


def draws(seed: int, unit: np.ndarray) -> np.ndarray:
    """Weights [1 + R, N]: ones, then how often the clip ``unit`` [N] of each motion is drawn."""
    clips, index = np.unique(unit, return_inverse=True)
    share = np.full(len(clips), 1 / len(clips))
    count = np.random.default_rng(seed).multinomial(len(clips), share, RESAMPLES)
    return np.concatenate([np.ones((1, len(clips))), count])[:, index]


def ratio(weights: np.ndarray, top: np.ndarray, bottom: np.ndarray, kept: np.ndarray) -> Estimate:
    """Mean of ``top`` over mean of ``bottom`` [N], over the motions that are ``kept`` [N]; NaN where that is 0 / 0."""
    top, bottom = (np.where(kept, np.asarray(values, np.float64), 0) for values in (top, bottom))
    with np.errstate(divide="ignore", invalid="ignore"):
        return estimate((weights @ top) / (weights @ bottom), LEVEL)


def mean(weights: np.ndarray, values: np.ndarray, kept: np.ndarray) -> Estimate:
    """Mean of ``values`` [N] over the motions that are ``kept`` [N]; NaN where none is."""
    return ratio(weights, values, np.ones(len(kept)), kept)


def median(weights: np.ndarray, values: np.ndarray, kept: np.ndarray) -> Estimate:
    """Median of ``values`` [N] over the motions that are ``kept`` [N]; NaN where none is."""
    order = np.argsort(np.where(kept, values, np.inf))
    total = np.cumsum((weights * kept[None])[:, order], 1)
    place = (total >= total[:, -1:] / 2).argmax(1)
    found = np.asarray(values, np.float64)[order][place]
    return estimate(np.where(total[:, -1] > 0, found, np.nan), LEVEL)


def share(happened: np.ndarray, unit: np.ndarray) -> Estimate:
    """Share of motions [N] for which something happened, with the exact binomial interval of one trial a clip.

    The bootstrap knows no doubt where all are alike. Several windows of a clip ``unit`` [N] count as one trial, as if
    they were always alike, so the interval is rather too wide than too narrow.
    """
    n = len(np.unique(unit))
    return clopper_pearson(float(np.mean(happened)) * n, n, LEVEL)


def bare(value: float) -> Estimate:
    """A number without an interval."""
    return Estimate(float(value), float("nan"), float("nan"))
