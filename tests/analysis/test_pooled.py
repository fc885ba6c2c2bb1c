"""Pooled effects: known shares, their coverage, and the price of looking often."""

import numpy as np
import pytest

from selfloop.analysis.pooled import bonferroni, difference, removed
from selfloop.metrics.estimates import fieller, over_seeds


def made(rng, cells=3, seeds=3, share=0.5, noise=0.1):
    """Ends by seed, cell by cell, of a free arm, a corrected one and a baseline; cells lose 1, 2, ... units."""
    shift = rng.normal(0, noise, (2, seeds))  # a seed's luck, which its cells share
    base = [{s: 0.0 for s in range(seeds)} for _ in range(cells)]
    free = [{s: (c + 1) * (1 + shift[0, s]) for s in range(seeds)} for c in range(cells)]
    corrected = [
        {s: (c + 1) * (1 + shift[0, s] - share * (1 + shift[1, s])) for s in range(seeds)} for c in range(cells)
    ]
    return free, corrected, base


def test_without_noise_the_share_is_exact_whatever_the_cells_sizes():
    free, corrected, base = made(np.random.default_rng(0), noise=0.0)
    np.testing.assert_allclose(removed(free, corrected, base), 0.5, rtol=1e-9)
    np.testing.assert_allclose(difference(corrected, free), -1.0, rtol=1e-9)


def test_one_cell_is_fieller_and_a_difference_is_student():
    free, corrected, base = made(np.random.default_rng(1), cells=1)
    a, b, c = (np.array(list(one[0].values())) for one in (free, corrected, base))
    np.testing.assert_allclose(removed(free, corrected, base), fieller(a - b, a - c), rtol=1e-9)
    np.testing.assert_allclose(difference(free, base), over_seeds(a - c), rtol=1e-12)


def test_seeds_that_a_cell_lacks_do_not_count():
    free, corrected, base = made(np.random.default_rng(2), seeds=4)
    whole = removed(*([{s: v for s, v in one.items() if s < 3} for one in arm] for arm in (free, corrected, base)))
    del corrected[1][3]
    np.testing.assert_allclose(removed(free, corrected, base), whole, rtol=1e-12)


def test_the_interval_covers_where_cells_share_their_seeds_luck():
    trials, rng = 400, np.random.default_rng(3)
    found = [removed(*made(rng)) for _ in range(trials)]
    hit = np.mean([one.low <= 0.5 <= one.high for one in found])
    # Nine values, but three repetitions: Fieller's interval is exact, 4 binomial standard errors.
    assert abs(hit - 0.95) < 4 * np.sqrt(0.05 * 0.95 / trials)


def test_many_intervals_hold_together():
    assert bonferroni(1) == pytest.approx(0.95)
    assert bonferroni(10) == pytest.approx(0.995)
    free, corrected, base = made(np.random.default_rng(4))
    one, many = removed(free, corrected, base), removed(free, corrected, base, bonferroni(12))
    assert many.low < one.low < one.value == many.value < one.high < many.high
