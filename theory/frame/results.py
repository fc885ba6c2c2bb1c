"""A claim that was checked: how it is run, and how it is put into the JSON file and the table."""

import importlib
import math
import time
import traceback
from typing import Any, NamedTuple

import jax

from selfloop.report.figures import blank
from theory.frame.claim import (
    Claim,
    Comparison,
    Control,
    Effort,
    Finding,
    equal,
    fails,
    holds,
    miss,
    power,
    sharpest,
    verdict,
)


class Result(NamedTuple):
    """What came of a claim."""

    claim: Claim
    finding: Finding
    good: bool
    seconds: float
    drawing: Any
    """Its matplotlib figure."""


def examine(name: str, effort: Effort) -> Result:
    """Check the claim in the file of this name, in float64; one whose check raises does not hold."""
    began = time.monotonic()
    with jax.enable_x64(True):  # noqa: FBT003
        claim = importlib.import_module(f"theory.{name}").CLAIM
        try:
            finding = claim.check(effort)
            drawing = finding.figure()
        except Exception as error:
            traceback.print_exc()
            finding = _broken(f"the check runs to its end ({type(error).__name__}: {error})")
            drawing = finding.figure()
    return Result(claim, finding, verdict(finding), time.monotonic() - began, drawing)


def described(result: Result) -> dict[str, Any]:
    """The claim as the JSON file has it; ``measured`` and ``interval`` are in the order of ``predicted``."""
    finding, control = result.finding, result.finding.control
    return {
        "name": result.claim.name,
        "source": result.claim.source,
        "statement": result.claim.statement,
        "hypotheses": {what: bool(met) for what, met in finding.hypotheses.items()},
        "definitions": list(finding.definitions),
        "predicted": [_prediction(one) for one in finding.comparisons],
        "measured": [one.measured for one in finding.comparisons],
        "interval": [[one.low, one.high] for one in finding.comparisons],
        "power": sharpest(finding),
        "negative_control": {
            "what": control.what,
            "predicted": _prediction(control.comparison),
            "measured": control.comparison.measured,
            "interval": [control.comparison.low, control.comparison.high],
            "miss": miss(control),
            "fails": fails(control.comparison),
        },
        "holds": result.good,
    }


def row(result: Result) -> dict[str, Any]:
    """The claim as a row on screen: the first number that is not as predicted, or else the first."""
    numbers = result.finding.comparisons
    shown = next((one for one in numbers if not holds(one)), numbers[0])
    return {
        "claim": result.claim.name,
        "number": shown.label,
        "measured": shown.measured,
        "": shown.relation,
        "predicted": shown.predicted,
        "as predicted": f"{sum(map(holds, numbers))} of {len(numbers)}",
        "power": percent(sharpest(result.finding)),
        "hypotheses": "true" if all(result.finding.hypotheses.values()) else "FALSE",
        "control": (
            f"fails by {percent(miss(result.finding.control))}"
            if fails(result.finding.control.comparison)
            else "PASSES"
        ),
        "holds": "yes" if result.good else "NO",
        "s": round(result.seconds, 1),
    }


COLUMNS = (
    "claim", "number", "measured", "", "predicted", "as predicted", "power", "hypotheses", "control", "holds", "s",
)  # fmt: skip


def percent(share: float) -> str:
    """A relative error as a table shows it, NaN as nothing."""
    return "" if math.isnan(share) else f"{100 * share:.2g} %"


def _prediction(comparison: Comparison) -> dict[str, Any]:
    return {
        "label": comparison.label,
        "relation": comparison.relation,
        "value": comparison.predicted,
        "identity": comparison.identity,
        "power": power(comparison),
    }


def _broken(why: str) -> Finding:
    nothing = equal("nothing was measured", float("nan"), float("nan"), 0)
    return Finding({why: False}, [nothing], Control("nothing was measured", nothing), lambda: blank(1, 1))
