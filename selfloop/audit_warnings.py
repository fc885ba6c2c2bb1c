"""What a reader of an audit must know before quoting it: near targets, sideways moves, uneven weights, small banks."""

import numpy as np
from jax import Array

from selfloop.metrics.estimates import Estimate

WARNED = 10
"""Bootstrap standard deviations between the raw samples and the target: fewer are warned of."""
SIDEWAYS = 0.9
"""An alignment that is surely below this is no mixture's."""
UNEVEN = 0.5
"""Weights that leave fewer effective samples than this share of those kept are warned of."""
REPEATED = 0.1
"""A share of corrected samples that are copies of one another, and were not before correction, that is warned of."""


def effective_number(weight: Array) -> float:
    """(sum w)^2 / sum w^2 (Kish, 1965)."""
    weight = np.asarray(weight, np.float64)
    return float(weight.sum() ** 2 / (weight**2).sum())


def plain(separation: float, gamma: Estimate, alignment: Estimate) -> list[str]:
    """Of the distance and of its direction."""
    found = []
    if separation < WARNED:
        found.append(f"the raw samples are only {separation:.2g} bootstrap sd from the target: take more of both")
    if gamma.high == float("inf"):
        found.append("the corrected samples cannot be told from the target: gamma has only a lower limit")
    elif alignment.high < SIDEWAYS:
        found.append("the samples also moved sideways (alignment): rho counts, but gamma is no mixture's strength")
    return found


def uneven(effective: float, kept: int) -> list[str]:
    """Of weights that make so many samples worth fewer."""
    if effective >= UNEVEN * kept:
        return []
    return [
        f"the corrector's weights make {kept} samples worth {effective:.3g} of one weight: the intervals are too "
        "narrow (90 % for 95 % where 40 % are left); draw by the weights instead, or give more samples"
    ]


def unlike(told: float, whole: float) -> list[str]:
    """Of a reference whose labels are so unlike those of the raw samples that little of it is left."""
    if told >= UNEVEN * whole:
        return []
    return [
        f"the reference, weighed to the labels of the raw samples, tells as much as {told:.3g} samples of {whole:.3g}: "
        "the intervals are a little too narrow; give more of the labels that it has few of"
    ]


def repeated(raw: np.ndarray, corrected: np.ndarray) -> list[str]:
    """Of samples [N, F] that a bank repeats."""
    copies = [1 - len(np.unique(points, axis=0)) / len(points) for points in (raw, corrected)]
    if copies[1] - copies[0] <= REPEATED:
        return []
    return [
        f"{100 * copies[1]:.3g} % of the corrected samples are copies of others: a corrector that draws from a small "
        "bank is measured with that bank, and the interval is too narrow for another one"
    ]
