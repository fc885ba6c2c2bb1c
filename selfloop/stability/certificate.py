"""The certificate that `certify` hands out, and how it prints."""

import textwrap
from typing import Any, NamedTuple

from jax import Array

from selfloop.stability.constants import Constants


class FourRates(NamedTuple):
    """One number for each rate, from the sharpest bound to the loosest; see `rates`."""

    exact: float
    sharper: float
    ferbach: float
    gillman: float


NAMES = FourRates("exact", "sharper", "Ferbach-type", "Bertrand/Gillman")


class Certificate(NamedTuple):
    """What theory promises of one loop: errors are multiplied by the rate every generation, near theta*."""

    lam: float
    """m / n, synthetic points per real one; their number is rounded down."""
    gamma: float
    n: int
    m: int
    rate: FourRates
    """Below 1 where stability is certified; inf where a bound says nothing."""
    rate_error: float
    """The standard error of the exact rate, where the model's own law was sampled; 0 where it is a quadrature."""
    safe_lambda: FourRates
    """The largest lam for which each rate is at most 1."""
    wanted: float
    gamma_for: FourRates
    """The smallest gamma for which each rate is at most ``wanted``; inf where none is."""
    constants: Constants
    eta: float
    """``eps L / alpha``."""
    spectrum: Array
    """The m [P] of the exact rates ``tau lam m / (1 + lam m)``, ascending."""
    stationary: float
    """The expected KL divergence from p* as t grows, the same real points every generation: nats, to order 1 / n."""
    one_fit: float
    """The same of one fit to the real points alone."""
    state: Any
    """theta*, in float64."""
    notes: tuple[str, ...]
    """What the reader must know of how these numbers were found."""

    def __str__(self) -> str:
        """The certificate as a small table."""
        alpha, lipschitz, eps = self.constants
        error = f" +- {self.rate_error:.1g} (one standard error)" if self.rate_error else ""
        lines = [
            f"lambda {self.lam:.4g} ({self.m} synthetic beside {self.n} real points), gamma {self.gamma:.4g}, "
            f"{len(self.spectrum)} parameters",
            "",
            f"{'bound':<18}{'rate':>10}{'largest lambda':>18}{f'gamma for {self.wanted:.3g}':>18}",
            *(
                f"{name:<18}{_number(rate, 'none'):>10}{_number(lam, 'any'):>18}{_number(gamma, 'none'):>18}"
                for name, rate, lam, gamma in zip(NAMES, self.rate, self.safe_lambda, self.gamma_for, strict=True)
            ),
            "",
            f"stationary error  {self.stationary:.4g} nats, {self.stationary / self.one_fit:.4g} times that of one fit "
            f"({self.one_fit:.4g})",
            f"exact rate        m from {self.spectrum[0]:.4g} to {self.spectrum[-1]:.4g}{error}",
            f"constants         alpha {alpha:.4g}, L {lipschitz:.4g}, eps {eps:.4g}, eps L / alpha {self.eta:.4g}",
            *(wrapped for note in self.notes for wrapped in _wrapped("note", note)),
        ]
        return "\n".join(lines)


def _wrapped(title: str, text: str) -> list[str]:
    return textwrap.wrap(f"{title:<18}{text}", 96, subsequent_indent=" " * 18)


def _number(value: float, infinite: str) -> str:
    return infinite if value == float("inf") else f"{value:.4g}"
