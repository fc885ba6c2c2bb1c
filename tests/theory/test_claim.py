"""The frame: what holds, what fails, what is neither; intervals cover; a verdict needs all three parts."""

import math

import numpy as np
import pytest
from scipy import stats

from theory.frame import page
from theory.frame.claim import (
    Comparison,
    Control,
    Finding,
    at_least,
    at_most,
    equal,
    fails,
    holds,
    identity,
    mean,
    miss,
    power,
    share,
    sharpest,
    verdict,
)

RIGHT = equal("right", 1.0, 1.0, 1e-9)
WRONG = equal("wrong", 2.0, 1.0, 1e-9)


@pytest.mark.parametrize(
    ("relation", "low", "high", "right", "wrong"),
    [
        ("=", 0.9, 1.1, True, False),
        ("=", 1.0, 1.0, True, False),
        ("=", 1.1, 1.2, False, True),
        ("=", 0.8, 0.9, False, True),
        ("<=", 0.8, 0.9, True, False),
        ("<=", 0.9, 1.1, False, False),
        ("<=", 1.1, 1.2, False, True),
        (">=", 1.1, 1.2, True, False),
        (">=", 0.9, 1.1, False, False),
        (">=", 0.8, 0.9, False, True),
        ("<=", 1 + 1e-12, 1 + 1e-12, True, False),
        (">=", 1 - 1e-12, 1 - 1e-12, True, False),
    ],
)
def test_an_interval_beside_a_prediction_of_one(relation, low, high, right, wrong):
    comparison = Comparison("", relation, 1.0, (low + high) / 2, low, high)
    assert (holds(comparison), fails(comparison)) == (right, wrong)


@pytest.mark.parametrize(
    ("relation", "field"),
    [("=", "low"), ("=", "high"), ("<=", "high"), (">=", "low")] + [(r, "predicted") for r in ["=", "<=", ">="]],
)
def test_nan_neither_holds_nor_passes_for_a_bound(relation, field):
    comparison = Comparison("", relation, 1.0, 1.0, 1.0, 1.0)
    assert holds(comparison)
    assert not holds(comparison._replace(**{field: math.nan}))


def test_infinity_bounds_everything_and_equals_itself():
    assert holds(at_most("", math.inf, 1e300))
    assert fails(at_least("", math.inf, 1e300))
    assert holds(equal("", math.inf, math.inf, 0.0))
    assert fails(equal("", math.inf, 1.0, 0.0))


def test_an_unknown_relation_is_an_error():
    with pytest.raises(ValueError, match="'<'"):
        holds(RIGHT._replace(relation="<"))


def test_the_interval_of_a_mean_is_five_standard_errors():
    samples = np.array([1.0, 2.0, 4.0, 5.0])
    comparison = mean("", 3.0, samples)
    assert comparison.measured == 3.0
    assert comparison.high - 3.0 == pytest.approx(5 * stats.sem(samples))
    assert 3.0 - comparison.low == pytest.approx(5 * stats.sem(samples))


@pytest.mark.parametrize("hits", [0, 1, 37, 99, 100])
def test_the_interval_of_a_share_is_that_of_the_binomial(hits):
    """At its ends the count that was seen has the tail probability of 5 standard deviations."""
    comparison = share("", 0.5, np.arange(100) < hits)
    tail = stats.norm.sf(5)
    assert comparison.measured == hits / 100
    assert comparison.low <= hits / 100 <= comparison.high
    if hits > 0:
        assert stats.binom.sf(hits - 1, 100, comparison.low) == pytest.approx(tail)
    if hits < 100:
        assert stats.binom.cdf(hits, 100, comparison.high) == pytest.approx(tail)


@pytest.mark.parametrize(
    ("hypotheses", "comparisons", "control", "good"),
    [
        ({"met": True}, [RIGHT, RIGHT], WRONG, True),
        ({"met": True, "not met": False}, [RIGHT], WRONG, False),
        ({"met": True}, [RIGHT, WRONG], WRONG, False),
        ({"met": True}, [RIGHT], RIGHT, False),
        ({"met": True}, [RIGHT], Comparison("neither", "<=", 1.0, 1.0, 0.9, 1.1), False),
        ({}, [RIGHT], WRONG, False),
        ({"met": True}, [], WRONG, False),
    ],
)
def test_a_verdict_needs_hypotheses_numbers_and_a_control_that_fails(hypotheses, comparisons, control, good):
    assert verdict(Finding(hypotheses, comparisons, Control("", control), lambda: None)) is good


@pytest.mark.parametrize(
    ("relation", "low", "high", "expected"),
    [("=", 0.9, 1.05, 0.1), ("=", 0.95, 1.2, 0.2), ("<=", 0.5, 0.75, 0.25), (">=", 1.5, 2.0, 0.5), ("<=", 1.0, 1.1, 0)],
)
def test_power_is_the_smallest_relative_error_that_is_caught(relation, low, high, expected):
    comparison = Comparison("", relation, 1.0, (low + high) / 2, low, high)
    assert power(comparison) == pytest.approx(expected)
    if expected > 0:
        signs = {"=": (-1, 1), "<=": (-1,), ">=": (1,)}[relation]
        for sign in signs:
            assert not holds(comparison._replace(predicted=1 + sign * expected * 1.01))
        assert any(holds(comparison._replace(predicted=1 + sign * expected * 0.99)) for sign in signs)


def test_power_is_unknown_beside_0_and_infinity_and_that_of_no_identity():
    assert math.isnan(power(equal("", 0.0, 0.0, 1.0)))
    assert math.isnan(power(at_most("", math.inf, 1.0)))
    found = Finding({}, [equal("", 2.0, 2.0, 0.2), equal("", 0.0, 0.0, 1e-9)], Control("", WRONG), lambda: None)
    assert sharpest(found) == pytest.approx(0.1)
    assert sharpest(found._replace(comparisons=[identity("", 1.0, 1.0, 1e-9), *found.comparisons])) == sharpest(found)
    assert math.isnan(sharpest(found._replace(comparisons=[identity("", 1.0, 1.0, 1e-9)])))


def test_a_controls_miss_is_relative_to_the_larger():
    assert miss(Control("", equal("", 2.0, 1.0, 0.1))) == 0.5
    assert miss(Control("", equal("", 1.0, 2.0, 0.1))) == 0.5
    assert miss(Control("", equal("", 0.0, 2.0, 0.1))) == 1.0


def test_what_a_page_says_of_a_numbers_power():
    assert page.sees(equal("", 2.0, 2.0, 0.2)) == "10 %"
    assert page.sees(at_most("", 3.0, 1.5)) == "2 times"
    assert page.sees(at_least("", 1.0, 4.0)) == "0.25 times"
    assert page.sees(identity("", 1.0, 1.0, 1e-9)) == "identity"
    assert page.sees(at_most("", math.inf, 1.0)) == page.sees(equal("", 0.0, 0.0, 1.0)) == ""
