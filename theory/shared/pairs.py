"""Random pairs of laws p and p* on the line, what pi_gamma makes of them, and distances between them.

Laws are normal mixtures on a grid: weights p [N] of sum 1 at the points x [N]. The library's correctors act on samples;
their law is `corrected`, which the claims check against their samples.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from selfloop.metrics import discrete

GAMMAS = (0.1, 1.0, 5.0)
X = np.linspace(-14, 14, 1401)
STEP = X[1] - X[0]


class Pair(NamedTuple):
    """Two laws and a strength."""

    p: np.ndarray
    star: np.ndarray
    gamma: float

    @property
    def tau(self) -> float:
        """1 / (1 + gamma)."""
        return 1 / (1 + self.gamma)

    @property
    def q(self) -> np.ndarray:
        """pi_gamma p."""
        return corrected(self.p, self.star, self.gamma)


def corrected(p: np.ndarray, star: np.ndarray, gamma: float) -> np.ndarray:
    """tau p + (1 - tau) p*."""
    tau = 1 / (1 + gamma)
    return tau * p + (1 - tau) * star


@cache
def random_pairs(count: int) -> tuple[Pair, ...]:
    """``count`` pairs for each of GAMMAS: one to three normals each, means within 3, scales 0.5 to 2."""
    rng = np.random.default_rng(0)
    laws = [(_mixture(rng), _mixture(rng)) for _ in range(count)]
    return tuple(Pair(p, star, gamma) for p, star in laws for gamma in GAMMAS)


def normal(mean: float, scale: float) -> np.ndarray:
    """N(mean, scale^2) on the grid."""
    return _whole(norm.pdf(X, mean, scale))


def wasserstein1(p: np.ndarray, q: np.ndarray) -> float:
    """W1 on the grid."""
    return discrete.wasserstein_line(X, p, q)


def wasserstein2_squared(p: np.ndarray, q: np.ndarray) -> float:
    """W2^2 on the grid."""
    return discrete.wasserstein_line(X, p, q, power=2)


def energy_squared(p: np.ndarray, q: np.ndarray) -> float:
    """The squared energy distance on the grid."""
    return discrete.energy2_line(X, p, q)


def l2(p: np.ndarray, q: np.ndarray) -> float:
    """The L2 distance of the densities."""
    return float(np.sqrt(((p - q) ** 2).sum() / STEP))


def mmd_squared(p: np.ndarray, q: np.ndarray) -> float:
    """The squared MMD of the Gaussian kernel of bandwidth 1."""
    kernel = np.exp(-(np.arange(-X.size + 1, X.size) ** 2) * STEP**2 / 2)
    return float((p - q) @ np.convolve(p - q, kernel, "valid"))


def _mixture(rng: np.random.Generator) -> np.ndarray:
    k = rng.integers(1, 4)
    parts = norm.pdf(X[:, None], rng.uniform(-3, 3, k), rng.uniform(0.5, 2, k))
    return _whole(parts @ rng.dirichlet(np.ones(k)))


def _whole(density: np.ndarray) -> np.ndarray:
    return density / density.sum()
