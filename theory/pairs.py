"""Random pairs of laws p and p* on the line, what pi_gamma makes of them, and distances between them.

Laws are normal mixtures on a grid: weights p [N] of sum 1 at the points x [N]. The library's correctors act on samples;
their law is `corrected`, which the claims check against their samples.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import rel_entr
from scipy.stats import norm

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


def total_variation(p: np.ndarray, q: np.ndarray) -> float:
    """sum |p - q| / 2."""
    return abs(p - q).sum() / 2


def kolmogorov(p: np.ndarray, q: np.ndarray) -> float:
    """max |F - G|."""
    return abs(np.cumsum(p - q)).max()


def wasserstein1(p: np.ndarray, q: np.ndarray) -> float:
    """int |F - G| dx."""
    return abs(np.cumsum(p - q)).sum() * STEP


def wasserstein2_squared(p: np.ndarray, q: np.ndarray) -> float:
    """int |F^-1(u) - G^-1(u)|^2 du."""
    f, g = np.cumsum(p), np.cumsum(q)
    level = np.sort(np.concatenate([[0.0], f, g]))
    middle = (level[1:] + level[:-1]) / 2
    at = [X[np.minimum(np.searchsorted(steps, middle), X.size - 1)] for steps in (f, g)]
    return float(np.diff(level) @ (at[0] - at[1]) ** 2)


def l2(p: np.ndarray, q: np.ndarray) -> float:
    """The L2 distance of the densities."""
    return float(np.sqrt(((p - q) ** 2).sum() / STEP))


def mmd_squared(p: np.ndarray, q: np.ndarray) -> float:
    """The squared MMD of the Gaussian kernel of bandwidth 1."""
    kernel = np.exp(-(np.arange(-X.size + 1, X.size) ** 2) * STEP**2 / 2)
    return float((p - q) @ np.convolve(p - q, kernel, "valid"))


def energy_squared(p: np.ndarray, q: np.ndarray) -> float:
    """2 int (F - G)^2 dx."""
    return float(2 * (np.cumsum(p - q) ** 2).sum() * STEP)


def chi_squared(p: np.ndarray, q: np.ndarray) -> float:
    """sum (p - q)^2 / q."""
    return float(((p - q) ** 2 / q).sum())


def kl(p: np.ndarray, q: np.ndarray) -> float:
    """sum p log(p / q)."""
    return float(rel_entr(p, q).sum())


def hellinger_squared(p: np.ndarray, q: np.ndarray) -> float:
    """1 - sum sqrt(p q)."""
    return float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """(KL(p || m) + KL(q || m)) / 2, m = (p + q) / 2."""
    return (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2


def _mixture(rng: np.random.Generator) -> np.ndarray:
    k = rng.integers(1, 4)
    parts = norm.pdf(X[:, None], rng.uniform(-3, 3, k), rng.uniform(0.5, 2, k))
    return _whole(parts @ rng.dirichlet(np.ones(k)))


def _whole(density: np.ndarray) -> np.ndarray:
    return density / density.sum()
