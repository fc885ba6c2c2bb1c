"""How far to go back from one's own samples: the optimum of negative guidance for Gaussians, in closed form.

A model r fitted to n real points, and its own retrained copy s, fitted to m of its samples; extrapolation takes
theta = (1 + w) theta_r - w theta_s. A maximum likelihood covariance of k points is (1 - 1 / k) of the truth's in
expectation, and s errs from r as r errs from the truth: going back by the right w undoes r's own bias. What is right
depends on the coordinates that are extrapolated:

    covariance        w = m / (n - 1)          E Sigma = (1 - 1 / n) (1 + w / m) Sigma*
    precision         w = (m - d - 2) / n      E P = n / (n - d - 2) (1 - w (d + 2) / (m - d - 2)) P*
    log variance      w = delta_n / delta_m    E log sigma^2 = log sigma*^2 + delta_n - w delta_m

with delta_k = psi((k - 1) / 2) + log(2 / k) (d = 1). "Right" is without bias, not least in mean square: the latter asks
for w < 0, as shrinking an unbiased variance does. Sources: SIMS, Alemohammad et al., arXiv 2408.16333 (scores, hence
precisions; its w tends to 1 - 1 / m at n = m large), and Neon, arXiv 2510.03597 (parameters), as recalled; not re-read;
the finite-sample optima derived here.
"""

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import digamma

from selfloop.stability.precision import Number, floats


def log_bias(k: Number) -> Array:
    """``delta_k = psi((k - 1) / 2) + log(2 / k)``, about -2 / k: the bias of the log variance of k points."""
    (k,) = floats(k)
    return digamma((k - 1) / 2) + jnp.log(2 / k)


def covariance_weight(n: Number, m: Number) -> Array:
    """``m / (n - 1)``: with it the extrapolated covariance has no bias, in any dimension."""
    n, m = floats(n, m)
    return m / (n - 1)


def precision_weight(n: Number, m: Number, d: Number = 1) -> Array:
    """``(m - d - 2) / n``: with it the extrapolated precision has no bias; n and m above d + 2."""
    n, m, d = floats(n, m, d)
    return (m - d - 2) / n


def log_weight(n: Number, m: Number) -> Array:
    """``delta_n / delta_m``: with it the extrapolated log variance has no bias; 1 for n = m."""
    return log_bias(n) / log_bias(m)


def log_drift(m: Number, w: Number) -> Array:
    """``(1 - w) delta_m``: what a generation without real data adds to E log sigma^2; w = 1 stops collapse for any m.

    Each generation fits m fresh points of the extrapolated law.
    """
    (w,) = floats(w)
    return (1 - w) * log_bias(m)
