"""The measured contraction against loops whose contraction is known."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.analysis.contraction import FEWEST, pooled, rate, together
from selfloop.analysis.coupling import Curve, curves, squared_mmd, squared_paired, unit_length, weightings
from selfloop.metrics import mmd2

N, F = 64, 4
ONE = np.ones((1, N))


def coupled_loops(rho: float, generations: int, seed: int, away: float = 0.5, shaken: float = 0.0, apart: float = 0.0):
    """Traces of two linear loops ``state' = rho state`` under common noise: samples state + z, x - y = delta rho^t.

    ``shaken``: sd of the logarithm of a factor that differs from generation to generation; ``apart``: a distance in
    another direction that never goes.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(N, F))
    factor = rho ** np.arange(generations) * np.exp(np.cumsum(shaken * rng.normal(size=generations)))
    one = {t: noise + away * factor[t] * np.eye(F)[0] + apart * np.eye(F)[1] for t in range(generations)}
    return one, dict.fromkeys(range(generations), noise)


def logs(slope: float, shaken: float, seed: int, generations: int = 16) -> Curve:
    """A curve whose logarithm is a random walk with a drift, and next to no noise of sampling."""
    rng = np.random.default_rng(seed)
    walk = slope * np.arange(generations) + np.cumsum(shaken * rng.normal(size=generations))
    square = np.exp(2 * walk)
    return Curve(np.arange(generations), np.stack([square, 1.001 * square, 0.999 * square]))


def rate_of(found: list[Curve]):
    return pooled(found)[0]


@pytest.mark.parametrize("rho", [0.3, 0.5, 0.9])
def test_a_linear_loop_contracts_by_its_factor(rho):
    for name, curve in curves(*coupled_loops(rho, 12, seed=0), length=2.0).items():
        found = rate(curve)
        assert found.why == ""
        # paired is exactly geometric; MMD of a shift d is so up to terms of (d / bandwidth)^2, 0.5^2 here at first.
        assert math.exp(found.slopes[0]) == pytest.approx(rho, rel=1e-6 if name == "paired" else 0.06)


def test_the_truth_lies_in_the_interval_of_seeds():
    found = rate_of([curves(*coupled_loops(0.5, 12, seed, shaken=0.05), length=2.0)["paired"] for seed in range(5)])
    assert found.low <= 0.5 <= found.high
    assert found.high - found.low < 0.1


def test_the_interval_covers_as_often_as_it_says():
    trials, hit = 150, 0
    for trial in range(trials):
        found = rate_of([logs(math.log(0.8), 0.1, 10 * trial + seed) for seed in range(4)])
        hit += found.low <= 0.8 <= found.high
    # Slopes of independent seeds are normal and unbiased, so Student's interval is exact; 4 standard errors, and half a
    # hundredth for the rare walk that is taken for a level end.
    assert abs(hit / trials - 0.95) < 4 * math.sqrt(0.05 * 0.95 / trials) + 0.005


def test_a_loop_that_keeps_its_distance_has_rate_one():
    found = rate_of([curves(*coupled_loops(1.0, 12, seed, shaken=0.03), length=2.0)["mmd"] for seed in range(5)])
    assert found.low < 1 < found.high
    assert found.low > 0.9


def test_a_distance_under_its_noise_gives_no_rate():
    rng = np.random.default_rng(0)
    one, other = ({t: rng.normal(size=(N, F)) for t in range(10)} for _ in range(2))
    curve = curves(one, other, length=2.0)["mmd"]
    assert "noise" in rate(curve).why
    assert np.isnan(rate_of([curve])).all()
    assert np.isnan(rate_of([curve, curve])).all()


def test_too_few_generations_give_no_rate():
    found = rate(curves(*coupled_loops(0.5, FEWEST - 1, seed=0), length=2.0)["paired"])
    assert "generations" in found.why


def test_chains_that_never_met_give_none_either():
    assert rate(curves({}, {0: np.zeros((N, F))}, length=2.0)["mmd"]).why


def test_a_level_end_does_not_flatten_the_rate():
    curve = curves(*coupled_loops(0.5, 16, seed=0, away=1.0, apart=0.02), length=2.0)["paired"]
    found = rate(curve)
    straight = np.polyfit(curve.generation, np.log(curve.square[0]) / 2, 1)[0]
    assert math.exp(straight) > 0.7
    assert abs(math.exp(found.slopes[0]) - 0.5) < 0.05  # the bend of d^2 = 0.5^2t + 0.02^2 is round, the line's is not
    assert found.level == pytest.approx(0.02, rel=0.3)


def test_one_seed_has_the_doubt_of_its_samples():
    rng = np.random.default_rng(0)
    far = rng.normal(size=(N, F))
    one = {t: far * (1 + 0.5**t * rng.normal(1, 0.5, (N, 1))) for t in range(8)}
    found = rate_of([curves(one, dict.fromkeys(range(8), far), length=2.0)["paired"]])
    assert found.low < found.value < found.high
    assert found.low < 0.5 < found.high


def noisy(rho: float, seed: int, generations: int = 16) -> Curve:
    """A curve of squares 0.01 rho^2t under noise of their own size, the same in all generations as in a run."""
    rng = np.random.default_rng(seed)
    true, relative = 0.01 * rho ** (2 * np.arange(generations)), rng.normal(0, 0.4)
    square = true * (1 + relative + 0.03 * rng.normal(size=generations))
    draws = square + true * (rng.normal(0, 0.8, (200, 1)) + 0.03 * rng.normal(size=(200, generations)))
    return Curve(np.arange(generations), np.concatenate([square[None], draws]))


def test_seeds_that_cannot_be_read_alone_are_read_together():
    trials, hit, read = 100, 0, 0
    for trial in range(trials):
        own = [noisy(0.9, 10 * trial + seed) for seed in range(5)]
        assert any(rate(one).why for one in own)
        found = rate_of(own)
        read += np.isfinite(found.value)
        hit += found.low <= 0.9 <= found.high
    assert read > 0.9 * trials
    assert hit / read > 0.95 - 4 * math.sqrt(0.05 * 0.95 / trials)


def test_the_mean_curve_is_over_what_all_seeds_have():
    one, other = logs(-0.1, 0.0, 0, generations=8), logs(-0.1, 0.0, 0, generations=5)
    both = together([one, other])
    assert both.generation.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(both.square, one.square[:, :5])


def test_mmd_of_pairs_is_that_of_metrics_but_for_the_pairs_themselves():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, N, F)).astype(np.float32)
    length = 1.5
    bandwidths = jnp.array([0.25, 0.5, 1.0, 2.0, 4.0], jnp.float32) * length
    gaps = ((x[:, None] - y[None]) ** 2).sum(-1)[..., None] / (2 * np.asarray(bandwidths) ** 2)
    kernel = np.exp(-gaps).mean(-1)
    alike, others = np.diag(kernel).mean(), kernel[~np.eye(N, dtype=bool)].mean()
    theirs = float(mmd2(jnp.asarray(x), jnp.asarray(y), bandwidths=bandwidths))
    assert theirs + 2 * (alike - others) / N == pytest.approx(squared_mmd(x, y, length, ONE)[0], abs=1e-6)


def test_mmd_of_pairs_is_unbiased_where_samples_share_their_noise():
    rng = np.random.default_rng(1)
    ours, theirs = [], []
    for _ in range(200):
        x = rng.normal(size=(N, F))
        y = np.where(rng.random((N, 1)) < 0.9, x, rng.normal(size=(N, F)))  # the same law, nine tenths the same samples
        ours.append(squared_mmd(x, y, 2.0, ONE)[0])
        theirs.append(float(mmd2(jnp.asarray(x, jnp.float32), jnp.asarray(y, jnp.float32), bandwidths=jnp.ones(1))))
    error = np.std(ours) / math.sqrt(len(ours))
    assert abs(np.mean(ours)) < 4 * error
    assert np.mean(theirs) < -10 * error


def test_equal_samples_are_at_no_distance_whatever_their_weights():
    x = np.random.default_rng(0).normal(size=(N, F))
    weights = weightings(N)
    np.testing.assert_allclose(squared_mmd(x, x, 2.0, weights), 0, atol=1e-15)
    np.testing.assert_allclose(squared_paired(x, x, weights), 0, atol=1e-15)


def test_weights_count_as_copies():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 6, F))
    counts = np.array([1, 2, 1, 3, 1, 1])
    a, b = np.repeat(x, counts, 0), np.repeat(y, counts, 0)
    copies = squared_paired(a, b, np.ones((1, len(a))))
    np.testing.assert_allclose(squared_paired(x, y, counts[None].astype(float)), copies)


def test_the_unit_of_length_is_the_median_distance():
    points = np.array([[0.0], [1.0], [3.0]])
    assert unit_length(points) == 2.0
