"""Intervals: closed forms, known coverage, and what has no number."""

import numpy as np
import pytest

from selfloop.domains.motion.bench import estimates


def test_draws_count_clips_not_windows():
    weights = estimates.draws(0, np.array([7, 3, 7, 9]))
    assert weights.shape == (1 + estimates.RESAMPLES, 4)
    np.testing.assert_array_equal(weights[0], 1)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[1:, [0, 1, 3]].sum(1), 3)


def test_the_mean_and_its_interval_are_those_of_the_normal_law():
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = estimates.mean(estimates.draws(1, np.arange(400)), values, np.ones(400, bool))
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    # 25 of 1000 resamples lie beyond each end: the end is known to about a tenth of the half width
    assert found.low == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.2 * half)


def test_windows_of_one_clip_widen_the_interval():
    values = np.repeat(np.random.default_rng(0).normal(size=40), 4)
    kept = np.ones(160, bool)
    alone = estimates.mean(estimates.draws(0, np.arange(160)), values, kept)
    together = estimates.mean(estimates.draws(0, np.repeat(np.arange(40), 4)), values, kept)
    assert together.value == pytest.approx(alone.value)
    # four windows that are alike count once: the interval is twice as wide
    assert together.high - together.low == pytest.approx(2 * (alone.high - alone.low), rel=0.2)


def test_a_ratio_is_of_means_and_of_what_is_kept():
    top, bottom = np.array([2.0, 6.0, np.nan]), np.array([1.0, 3.0, 5.0])
    found = estimates.ratio(estimates.draws(0, np.arange(3)), top, bottom, np.array([True, True, False]))
    assert found == (2.0, 2.0, 2.0)
    nothing = estimates.mean(estimates.draws(0, np.arange(3)), top, np.zeros(3, bool))
    assert np.isnan(nothing).all()


def test_the_median_is_of_what_is_kept():
    values, kept = np.array([5.0, 1.0, 100.0, 3.0, np.nan]), np.array([True, True, True, True, False])
    found = estimates.median(estimates.draws(0, np.arange(5)), values, kept)
    assert found.value == 3.0  # the lower of the two in the middle
    assert (found.low, found.high) == (1.0, 100.0)
    assert np.isnan(estimates.median(estimates.draws(0, np.arange(5)), values, np.zeros(5, bool))).all()


def test_a_share_has_the_exact_binomial_interval():
    # Clopper and Pearson's own: 0 of n has the upper limit 1 - (alpha / 2)^(1 / n).
    everything = estimates.share(np.ones(20, bool), np.arange(20))
    assert everything == pytest.approx((1.0, 0.025 ** (1 / 20), 1.0))
    nothing = estimates.share(np.zeros(20, bool), np.arange(20))
    assert nothing == pytest.approx((0.0, 0.0, 1 - 0.025 ** (1 / 20)))
    half = estimates.share(np.arange(10) < 5, np.arange(10))
    assert half == pytest.approx((0.5, 0.1871, 0.8129), abs=1e-4)  # the tables' value for 5 of 10
