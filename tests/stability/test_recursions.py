"""Finite-sample recursions: exact enumeration of a Bernoulli loop, closed forms, the numbers of the literature."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.stability import recursions

quick = settings(max_examples=60, deadline=None)
P = 0.3
"""The mean of the enumerated Bernoulli loop; s does not depend on it."""


def _transition(sizes_from, mean_of, size, tau):
    """P(j ones among ``size`` corrected draws | i): rows i over ``sizes_from``, columns j."""
    rows = [scipy.stats.binom.pmf(np.arange(size + 1), size, tau * mean_of(i) + (1 - tau) * P) for i in sizes_from]
    return np.array(rows)


def _spread(law, means):
    return float(law @ (means - P) ** 2 / (P * (1 - P)))


def _enumerate_mixed(n, m, gamma, generations, fresh):
    """E (mean_t - P)^2 / V over every outcome: n real points (kept, or new every time) and m corrected ones."""
    tau = 1 / (1 + gamma)
    real = scipy.stats.binom.pmf(np.arange(n + 1), n, P)
    means = (np.arange(n + 1)[:, None] + np.arange(m + 1)[None]) / (n + m)
    draw = np.array([_transition(range(m + 1), lambda j, i=i: means[i, j], m, tau) for i in range(n + 1)])
    first = _transition(range(n + 1), lambda i: i / n, m, tau)
    joint, result = real[:, None] * first, [_spread(real, np.arange(n + 1) / n)]
    if fresh:
        joint = real[:, None] * (real @ first)[None]
    for _ in range(generations):
        result.append(_spread(joint.ravel(), means.ravel()))
        after = np.einsum("ij,ijk->ik", joint, draw)
        joint = real[:, None] * after.sum(0)[None] if fresh else after
    return result


def _enumerate_pool(n, gamma, generations, subsample):
    """The same of a pool that grows by n; each model is fitted to all of it, or to n points drawn from it."""
    tau = 1 / (1 + gamma)
    law, pools, fits = scipy.stats.binom.pmf(np.arange(n + 1), n, P), [], []
    for t in range(generations + 1):
        total = (t + 1) * n
        fitted = scipy.stats.hypergeom.pmf(np.arange(n + 1)[None], total, np.arange(total + 1)[:, None], n)
        pools.append(_spread(law, np.arange(total + 1) / total))
        fits.append(_spread(law @ fitted, np.arange(n + 1) / n))
        if subsample:
            new = fitted @ _transition(range(n + 1), lambda k: k / n, n, tau)
        else:
            new = _transition(range(total + 1), lambda i, total=total: i / total, n, tau)
        law = sum(np.eye(total + n + 1)[i : i + n + 1].T @ (law[i] * new[i]) for i in range(total + 1))
    return pools, fits


@pytest.mark.parametrize(("n", "m", "gamma"), [(3, 2, 0.0), (3, 5, 0.5), (2, 4, 2.0), (4, 1, math.inf)])
def test_reuse_and_fresh_are_the_enumerated_bernoulli_loop(n, m, gamma):
    np.testing.assert_allclose(
        recursions.reuse(n, m, gamma, -1, 5), _enumerate_mixed(n, m, gamma, 5, False), rtol=1e-12
    )
    np.testing.assert_allclose(recursions.fresh(n, m, gamma, -1, 5), _enumerate_mixed(n, m, gamma, 5, True), rtol=1e-12)


@pytest.mark.parametrize(("n", "gamma"), [(3, 0.0), (4, 0.7), (2, math.inf)])
def test_accumulation_is_the_enumerated_bernoulli_loop(n, gamma):
    pools, _ = _enumerate_pool(n, gamma, 4, subsample=False)
    np.testing.assert_allclose(recursions.accumulate(n, n, gamma, -1, 4), pools, rtol=1e-12)
    pools, fits = _enumerate_pool(n, gamma, 4, subsample=True)
    np.testing.assert_allclose(recursions.accumulate_subsample(n, gamma, 4), [pools, fits], rtol=1e-12)


def test_replace_is_the_enumerated_wright_fisher_chain():
    n, m, gamma = 5, 4, 0.3
    law, result = scipy.stats.binom.pmf(np.arange(n + 1), n, P), []
    result.append(_spread(law, np.arange(n + 1) / n))
    law = law @ _transition(range(n + 1), lambda i: i / n, m, 1 / (1 + gamma))
    for _ in range(4):
        result.append(_spread(law, np.arange(m + 1) / m))
        law = law @ _transition(range(m + 1), lambda j: j / m, m, 1 / (1 + gamma))
    np.testing.assert_allclose(recursions.replace(n, m, gamma, -1, 4), result, rtol=1e-12)


SIZES = st.integers(1, 200)


@quick
@given(SIZES, SIZES, st.floats(0, 20) | st.just(math.inf), st.floats(-1, 0), st.floats(0.2, 5))
def test_limits_are_where_the_recursions_end(n, m, gamma, v2, excess):
    for path, limit in (
        (recursions.reuse, recursions.reuse_limit),
        (recursions.fresh, recursions.fresh_limit),
    ):
        end = float(limit(n, m, gamma, v2, excess))
        # Errors shrink by 200 / 201 a generation at least.
        assert abs(float(path(n, m, gamma, v2, 6500, excess)[-1]) - end) <= 1e-12 * max(1, end)


def test_limits_at_the_edges():
    assert recursions.replace_limit(10, 0.0, -1) == 1
    assert recursions.replace_limit(10, 0.0, 0) == recursions.replace_limit(10, 0.0, 1) == math.inf
    np.testing.assert_allclose(recursions.replace_limit(10, 0.5, -1), 1 / 6, rtol=1e-14)
    np.testing.assert_allclose(recursions.reuse_limit(30, 60, math.inf, -1), 1 / 90, rtol=1e-14)
    np.testing.assert_allclose(recursions.fresh_limit(10, 10, np.array([0.0, 0.5]), -1), [2 / 31, 1 / 18], rtol=1e-14)
    # Mean-square stability is a condition of its own: its counter-example.
    assert recursions.reuse_limit(1, 5, 0.0, 4) == math.inf
    # Below gamma ~ v2 / (2 m) the fully synthetic exponential loop diverges, above it does not.
    assert recursions.replace_limit(10, 0.04, 1) == math.inf
    assert recursions.replace_limit(10, 0.06, 1) < math.inf


REFERENCE = [
    (50, 25, 0, 0, 0.0244444444, 0.0249999153, 0.0250000000),
    (50, 25, 0, -1, 0.0243555556, 0.0248755546, 0.0248756219),
    (50, 25, 1, 0, 0.0183555556, 0.0173921340, 0.0173913043),
    (50, 25, 1, -1, 0.0183111111, 0.0173524146, 0.0173515982),
    (50, 50, 0, -1, 0.0249000000, 0.0264843372, 0.0264900662),
    (50, 500, 0, -1, 0.0216198347, 0.0257163285, 0.0292452830),
    (50, 500, 0.1, -1, 0.0184563896, 0.0143870513, 0.0106560007),
    (50, 500, 1, -1, 0.0075950413, 0.0027495392, 0.0026375152),
    (20, 60, 0, 1, 0.0598437500, 0.0715863438, 0.0729927007),
    (20, 40, 2, -1, 0.0264814815, 0.0208580925, 0.0208449138),
]


@pytest.mark.parametrize("row", REFERENCE)
def test_reuse_has_the_reference_values(row):
    n, m, gamma, v2, *expected = row
    s = recursions.reuse(n, m, gamma, v2, 5)
    np.testing.assert_allclose([s[1], s[5], recursions.reuse_limit(n, m, gamma, v2)], expected, atol=6e-11)


def test_the_other_workflows_have_the_reference_values():
    at = [1, 5, 10, 20]
    for path, expected in (
        (recursions.accumulate(10, 10, 0, -1, 20), [0.1225000000, 0.1435085139, 0.1492016578, 0.1526326160]),
        (recursions.accumulate(10, 10, 0.5, -1, 20), [0.0933333333, 0.0659122029, 0.0502384666, 0.0361918421]),
        (recursions.accumulate(50, 50, 0, -1, 20), [0.0249000000, 0.0295998397, 0.0308925818, 0.0316753135]),
        (recursions.replace(10, 10, 0, -1, 20), [0.19, 0.4685590000, 0.6861894039, 0.8905810109]),
        (recursions.replace(10, 10, 0.5, -1, 20), [0.14, 0.1659840000, 0.1666596762, 0.1666666659]),
        (recursions.replace(50, 50, 0, -1, 20), [0.0396, 0.1141576191, 0.1992686493, 0.3457441877]),
        (recursions.accumulate_subsample(10, 0, 20)[1], [0.1686842105, 0.2270531399, 0.2420581651, 0.2509509022]),
        (recursions.accumulate_subsample(10, 0.5, 20)[1], [0.1410526316, 0.1491380667, 0.1417860798, 0.1323619051]),
        (recursions.accumulate_subsample(50, 0, 20)[1], [0.0347494949, 0.0486433588, 0.0524253066, 0.0547074420]),
    ):
        np.testing.assert_allclose(np.asarray(path)[at], expected, atol=6e-11)


@quick
@given(SIZES, SIZES, st.integers(1, 60))
def test_replacement_without_correction_has_its_closed_form(n, m, t):
    close = lambda v2, value: np.testing.assert_allclose(  # noqa: E731
        recursions.replace(n, m, 0, v2, 60)[t], value, rtol=1e-11, atol=1e-13
    )
    close(-1, 1 - (1 - 1 / n) * (1 - 1 / m) ** t)
    close(0, 1 / n + t / m)
    close(1, (1 + 1 / n) * (1 + 1 / m) ** t - 1)


@pytest.mark.parametrize("v2", [-1.0, -0.2, 0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [2, 10, 50])
def test_accumulation_tends_to_sine_and_hyperbolic_sine(n, v2):
    t = 20_000
    s, limit = recursions.accumulate(n, n, 0, v2, t)[-1], recursions.accumulate_limit(n, v2)
    # What is missing is the tail of sum 1 / (n i^2) from i = t + 2, below 1 / (n t), times 1 + v2 s.
    assert 0 <= limit - s <= (1 + max(v2, 0) * limit) / (n * t)
    if v2 == -1:
        np.testing.assert_allclose(limit, 1 - np.sinc(1 / np.sqrt(n)), rtol=1e-12)


def test_corrected_accumulation_forgets_at_its_known_speed():
    for gamma, slope in ((0.25, -0.399), (0.5, -0.660), (3.0, -0.999)):
        s = np.asarray(recursions.accumulate(10, 10, gamma, -1, 200_000))
        np.testing.assert_allclose(np.log(s[200_000] / s[20_000]) / np.log(10), slope, atol=1e-3)


def test_workflows_without_correction_rank_from_fresh_to_replace():
    ends = [
        recursions.fresh(10, 10, 0, -1, 20)[-1],
        recursions.reuse(10, 10, 0, -1, 20)[-1],
        recursions.accumulate(10, 10, 0, -1, 20)[-1],
        recursions.accumulate_subsample(10, 0, 20)[1][-1],
        recursions.replace(10, 10, 0, -1, 20)[-1],
    ]
    np.testing.assert_allclose(ends, [0.0645, 0.1290, 0.1526, 0.2510, 0.8906], atol=6e-5)
    assert ends == sorted(ends)


@quick
@given(SIZES, SIZES, st.floats(-1, 0), st.floats(0, 20), st.floats(0, 20))
def test_more_correction_never_hurts(n, m, v2, gamma, more):
    for limit in (
        lambda g: recursions.reuse_limit(n, m, g, v2),
        lambda g: recursions.fresh_limit(n, m, g, v2),
        lambda g: recursions.replace_limit(m, g, v2),
    ):
        assert limit(gamma + more) <= limit(gamma) * (1 + 1e-9)


def test_unknown_covariance_is_v2_minus_one_and_infinite_strength_is_legal():
    gamma = np.array([0.0, 0.5, 3.0, math.inf])
    np.testing.assert_allclose(recursions.variance_slope(gamma, -1.0), -1 / (1 + gamma) ** 2, atol=1e-16)
    np.testing.assert_allclose(recursions.gaussian_w2_squared(1.0, 2), 3.5)
    s = recursions.reuse(50, 25, math.inf, 1, 40)
    np.testing.assert_allclose(s[1:], 1 / 75, rtol=1e-12)
