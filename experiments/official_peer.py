"""The process of `official_process` as a plain NumPy loop, one chain and one candidate at a time: the peer of speed.

It is written as the published script is: `np.histogram2d`, a Python loop of rejections, a list of all corrected sets.
SCRIPT makes and weighs a candidate by the calls that the script makes for each: `Generator.multivariate_normal`, and
`scipy.stats.multivariate_normal.pdf` once for the target and once for the proposal. LEAN makes the same numbers of two
standard normals and one bare formula. Both fit by `np.cov` where the script fits scikit-learn's mixture.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.stats

N, M, BINS, RIDGE = 50, 25, 10, 1e-6


class Arithmetic(NamedTuple):
    """How a candidate is made and weighed."""

    propose: Callable[[np.random.Generator], np.ndarray]
    """A point of N(0, I_2)."""
    densities: Callable[[np.ndarray], tuple[float, float]]
    """The target's and the proposal's density there, which are the same."""


def _by_scipy(z: np.ndarray) -> float:
    return scipy.stats.multivariate_normal.pdf(z, np.zeros(2), np.eye(2))


def _by_formula(z: np.ndarray) -> float:
    return np.exp(-(z[0] * z[0] + z[1] * z[1]) / 2) / (2 * np.pi)


SCRIPT = Arithmetic(lambda rng: rng.multivariate_normal(np.zeros(2), np.eye(2)), lambda z: (_by_scipy(z), _by_scipy(z)))
LEAN = Arithmetic(lambda rng: rng.standard_normal(2), lambda z: (_by_formula(z),) * 2)


def distances(rng: np.random.Generator, gamma: float, generations: int, arithmetic: Arithmetic) -> np.ndarray:
    """W2 between the fitted Gaussian and N(0, I_2), [T + 1], of one chain."""
    real = rng.standard_normal((N, 2))
    mean, covariance = fit(real)
    sets, path = [], [to_target(mean, covariance)]
    for g in range(1, generations + 1):
        raw = rng.multivariate_normal(mean, covariance, M)
        sets.append(corrected(rng, raw, gamma, arithmetic))
        shares = [points[: int(j / g * M)] for j, points in enumerate(sets, 1)]
        mean, covariance = fit(np.concatenate([real, *shares]))
        path.append(to_target(mean, covariance))
    return np.asarray(path)


def corrected(rng: np.random.Generator, raw: np.ndarray, gamma: float, arithmetic: Arithmetic) -> np.ndarray:
    """M points by rejection from N(0, I_2), under the script's bound."""
    heights, rows, columns = np.histogram2d(raw[:, 0], raw[:, 1], bins=BINS, density=True)
    low, width = np.array([rows[0], columns[0]]), np.array([rows[1] - rows[0], columns[1] - columns[0]])
    tau = 1 / (1 + gamma)
    top, proposal_top = arithmetic.densities(np.zeros(2))
    bound = (tau * heights.max() + (1 - tau) * top) / proposal_top
    points = []
    while len(points) < M:
        z = arithmetic.propose(rng)
        target, proposal = arithmetic.densities(z)
        row, column = int((z[0] - low[0]) / width[0]), int((z[1] - low[1]) / width[1])
        inside = 0 <= row < BINS and 0 <= column < BINS
        wanted = tau * (heights[row, column] if inside else 0.0) + (1 - tau) * target
        if rng.random() * bound * proposal < wanted:
            points.append(z)
    return np.asarray(points)


def fit(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum likelihood, with the script's (scikit-learn's) 1e-6 on the diagonal."""
    return x.mean(0), np.cov(x.T, ddof=0) + RIDGE * np.eye(2)


def to_target(mean: np.ndarray, covariance: np.ndarray) -> float:
    """W2 to N(0, I_2)."""
    root = np.sqrt(np.linalg.eigvalsh(covariance).clip(0))
    return float(np.sqrt(mean @ mean + np.sum((root - 1) ** 2)))
