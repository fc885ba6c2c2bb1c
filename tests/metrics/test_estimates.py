"""Intervals against their definitions, and their coverage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from selfloop.analysis.columns import spread, spread_of
from selfloop.metrics.estimates import Estimate, clopper_pearson, excludes, fieller, over_seeds, overlap

numbers = st.lists(st.floats(-100, 100), min_size=2, max_size=8)


@settings(deadline=None)
@given(numbers.filter(lambda values: np.std(values) > 1e-6))
def test_the_interval_of_a_mean_is_that_of_a_t_test(values):
    low, high = stats.ttest_1samp(values, 0).confidence_interval()
    np.testing.assert_allclose(over_seeds(values), (np.mean(values), low, high), rtol=1e-6, atol=1e-6)


def test_few_seeds_have_no_interval_or_no_value():
    assert over_seeds([3.0, math.nan])[0] == 3.0
    assert np.isnan(over_seeds([3.0])[1:]).all()
    assert np.isnan(over_seeds([])).all()
    assert fieller([1.0], [2.0])[0] == 0.5
    assert np.isnan(fieller([1.0], [2.0])[1:]).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000))
def test_fieller_holds_the_shares_that_a_paired_t_test_does_not_reject(seed):
    rng = np.random.default_rng(seed)
    bottom = rng.normal(3, 0.5, 5)
    top = 0.4 * bottom + rng.normal(0, 0.3, 5)
    value, low, high = fieller(top, bottom)
    assert value == pytest.approx(top.mean() / bottom.mean())
    if math.isinf(low):
        assert stats.ttest_1samp(bottom, 0).pvalue >= 0.05 - 1e-9
        return
    for share in (low, high):  # at the limits the test is just at its level
        assert stats.ttest_1samp(top - share * bottom, 0).pvalue == pytest.approx(0.05, abs=1e-6)
    assert stats.ttest_1samp(top - (low + high) / 2 * bottom, 0).pvalue > 0.05


def test_fieller_covers_the_share_as_often_as_it_says():
    rng = np.random.default_rng(0)
    bottom = 2 + rng.normal(0, 0.5, (2000, 3))
    top = 0.7 * bottom + rng.normal(0, 0.4, (2000, 3))
    hit = [low <= 0.7 <= high for _, low, high in map(fieller, top, bottom)]
    # At the true share Fieller's set is the acceptance of an exact test; where it is unbounded both ways we say
    # everything, which covers too. 0.95 less 5 standard errors of 2000 trials.
    assert np.mean(hit) > 0.95 - 5 * math.sqrt(0.05 * 0.95 / 2000)


def test_a_share_of_nothing_cannot_be_read():
    found = fieller([0.1, -0.2, 0.05], [0.01, -0.02, 0.02])
    assert (found.low, found.high) == (-math.inf, math.inf)


def test_intervals_meet_or_do_not():
    assert overlap(Estimate(1, 0, 2), Estimate(3, 2, 4))
    assert overlap(Estimate(1, 0, 2), Estimate(3, 2.5, 4)) is False
    assert overlap(Estimate(1, math.nan, math.nan), Estimate(3, 0.5, 4))
    assert overlap(Estimate(math.nan, 0, 2), Estimate(3, 2.5, 4)) is None
    assert excludes(Estimate(1, 0.5, 2), 0)
    assert not excludes(Estimate(1, math.nan, math.nan), 0)


def test_an_estimate_goes_into_a_row_and_comes_back():
    one = Estimate(1.0, -2.0, math.inf)
    assert spread_of(spread("gain", one), "gain") == one
    assert spread_of({"gain": 1.0, "gain_low": "-inf", "gain_high": None}, "gain")[:2] == (1.0, -math.inf)


@pytest.mark.parametrize(("count", "trials"), [(0, 20), (5, 10), (20, 20), (1, 1000)])
@pytest.mark.parametrize("level", [0.95, 1 - 1e-6])
def test_clopper_and_pearson_leave_the_binomial_tails(count, trials, level):
    found = clopper_pearson(count, trials, level)
    tail = pytest.approx((1 - level) / 2, rel=1e-6)
    assert found.value == count / trials
    assert stats.binom.sf(count - 1, trials, found.low) == tail if count else found.low == 0
    assert stats.binom.cdf(count, trials, found.high) == tail if count < trials else found.high == 1
