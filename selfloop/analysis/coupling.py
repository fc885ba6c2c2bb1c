"""Synchronous coupling: how far apart two chains of the same random numbers are, generation by generation.

A chain and the one coupled to it differ in the generation 0 they start from and in nothing else: same noise, same
conditions, same draws. So their evaluation samples come in pairs (x_i, y_i), and two distances can be told:

    square    MMD^2 of the two laws of features, as the unbiased mean over i != j of
              h_ij = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i)
    paired    the mean of |x_i - y_i|^2, an upper bound of the laws' W2^2: it also sees samples that changed places

`metrics.mmd2` would count the pairs i = j in its last term, which are alike by design, and come out too low. The
kernel is the mean of Gaussian ones of `metrics.mmd.SCALES` times one length for all chains and generations of one n.
Shapes: N pairs, F features, T generations, B = 1 + R weightings.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from selfloop.metrics.mmd import SCALES

RESAMPLES = 200
"""Resamples of the Bayesian bootstrap over pairs; the same in every generation, as the samples' noise is."""


class Curve(NamedTuple):
    """A squared distance over the generations."""

    generation: np.ndarray
    """[T]."""
    square: np.ndarray
    """[B, T]; row 0 the value, the others of resampled pairs. Unbiased MMD^2 may be negative where laws agree."""

    @property
    def noise(self) -> np.ndarray:
        """Standard deviation of the value by the resamples [T]; near 0 it is rather too large than too small."""
        return self.square[1:].std(0, ddof=1)


def curves(one: dict[int, np.ndarray], other: dict[int, np.ndarray], length: float, seed: int = 0) -> dict[str, Curve]:
    """The curves ``mmd`` and ``paired`` of two traces [N, F] by generation, over the generations that both have."""
    at = sorted(set(one) & set(other))
    weights = weightings(len(one[at[0]]), seed) if at else np.ones((1 + RESAMPLES, 0))
    mmd = [squared_mmd(one[t], other[t], length, weights) for t in at]
    paired = [squared_paired(one[t], other[t], weights) for t in at]
    return {name: Curve(np.array(at, int), _columns(found)) for name, found in (("mmd", mmd), ("paired", paired))}


def _columns(found: list[np.ndarray]) -> np.ndarray:
    return np.stack(found, 1) if found else np.zeros((1 + RESAMPLES, 0))


def weightings(count: int, seed: int = 0) -> np.ndarray:
    """Weights [B, N]: ones, then independent exponential draws (Rubin, 1981)."""
    drawn = np.random.default_rng(seed).exponential(size=(RESAMPLES, count))
    return np.concatenate([np.ones((1, count)), drawn])


def squared_mmd(x: np.ndarray, y: np.ndarray, length: float, weights: np.ndarray) -> np.ndarray:
    """Unbiased MMD^2 [B] of paired samples x, y [N, F] under weights [B, N].

    In float64: pairs that nearly coincide leave differences of kernels far below float32. Source: Gretton et al., JMLR
    2012, lemma 6, whose second form allows x_i and y_i to be dependent.
    """
    cross = _kernel(x, y, length)
    h = _kernel(x, x, length) + _kernel(y, y, length) - cross - cross.T
    np.fill_diagonal(h, 0)
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    return ((weights @ h) * weights).sum(1) / pairs


def squared_paired(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean of |x_i - y_i|^2 [B] under weights [B, N]."""
    return weights @ ((x.astype(np.float64) - y) ** 2).sum(1) / weights.sum(1)


def unit_length(points: np.ndarray, most: int = 1000) -> float:
    """The kernel's length: the median distance of two different points among the first ``most`` of points [M, F]."""
    points = points[:most]
    return float(np.sqrt(np.median(_squares(points, points)[np.triu_indices(len(points), 1)])))


def _kernel(x: np.ndarray, y: np.ndarray, length: float) -> np.ndarray:
    square = _squares(x, y) / (2 * length**2)
    return np.mean([np.exp(-square / scale**2) for scale in SCALES], 0)


def _squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distances [N, M], by differences: the expanded square would lose the digits that near pairs need."""
    return cdist(x.astype(np.float64), y.astype(np.float64), "sqeuclidean")
