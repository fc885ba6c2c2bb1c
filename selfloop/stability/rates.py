"""Rates at which a loop's error shrinks per generation, near its fixed point, with infinite samples.

From sharpest to loosest, all with tau = 1 / (1 + gamma) and eta = eps L / alpha (`constants`):

    exact     tau lam m / (1 + lam m)                       m: an eigenvalue of F v = m H v; the truth
    sharper   tau lam (1 + eta) / (1 + lam (1 + eta))       because m <= 1 + eta
    ferbach   tau lam (1 + eta) / (1 + lam (1 - eta))       where lam (eta - 1) < 1
    gillman   tau lam (1 + eta) / (1 - lam (1 + eta))       where lam (1 + eta) < 1

A rate is below 1 where the loop is certified stable, and inf where the formula says nothing. Arguments are numbers or
arrays that broadcast, traced or not; lam = inf is the fully synthetic loop, gamma = inf the perfect correction.

Sources: gillman: Gillman et al., ICML 2024, Theorem 4.3 (gamma = 0: Bertrand et al., ICLR 2024, Theorem 1); ferbach:
Ferbach et al., NeurIPS 2024, Theorem 2.2, whose gamma = 0 is extended here; exact, sharper: docs/stability.md.
"""

import jax.numpy as jnp
from jax import Array

from selfloop.stability.precision import Number, floats


def exact(lam: Number, gamma: Number, m: Number = 1.0) -> Array:
    """The eigenvalue ``tau lam m / (1 + lam m)`` of the loop's Jacobian that belongs to m.

    m = 1 where the data are of the model, and for every exponential family. Below tau for every lam.
    """
    lam, gamma, m = floats(lam, gamma, m)
    return _share(_times(lam, m)) / (1 + gamma)


def sharper(lam: Number, gamma: Number, eta: Number) -> Array:
    """``tau lam (1 + eta) / (1 + lam (1 + eta))``: valid for every lam, always below `ferbach` and below tau.

    F <= (1 + eta) H as symmetric matrices, so every m is at most 1 + eta, and `exact` grows with m.
    """
    lam, gamma, eta = floats(lam, gamma, eta)
    return exact(lam, gamma, 1 + eta)


def ferbach(lam: Number, gamma: Number, eta: Number) -> Array:
    """``tau lam (1 + eta) / (1 + lam (1 - eta))``; inf where lam (eta - 1) >= 1."""
    lam, gamma, eta = floats(lam, gamma, eta)
    down = 1 / lam + (1 - eta)
    rate = (1 + eta) / jnp.where(down > 0, down, 1) / (1 + gamma)
    return jnp.where(lam == 0, 0, jnp.where(down > 0, rate, jnp.inf))


def gillman(lam: Number, gamma: Number, eta: Number) -> Array:
    """``tau u / (1 - u)``, u = lam (1 + eta); inf where u >= 1.

    There the formula turns negative, and so below 1, but certifies nothing: its Neumann series diverges.
    """
    lam, gamma, eta = floats(lam, gamma, eta)
    u = _times(lam, 1 + eta)
    return jnp.where(u < 1, u / (1 - jnp.where(u < 1, u, 0)) / (1 + gamma), jnp.inf)


def gillman_condition(lam: Number, gamma: Number, eta: Number) -> Array:
    """Whether ``lam (1 + eta) < (1 + gamma) / (2 + gamma)``: exactly where `gillman` is below 1."""
    lam, gamma, eta = floats(lam, gamma, eta)
    return _times(lam, 1 + eta) < 1 / (1 + 1 / (1 + gamma))


def ferbach_condition(lam: Number, gamma: Number, eta: Number) -> Array:
    """Whether ``lam ((2 + gamma) eta - gamma) < 1 + gamma``: exactly where `ferbach` is below 1."""
    return ferbach(lam, gamma, eta) < 1


def safe_lambda_exact(gamma: Number, m: Number = 1.0, wanted: Number = 1.0) -> Array:
    """The largest lam at which `exact` is at most ``wanted``; inf where every lam is (wanted >= tau)."""
    gamma, m, wanted = floats(gamma, m, wanted)
    gap = 1 / (1 + gamma) - wanted
    return jnp.where(gap > 0, wanted / (jnp.where(gap > 0, gap, 1) * m), jnp.inf)


def safe_lambda_sharper(gamma: Number, eta: Number, wanted: Number = 1.0) -> Array:
    """The largest lam at which `sharper` is at most ``wanted``; inf where every lam is (wanted >= tau)."""
    gamma, eta, wanted = floats(gamma, eta, wanted)
    return safe_lambda_exact(gamma, 1 + eta, wanted)


def safe_lambda_ferbach(gamma: Number, eta: Number, wanted: Number = 1.0) -> Array:
    """The largest lam at which `ferbach` is at most ``wanted``; inf for wanted = 1 and eta <= gamma / (2 + gamma)."""
    gamma, eta, wanted = floats(gamma, eta, wanted)
    slope = jnp.where(jnp.isinf(eta), jnp.inf, (1 + eta) / (1 + gamma) - wanted * (1 - eta))
    return jnp.where(slope > 0, wanted / jnp.where(slope > 0, slope, 1), jnp.inf)


def safe_lambda_gillman(gamma: Number, eta: Number, wanted: Number = 1.0) -> Array:
    """The largest lam at which `gillman` is at most ``wanted``; for 1: (1 + gamma) / (2 + gamma) / (1 + eta)."""
    gamma, eta, wanted = floats(gamma, eta, wanted)
    return jnp.where(wanted > 0, wanted / (1 / (1 + gamma) + wanted), 0) / (1 + eta)


def gamma_for_exact(wanted: Number, lam: Number, m: Number = 1.0) -> Array:
    """The smallest gamma at which `exact` is at most ``wanted``."""
    return _gamma_for(wanted, exact(lam, 0.0, m))


def gamma_for_sharper(wanted: Number, lam: Number, eta: Number) -> Array:
    """The smallest gamma at which `sharper` is at most ``wanted``."""
    return _gamma_for(wanted, sharper(lam, 0.0, eta))


def gamma_for_ferbach(wanted: Number, lam: Number, eta: Number) -> Array:
    """The smallest gamma at which `ferbach` is at most ``wanted``; inf where it says nothing at this lam."""
    return _gamma_for(wanted, ferbach(lam, 0.0, eta))


def gamma_for_gillman(wanted: Number, lam: Number, eta: Number) -> Array:
    """The smallest gamma at which `gillman` is at most ``wanted``; inf where it says nothing at this lam."""
    return _gamma_for(wanted, gillman(lam, 0.0, eta))


def _gamma_for(wanted: Number, uncorrected: Array) -> Array:
    """Every rate is its value at gamma = 0 divided by 1 + gamma."""
    (wanted,) = floats(wanted)
    return jnp.where(uncorrected <= wanted, 0, uncorrected / wanted - 1)


def _times(lam: Array, factor: Array) -> Array:
    """lam x factor, 0 for lam = 0 though the factor be infinite."""
    return jnp.where(lam == 0, 0, lam * factor)


def _share(x: Array) -> Array:
    """x / (1 + x), 1 for x = inf."""
    return jnp.where(jnp.isinf(x), 1, x / (1 + x))
