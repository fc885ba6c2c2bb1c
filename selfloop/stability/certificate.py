"""The certificate that `certify` hands out, and how it prints."""

import math
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

from jax import Array

from selfloop.metrics.estimates import Estimate
from selfloop.stability.constants import Constants
from selfloop.wording import html_table

if TYPE_CHECKING:
    from selfloop.figure import Figure


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
    interval: Estimate
    """The exact rate and its 95 % interval, where it is an estimate from samples of the model; else three times it."""
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
    doubts: tuple[str, ...] = ()
    """Why these numbers are not those of the loop that was meant; empty where nothing was found."""

    @property
    def estimated(self) -> bool:
        """Whether the exact rate is an estimate, with `interval`."""
        return self.interval.high > self.interval.low

    @property
    def rate_error(self) -> float:
        """Half of the interval's width, over 1.96: a standard error of the exact rate; 0 where it is no estimate."""
        return (self.interval.high - self.interval.low) / 2 / 1.96

    @property
    def verdict(self) -> str:
        """What the certificate says, in a sentence."""
        if self.doubts:
            return f"Not a certificate of this loop: {self.doubts[0]}."
        told = f"With {_share(self.lam)} and {_strength(self.gamma)}, retraining"
        if not self.interval.high < 1:
            return f"{told} cannot be told to be stable: the rate is {self.rate.exact:.3g}."
        most = f" (an estimate; at most {self.interval.high:.3g})" if self.estimated else ""
        left = f", and the error that stays is {_times(self.stationary, self.one_fit)} that of one fit"
        return f"{told} stays stable: an error is multiplied by {self.rate.exact:.3g}{most} every generation{left}."

    def __str__(self) -> str:
        """The verdict, and the certificate as a small table."""
        alpha, lipschitz, eps = self.constants
        last = self.spectrum[-1]
        estimate = f"; estimated: rate {_range(self.interval)} (95 %)" if self.estimated else ""
        lines = [
            *textwrap.wrap(self.verdict, 96),
            "",
            f"lambda {self.lam:.4g} ({self.m} synthetic beside {self.n} real points), gamma {self.gamma:.4g}, "
            f"{len(self.spectrum)} parameters",
            "",
            f"{'bound':<18}{'rate':>10}{'largest lambda':>18}{f'gamma for {self.wanted:.3g}':>18}",
            *(
                f"{name:<18}{_number(rate, 'none'):>10}{_number(lam, 'any'):>18}{_number(gamma, 'none'):>18}"
                for name, rate, lam, gamma in zip(NAMES, self.rate, self.safe_lambda, self.gamma_for, strict=True)
            ),
            "",
            f"stationary error  {self.stationary:.4g} nats, {_times(self.stationary, self.one_fit, 4)} that of one fit "
            f"({self.one_fit:.4g})",
            f"exact rate        m from {self.spectrum[0]:.4g} to {last:.4g}{estimate}",
            f"constants         alpha {alpha:.4g}, L {lipschitz:.4g}, eps {eps:.4g}, eps L / alpha {self.eta:.4g}",
            *(wrapped for doubt in self.doubts for wrapped in _wrapped("doubt", doubt)),
            *(wrapped for note in self.notes for wrapped in _wrapped("note", note)),
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        """One line: where the loop stands and what is certified of it."""
        rates = ", ".join(f"{name} {_number(rate, 'none')}" for name, rate in zip(NAMES, self.rate, strict=True))
        return f"Certificate(lam={self.lam:.4g}, gamma={self.gamma:.4g}, n={self.n}; rates: {rates})"

    def _repr_html_(self) -> str:
        rates = [_number(rate, "none") for rate in self.rate]
        return html_table([f"gamma {self.gamma:.4g}", *NAMES], [["rate", *rates]], self.verdict)

    def plot(self) -> "Figure":
        """The rates that each bound certifies over lambda, at this gamma; below 1 the loop is stable."""
        import numpy as np

        from selfloop import drawing
        from selfloop.stability import rates

        finite = [one for one in self.safe_lambda if 0 < one < math.inf]
        most = 2 * max([self.lam if self.lam < math.inf else 1.0, *finite, 0.5])
        lam = np.linspace(0, most, 201)[1:]
        largest = float(self.spectrum[-1])
        curves = FourRates(
            rates.exact(lam, self.gamma, largest), rates.sharper(lam, self.gamma, self.eta),
            rates.ferbach(lam, self.gamma, self.eta), rates.gillman(lam, self.gamma, self.eta),
        )  # fmt: skip
        figure = drawing.blank(5.6, 3.6)
        axes = figure.subplots()
        palette, signs = drawing.colours(NAMES), drawing.markers(NAMES)
        for name, curve, here in zip(NAMES, curves, self.rate, strict=True):
            values = np.where(np.isfinite(curve), np.asarray(curve, np.float64), np.nan)
            axes.plot(lam, values, color=palette[name], linewidth=1.8, label=name, marker=signs[name], markevery=40,
                      markersize=4)  # fmt: skip
            if math.isfinite(here) and self.lam <= most:
                figure.tip(axes, self.lam, here, f"{name}, lambda {self.lam:.4g}: rate {here:.4g}")
        axes.axhline(1, color=drawing.INK, linewidth=1, dashes=(4, 3), label="stable below")
        if self.lam <= most:
            axes.axvline(self.lam, color=drawing.INK, linewidth=1)
        axes.set_ylim(0, 2)
        if self.estimated and self.lam <= most:
            axes.vlines(
                self.lam, self.interval.low, self.interval.high, color=palette[NAMES.exact], linewidth=4, alpha=0.4
            )
        title = f"{'Doubtful' if self.doubts else 'Certified'} rate, gamma {self.gamma:.4g}"
        drawing.style(axes, title, "lambda (synthetic per real point)", "rate")
        drawing.legend(figure, 3)
        return figure


def _wrapped(title: str, text: str) -> list[str]:
    return textwrap.wrap(f"{title:<18}{text}", 96, subsequent_indent=" " * 18)


def _share(lam: float) -> str:
    if lam == 0:
        return "no synthetic points"
    if lam == 1:
        return "one synthetic point for each real one"
    return f"{lam:.3g} synthetic points for each real one"


def _strength(gamma: float) -> str:
    if gamma == 0:
        return "no corrector"
    return "a perfect corrector" if gamma == math.inf else f"a corrector of strength {gamma:.3g}"


def _times(left: float, one_fit: float, digits: int = 2) -> str:
    return f"{left / one_fit:.{digits}g} times" if one_fit > 0 else "equal to"


def _range(one: Estimate) -> str:
    return f"{one.value:.4g} [{one.low:.4g}, {one.high:.4g}]"


def _number(value: float, infinite: str) -> str:
    return infinite if value == float("inf") else f"{value:.4g}"
