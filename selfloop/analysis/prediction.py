"""The contraction that theory expects of a cell, beside the one that was measured.

Near its fixed point a loop that refits to the optimum contracts by (`stability.rates.exact`, m = 1)

    rho = lambda / ((1 + lambda) (1 + gamma)),

gamma the corrector's effective strength. A refit of finitely many steps stops short: it keeps a share r of the model it
starts from. For a quadratic loss and K steps of gradient descent of size eta, curvature c, from state s_t,

    s_{t+1} = r s_t + (1 - r) target(s_t),     r = (1 - eta c)^K,

and as the target moves by rho times the state's error, **the loop contracts by r + (1 - r) rho**. At lambda = 0 the
target stands still, rho = 0, and the twins of the baseline contract by r: the memory can be measured. That r is the
same at every lambda needs the loss to be a mean over the training set, so that synthetic data change its optimum but
not its curvature, and as many steps at every lambda; both hold here. It takes one r for all directions, where a network
has many; the slowest rule late generations.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from selfloop.analysis.columns import spread
from selfloop.metrics.estimates import UNKNOWN, Estimate, overlap
from selfloop.stability import rates as theory

Rows = list[dict[str, Any]]
UNFIT = ("accumulate", "nearest_real")
"""Arms that the formula is not about: one keeps all samples, the other's fixed point is not the data's."""


def loop_rate(lam: float, gamma: float) -> float:
    """``lambda / ((1 + lambda) (1 + gamma))``; gamma > -1, maybe infinite."""
    return float(theory.exact(lam, gamma))


def with_memory(rho: float, memory: float) -> float:
    """``r + (1 - r) rho``: the contraction of a loop whose refit keeps the share r of the model it starts from."""
    return memory + (1 - memory) * rho


def plain(lam: float, gamma: Estimate) -> Estimate:
    """The prediction of a refit to the optimum, with the interval of gamma carried through: it falls as gamma grows."""
    at = [math.nan if math.isnan(one) else loop_rate(lam, one) for one in (gamma.value, gamma.high, gamma.low)]
    return Estimate(*at)


def remembered(rho: Estimate, memory: Estimate) -> Estimate:
    """The prediction with memory; it grows with both rho and r (both below 1), so its limits join theirs.

    Joined limits are wide: they hold the truth wherever both intervals do. A limit that is not known counts as the
    value.
    """
    low = with_memory(_or(rho.low, rho.value), _or(memory.low, memory.value))
    return Estimate(with_memory(rho.value, memory.value), low, with_memory(*_highs(rho, memory)))


def _highs(rho: Estimate, memory: Estimate) -> tuple[float, float]:
    return _or(rho.high, rho.value), _or(memory.high, memory.value)


def _or(limit: float, value: float) -> float:
    return value if math.isnan(limit) else limit


def predictions(rates: Sequence[Mapping], gammas: Sequence[Mapping]) -> Rows:
    """Predicted beside measured, one row a cell and distance whose arm trains on its own samples.

    Args:
        rates: rows of `contraction.measure`.
        gammas: rows of `gammas.averages`; those in the space of artefacts are left aside, as rates are not.

    Returns:
        rows of n, guidance, lam, arm, distance and of three estimates, each as NAME, NAME_low, NAME_high: ``measured``,
        ``predicted`` and ``remembered`` (NaN where gamma or the memory is not known); also gamma, memory, and ``holds``
        and ``holds_remembered``: whether the predicted and the measured interval meet, None where one is not known.
    """
    known = {
        _key(row): Estimate(row["gamma"], row["low"], row["high"]) for row in gammas if row["space"] != "artefacts"
    }
    rest = {(row["n"], row["guidance"], row["distance"]): _rate(row) for row in rates if row["arm"] == "baseline"}
    found = []
    for row in rates:
        if row["arm"] == "baseline" or row["arm"] in UNFIT:
            continue
        gamma = Estimate(0.0, 0.0, 0.0) if row["arm"] == "uncorrected" else known.get(_key(row), UNKNOWN)
        memory = rest.get((row["n"], row["guidance"], row["distance"]), UNKNOWN)
        rho, measured = plain(row["lam"], gamma), _rate(row)
        full = remembered(rho, memory)
        found.append(
            {name: row[name] for name in ("n", "guidance", "lam", "arm", "distance")}
            | {"gamma": gamma.value, "memory": memory.value}
            | spread("measured", measured)
            | spread("predicted", rho)
            | spread("remembered", full)
            | {"holds": overlap(rho, measured), "holds_remembered": overlap(full, measured)}
        )
    return found


def _key(row: Mapping) -> tuple:
    return row["n"], row["guidance"], row["lam"], row["arm"]


def _rate(row: Mapping) -> Estimate:
    return Estimate(row["rate"], row["low"], row["high"])
