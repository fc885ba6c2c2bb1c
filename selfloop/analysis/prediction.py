"""The predicted contraction of a cell, beside the one that was measured.

Near its fixed point a loop that refits to the optimum contracts by (`stability.rates.exact`, m = 1)

    rho = lambda / ((1 + lambda) (1 + gamma)),

gamma the corrector's effective strength. A refit of finitely many steps stops short: it keeps a share r of the model it
starts from. For a quadratic loss and K steps of gradient descent of size eta, curvature c, from state s_t,

    s_{t+1} = r s_t + (1 - r) target(s_t),     r = (1 - eta c)^K,

and as the target moves by rho times the state's error, **the loop contracts by r + (1 - r) rho**. At lambda = 0 the
target stands still, rho = 0, and coupled chains without synthetic data contract by r: the memory can be measured. That
r is the same at every lambda needs the loss to be a mean over the training set, so that synthetic data change its
optimum but not its curvature, and as many steps at every lambda. It takes one r for all directions, where a network has
many; the slowest rule late generations.
"""

import math

from selfloop.analysis.cells import Row, Rows, cell_of, head
from selfloop.analysis.columns import spread
from selfloop.analysis.effective_gamma import averages
from selfloop.analysis.results import Results
from selfloop.engine.domain import primary
from selfloop.metrics.estimates import UNKNOWN, Estimate, overlap
from selfloop.stability import rates as theory

RESOLUTION = 1e-3
"""Relative error of a measured rate that no interval over seeds holds, as it is the same in every seed: MMD is
proportional to a distance to first order only, and a slope is read from afar. A prediction is not held to more: with a
known covariance the uncorrected Gaussian loop measures 0.50005 [0.50001, 0.50008] where theory says 0.5 exactly."""


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


def predictions(results: Results) -> Rows:
    """Predicted beside measured, one row a cell, distance and arm that the formula is about (``predicted``).

    Gamma is that in the primary space, as rates are; the memory is the baseline's rate.

    Returns:
        rows of cell, arm, distance and of three estimates, each as NAME, NAME_low, NAME_high: ``measured``,
        ``predicted`` and ``remembered`` (NaN where gamma or the memory is not known); also gamma, memory, and ``holds``
        and ``holds_remembered``: whether the predicted and the measured interval meet, None where one is not known.
    """
    rest = {(row["n"], row["axes"], row["distance"]): _rate(row)
            for row in results.rates if row["arm"] == results.baseline}  # fmt: skip
    known, found = _gammas(results), []
    for row in results.rates:
        if not (row["synthetic"] and results.about["arms"][row["arm"]]["predicted"]):
            continue
        gamma = known.get((cell_of(row), row["arm"]), UNKNOWN) if results.corrects(row["arm"]) else Estimate(0, 0, 0)
        memory = rest.get((row["n"], row["axes"], row["distance"]), UNKNOWN)
        rho, measured = plain(row["lam"], gamma), _rate(row)
        full = remembered(rho, memory)
        found.append(
            head(row)
            | {"distance": row["distance"], "gamma": gamma.value, "memory": memory.value}
            | spread("measured", measured)
            | spread("predicted", rho)
            | spread("remembered", full)
            | {"holds": agrees(rho, measured), "holds_remembered": agrees(full, measured)}
        )
    return found


def agrees(predicted: Estimate, measured: Estimate) -> bool | None:
    """Whether the intervals meet, the measured one widened by its `RESOLUTION`; None where one is not known."""
    slack = RESOLUTION * abs(measured.value)
    return overlap(predicted, Estimate(measured.value, _or(measured.low, measured.value) - slack,
                                       _or(measured.high, measured.value) + slack))  # fmt: skip


def _gammas(results: Results) -> dict[tuple, Estimate]:
    """The mean gamma in the primary space by cell and arm."""
    rows = averages(results.gammas)
    space = primary(results.about["spaces"], {row["space"]: row for row in rows}) if rows else ""
    return {(cell_of(row), row["arm"]): _interval(row, "gamma") for row in rows if row["space"] == space}


def _rate(row: Row) -> Estimate:
    return _interval(row, "rate")


def _interval(row: Row, name: str) -> Estimate:
    return Estimate(row[name], row["low"], row["high"])
