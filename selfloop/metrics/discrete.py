"""Distances between laws p and q on the same K points, exact, in NumPy float64.

A law on the line that is known by its density is the law p_k = density x cell on a grid. Those that say "line" take
points [K] in rising order, the others points [K, d]; p and q are weights [K] of sum 1.
"""

import numpy as np
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from scipy.special import rel_entr


def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """sum |p - q| / 2."""
    return float(np.abs(p - q).sum() / 2)


def chi2(p: np.ndarray, q: np.ndarray) -> float:
    """sum (p - q)^2 / q."""
    where = p != q
    return float(np.sum((p - q)[where] ** 2 / q[where]))


def kl(p: np.ndarray, q: np.ndarray) -> float:
    """sum p log(p / q); infinite where p has a point that q has not."""
    return float(rel_entr(p, q).sum())


def hellinger2(p: np.ndarray, q: np.ndarray) -> float:
    """1 - sum sqrt(p q), the squared Hellinger distance."""
    return float(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """(KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2."""
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


def kolmogorov(p: np.ndarray, q: np.ndarray) -> float:
    """max |F - G| on the line."""
    return float(np.abs(np.cumsum(p - q)).max())


def energy2_line(x: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    """2 int (F - G)^2 dx, the squared energy distance on the line."""
    return float(2 * np.sum(np.cumsum(p - q)[:-1] ** 2 * np.diff(x)))


def wasserstein_line(x: np.ndarray, p: np.ndarray, q: np.ndarray, power: int = 1) -> float:
    """W_power^power = int |F^-1(u) - G^-1(u)|^power du on the line."""
    f, g = np.cumsum(p) / p.sum(), np.cumsum(q) / q.sum()
    level = np.sort(np.concatenate([[0.0], f, g]))
    middle = (level[1:] + level[:-1]) / 2
    at = lambda steps: x[np.minimum(np.searchsorted(steps, middle), len(x) - 1)]  # noqa: E731
    return float(np.sum(np.diff(level) * np.abs(at(f) - at(g)) ** power))


def wasserstein(x: np.ndarray, p: np.ndarray, q: np.ndarray, power: int = 1) -> float:
    """W_power^power in any dimension, by the linear program over couplings [K, K] (few points only)."""
    k = len(x)
    cost = cdist(x, x) ** power
    rows = np.kron(np.eye(k), np.ones((1, k)))
    columns = np.kron(np.ones((1, k)), np.eye(k))
    # One of the 2 K conditions follows from the others.
    result = linprog(cost.ravel(), A_eq=np.vstack([rows, columns[:-1]]), b_eq=np.concatenate([p, q[:-1]]))
    return float(result.fun)


def mmd2(x: np.ndarray, p: np.ndarray, q: np.ndarray, bandwidth: float = 1.0) -> float:
    """(p - q)^T exp(-|x - x'|^2 / (2 h^2)) (p - q), the squared MMD of a Gaussian kernel."""
    return float((p - q) @ np.exp(-cdist(x, x, "sqeuclidean") / (2 * bandwidth**2)) @ (p - q))


def energy2(x: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, the squared energy distance in any dimension."""
    return float(-(p - q) @ cdist(x, x) @ (p - q))
