"""Slips in the pieces that several recursions are made of: declared once, tried on every claim that rests on them."""

from collections.abc import Callable
from typing import Any

from selfloop.stability import rates, recursions
from selfloop.stability.precision import floats
from theory.frame.claim import Slip
from theory.frame.slips import scaled


def _slope(what: str, wrong: Callable) -> Slip:
    """A slip in `recursions.variance_slope`, from tau and v2."""

    def changed(right: Callable, gamma: Any, v2: Any) -> Any:
        gamma, v2 = floats(gamma, v2)
        return wrong(1 / (1 + gamma), v2)

    return Slip(what, recursions.variance_slope, changed)


def _piece(what: str, wrong: Callable) -> Slip:
    """A slip in `recursions._shares`: one of 1 / n, w, r, w^2 / m, c is changed, from them, n and m."""

    def changed(right: Callable, n: Any, m: Any, *others: Any) -> Any:
        return wrong(*right(n, m, *others), n, m)

    return Slip(what, recursions._shares, changed)  # noqa: SLF001


COIN = _slope("tau (1 - tau) left out of c", lambda tau, v2: v2 * tau)
FLAT = _slope("c = 0", lambda tau, v2: 0 * tau)
DOUBLED = _slope("c doubled", lambda tau, v2: 2 * (v2 * tau + tau * (1 - tau)))
SLOPE = (COIN, FLAT, DOUBLED)
"""Of c."""
PIECES = (
    _piece("n + 1 for n real points", lambda one, w, r, draw, c, n, m: (one * n / (n + 1), w, r, draw, c)),
    _piece("half the synthetic noise", lambda one, w, r, draw, c, n, m: (one, w, r, draw / 2, c)),
    _piece("w / m for w^2 / m", lambda one, w, r, draw, c, n, m: (one, w, r, w / m, c)),
    _piece("tau left out of r", lambda one, w, r, draw, c, n, m: (one, w, w, draw, c)),
)
"""Of the real points' part, the synthetic share, and what the synthetic points add."""

RATE = (
    Slip("m left out", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, 1 + 0 * m)),
    Slip(
        "m left out of the denominator",
        rates.exact,
        lambda right, lam, gamma, m=1.0: right(lam, gamma, 1 + 0 * m) * m,
    ),
    Slip("a factor 2", rates.exact, scaled(2.0)),
    Slip("lambda for lambda / (1 + lambda)", rates.exact, lambda right, lam, gamma, m=1.0: lam * m / (1 + gamma)),
)
"""In the exact rate."""
