"""The frame of a claim: a theorem's hypotheses, what it predicts, what is measured, and a control that must fail.

A claim is one file of this folder with a constant ``CLAIM``, and one row in `verify.CLAIMS`. Its check runs in float64.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from selfloop.metrics.estimates import clopper_pearson

SIGMAS = 5.0
"""Half width of a Monte Carlo interval in standard errors. Were all means normal, a run of 500 would raise a false
alarm in one of 3,500 choices of seeds; means of skewed samples (squares, products) raise more, how many more is not
known."""
ROUNDING = 1e-9
"""Relative slack with which an inequality is read: the two sides of a sharp one differ by rounding."""
RECALLED = "as recalled; not re-read"
"""Said in the source of a statement that is a paper's and was written down from memory."""


class Effort(NamedTuple):
    """How much a claim may compute."""

    seeds: int
    """Chains a Monte Carlo mean is taken over; a claim may take a fixed multiple or part."""
    cases: int
    """Random cases of an inequality or identity."""


QUICK = Effort(seeds=400, cases=20)
FULL = Effort(seeds=1600, cases=400)


class Comparison(NamedTuple):
    """One number beside another."""

    label: str
    relation: str
    """ "=": predicted lies in the interval; "<=", ">=": the whole interval lies at or below, at or above it."""
    predicted: float
    measured: float
    low: float
    high: float
    identity: bool = False
    """One formula beside another: true or false by algebra, with nothing measured. No slip counts as caught by it."""


class Control(NamedTuple):
    """What must fail: a wrong prediction, or a case outside the hypotheses, judged by the same rule.

    A near miss says more than an absurdity: `miss` is the distance at which it fails.
    """

    what: str
    comparison: Comparison


class Finding(NamedTuple):
    """What a check found."""

    hypotheses: dict[str, bool]
    """What the theorem asks for, each computed from what was measured or built: it could have come out false."""
    comparisons: Sequence[Comparison]
    """With labels that differ; the first is the one that the table on screen shows."""
    control: Control
    figure: Callable[[], Any]
    """A matplotlib figure, drawn only when called."""
    definitions: Sequence[str] = ()
    """What the theorem asks for and the settings grant by construction, so that there is nothing to compute."""


class Slip(NamedTuple):
    """A plausible error in a prediction: the claim must notice it (`theory/mutate.py`)."""

    what: str
    """ "n for n - 1", "tau for tau²"."""
    of: Callable[..., Any]
    """The prediction, a function of a module of `theory` or `selfloop.stability`."""
    wrong: Callable[..., Any]
    """What stands in its place: ``wrong(right, *arguments)``, where ``right`` is the prediction as it was."""


class Claim(NamedTuple):
    """A theorem and how it is checked."""

    name: str
    """That of its file."""
    source: str
    statement: str
    check: Callable[[Effort], Finding]
    """Predicts, measures and compares. Measurements are functions under `functools.cache`, so that slips share them."""
    slips: Sequence[Slip] = ()


def equal(label: str, predicted: Any, measured: Any, tolerance: float) -> Comparison:
    """Two numbers that are exact but for rounding, or an error bounded by ``tolerance``."""
    predicted, measured = float(predicted), float(measured)
    return Comparison(label, "=", predicted, measured, measured - tolerance, measured + tolerance)


def identity(label: str, predicted: Any, found: Any, tolerance: float) -> Comparison:
    """One formula beside another: `equal`, marked as what nothing was measured for."""
    return equal(label, predicted, found, tolerance)._replace(identity=True)


def at_most(label: str, bound: Any, measured: Any) -> Comparison:
    """An exact number at or below a bound."""
    return Comparison(label, "<=", float(bound), float(measured), float(measured), float(measured))


def at_least(label: str, bound: Any, measured: Any) -> Comparison:
    """An exact number at or above a bound."""
    return at_most(label, bound, measured)._replace(relation=">=")


def mean(label: str, predicted: Any, samples: Any, relation: str = "=") -> Comparison:
    """The mean of independent samples [S], one a seed, within SIGMAS standard errors."""
    samples = np.asarray(samples, float)
    measured, half = float(samples.mean()), SIGMAS * float(samples.std(ddof=1)) / math.sqrt(samples.size)
    return Comparison(label, relation, float(predicted), measured, measured - half, measured + half)


def share(label: str, predicted: Any, hits: Any, relation: str = ">=") -> Comparison:
    """The share of true among independent hits [S], with the Clopper-Pearson interval of the level of SIGMAS."""
    hits = np.asarray(hits, bool)
    found = clopper_pearson(int(hits.sum()), hits.size, level=1 - 2 * float(stats.norm.sf(SIGMAS)))
    return Comparison(label, relation, float(predicted), *found)


def holds(comparison: Comparison) -> bool:
    """Whether the measurement is as predicted; never where a number is NaN."""
    predicted, slack = comparison.predicted, _slack(comparison.predicted)
    match comparison.relation:
        case "=":
            return comparison.low <= predicted <= comparison.high
        case "<=":
            return comparison.high <= predicted + slack
        case ">=":
            return comparison.low >= predicted - slack
    raise ValueError(f"the relation is {comparison.relation!r}; it is '=', '<=' or '>='")


def fails(comparison: Comparison) -> bool:
    """Whether the measurement contradicts the prediction: an interval about a bound neither holds nor fails."""
    predicted, slack = comparison.predicted, _slack(comparison.predicted)
    match comparison.relation:
        case "=":
            return predicted < comparison.low or predicted > comparison.high
        case "<=":
            return comparison.low > predicted + slack
        case ">=":
            return comparison.high < predicted - slack
    raise ValueError(f"the relation is {comparison.relation!r}; it is '=', '<=' or '>='")


def power(comparison: Comparison) -> float:
    """The smallest relative error of the prediction that the comparison would catch, whatever its sign; NaN where the
    prediction is 0 or infinite.

    Of a bound it is the share by which it could be smaller (a lower bound: larger) and still hold: how loose it is.
    """
    predicted, low, high = comparison.predicted, comparison.low, comparison.high
    if predicted == 0 or not math.isfinite(predicted):
        return math.nan
    room = {"=": max(high - predicted, predicted - low), "<=": predicted - high, ">=": low - predicted}
    return max(room[comparison.relation], 0.0) / abs(predicted)


def sharpest(finding: Finding) -> float:
    """The power of the claim: that of its sharpest comparison with something measured; NaN where none has any."""
    powers = [power(one) for one in finding.comparisons if not one.identity]
    return min((one for one in powers if math.isfinite(one)), default=math.nan)


def miss(control: Control) -> float:
    """How far the control's prediction is from what was measured, relative to the larger of the two."""
    predicted, measured = control.comparison.predicted, control.comparison.measured
    if not (math.isfinite(predicted) and math.isfinite(measured)):
        return math.nan
    return abs(predicted - measured) / max(abs(predicted), abs(measured), 1e-300)


def verdict(finding: Finding) -> bool:
    """All hypotheses true, all comparisons as predicted, and the control contradicted."""
    checked = bool(finding.hypotheses) and bool(finding.comparisons)
    right = all(finding.hypotheses.values()) and all(map(holds, finding.comparisons))
    return bool(checked and right and fails(finding.control.comparison))


def _slack(predicted: float) -> float:
    return ROUNDING * abs(predicted) if math.isfinite(predicted) else 0.0
