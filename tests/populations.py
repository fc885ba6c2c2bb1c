"""Populations on a grid of the line, and what is measured between them.

As any law on points they are exact: the tolerances are those of rounding alone, at worst 1000 levels of a distribution
function, each rounded by 1e-15, at a squared distance of 24^2.
"""

import numpy as np
from hypothesis import strategies as st

from selfloop.testing import Mixture, distances, gammas, mixtures
from selfloop.testing.mixture import log_density, share_kept

ATOL = RTOL = 1e-9
GRID = np.linspace(-12, 12, 401)
EXACT = {
    "total variation": distances.total_variation,
    "Kolmogorov": distances.kolmogorov,
    "W1": lambda p, q: distances.wasserstein_line(GRID, p, q),
    "L2": lambda p, q: np.sqrt(np.sum((p - q) ** 2) / (GRID[1] - GRID[0])),
    "MMD": lambda p, q: np.sqrt(max(distances.mmd2(GRID[:, None], p, q), 0)),
    "bounded Lipschitz functions": lambda p, q: np.abs(np.tanh(GRID) @ (p - q)),
}
"""Integral probability metrics: they contract by tau exactly."""
SQUARED = {
    "energy": lambda p, q: distances.energy2_line(GRID, p, q),
    "chi-squared": distances.chi2,
    "MMD squared": lambda p, q: distances.mmd2(GRID[:, None], p, q),
}
"""Quadratic in the difference of the laws: they contract by tau^2 exactly."""
CONVEX = {
    "KL(q, p*)": distances.kl,
    "KL(p*, q)": lambda p, q: distances.kl(q, p),
    "Hellinger squared": distances.hellinger2,
    "Jensen-Shannon": distances.jensen_shannon,
    "W2 squared": lambda p, q: distances.wasserstein_line(GRID, p, q, 2),
}
"""Convex in the law: they contract by tau at least."""


def on_grid(law: Mixture) -> np.ndarray:
    """A mixture on the line as weights of the grid, of sum 1."""
    log = log_density(law, GRID[:, None])
    share = np.exp(log - log.max())
    return share / share.sum()


def corrected_on_grid(law, target, gamma):
    """p, p* and q as weights of the grid, and tau."""
    p, target, tau = on_grid(law), on_grid(target), share_kept(gamma)
    return p, target, tau * p + (1 - tau) * target, tau


@st.composite
def on_line(draw, gamma=None):
    """Laws p and p* on the grid, q, and tau."""
    return corrected_on_grid(draw(mixtures(1)), draw(mixtures(1)), draw(gammas() if gamma is None else gamma))


def close(value, expected, scale=1.0):
    np.testing.assert_allclose(value, expected, rtol=RTOL, atol=ATOL * scale)
