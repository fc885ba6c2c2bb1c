"""Laws of every policy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfloop import policies, sources
from selfloop.batch import keep, uniform
from selfloop.errors import ConfigError
from selfloop.stability.golden import optimal_weight
from tests.tables import POLICIES

REAL, SYNTHETIC, GENERATIONS = 8, 6, 3


def run(policy):
    """Training sets of three generations; generation t's synthetic points are 10 t + slot, slot 1 failed."""
    real, sets = uniform(-jnp.arange(1.0, REAL + 1)[:, None]), []
    memory = policy.start(real, SYNTHETIC * GENERATIONS)
    for t in range(1, GENERATIONS + 1):
        new = uniform((10.0 * t + jnp.arange(float(SYNTHETIC)))[:, None])
        new = keep(new, jnp.arange(SYNTHETIC) != 1)
        chosen, memory = policy.select(jax.random.key(t), jnp.asarray(t, jnp.int32), real, new, memory)
        sets.append(sorted(float(v) for v, w in zip(chosen.x[:, 0], chosen.weight, strict=True) if w > 0))
    return sets


def synthetic(*generations, count=SYNTHETIC):
    return [10.0 * t + slot for t in generations for slot in range(count) if slot != 1]


ALL_REAL = [-float(i) for i in range(REAL, 0, -1)]


def test_augment_takes_the_real_points_and_the_newest_of_each_share():
    assert run(policies.augment(0.5)) == [ALL_REAL + synthetic(t, count=4) for t in (1, 2, 3)]
    assert run(policies.augment(0.0)) == [ALL_REAL] * 3


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_weighted_gives_the_real_points_their_share(share):
    real, new = uniform(jnp.zeros((8, 1))), keep(uniform(jnp.ones((6, 1))), jnp.arange(6) != 1)
    chosen, _ = policies.weighted(share).select(jax.random.key(0), jnp.asarray(1, jnp.int32), real, new, ())
    np.testing.assert_allclose(chosen.weight @ chosen.x[:, 0], (1 - share) * 13, rtol=1e-6)
    np.testing.assert_allclose(chosen.weight.sum(), 13, rtol=1e-6)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_weighted_refuses_a_share_outside_0_to_1(share):
    with pytest.raises(ConfigError, match="between 0"):
        policies.weighted(share)


def test_replace_takes_the_newest_synthetic_points_alone():
    assert run(policies.replace()) == [synthetic(t) for t in (1, 2, 3)]


def test_growing_takes_more_every_generation():
    assert run(policies.growing(3, 0.5)) == [
        synthetic(t, count=count) for t, count in zip((1, 2, 3), (3, 4, 5), strict=True)
    ]
    assert run(policies.growing(2, 1.0)) == [synthetic(t, count=2 * t) for t in (1, 2, 3)]


def test_growing_beyond_the_slots_is_refused_or_nothing():
    real, select = uniform(jnp.zeros((6, 1))), policies.growing(2.0, 1.0).select
    with pytest.raises(ConfigError, match="generation 4 asks for 8 synthetic samples; there are 6"):
        select(jax.random.key(0), jnp.asarray(4, jnp.int32), real, real, ())
    for t, known in ((3, True), (4, False)):
        chosen = jax.jit(lambda t: select(jax.random.key(0), t, real, real, ())[0])(jnp.asarray(t, jnp.int32))
        assert np.isfinite(chosen.weight).all() == known


@pytest.mark.parametrize(("first", "power"), [(0.5, 1.0), (2.0, -1.0), (float("nan"), 1.0), (2.0, float("inf"))])
def test_growing_refuses_sizes_that_are_none(first, power):
    with pytest.raises(ConfigError, match="sample sizes first"):
        policies.growing(first, power)


def test_accumulate_takes_all():
    assert run(policies.accumulate()) == [ALL_REAL + synthetic(*range(1, t + 1)) for t in (1, 2, 3)]


def test_accumulate_subsample_draws_n_different_points_of_all():
    for t, drawn in enumerate(run(policies.accumulate_subsample()), 1):
        assert len(drawn) == len(set(drawn)) == REAL
        assert set(drawn) <= set(ALL_REAL + synthetic(*range(1, t + 1)))


def test_accumulate_subsample_draws_evenly():
    real = uniform(jnp.arange(5.0)[:, None])
    policy = policies.accumulate_subsample()
    pool = uniform(jnp.arange(5.0, 15.0)[:, None])

    def drawn(key):
        chosen, _ = policy.select(key, jnp.asarray(1, jnp.int32), real, pool, policy.start(real, 10))
        return jnp.zeros(15).at[chosen.x[:, 0].astype(jnp.int32)].add(1)

    trials = 3000
    share = np.asarray(jax.vmap(drawn)(jax.random.split(jax.random.key(0), trials)).mean(0))
    np.testing.assert_allclose(share, 1 / 3, atol=5 * np.sqrt(2 / 9 / trials))  # five standard errors


@pytest.mark.parametrize("name", POLICIES)
def test_failed_samples_never_enter(name):
    assert all(10.0 * t + 1 not in chosen for t, chosen in enumerate(run(POLICIES[name]()), 1))


@given(st.integers(0, 400), st.integers(1, 3000))
def test_the_synthetic_count_is_the_floor_of_the_exact_product(percent, n):
    count = percent * n // 100
    if percent > 0 and count == 0:
        with pytest.raises(ConfigError, match="less than one synthetic point"):
            policies.synthetic_count(percent / 100, n)
    else:
        assert policies.synthetic_count(percent / 100, n) == count


@pytest.mark.parametrize("lam", [-0.1, float("nan"), float("inf")])
def test_a_lambda_that_is_no_ratio_is_refused(lam):
    with pytest.raises(ConfigError, match="lambda is"):
        policies.augment(lam)


def test_a_memory_that_is_too_small_is_refused():
    policy, real = policies.accumulate(), uniform(jnp.zeros((2, 1)))
    with pytest.raises(ConfigError, match="does not fit in a memory of 2"):
        policy.select(jax.random.key(0), jnp.asarray(2, jnp.int32), real, real, policy.start(real, 2))


def test_fresh_from_draws_different_points_each_time_and_no_more_than_there_are():
    pool = uniform(jnp.arange(20.0))
    source = sources.fresh_from(pool, 15)
    one, two = (np.asarray(source(jax.random.key(k), 1).x) for k in (0, 1))
    assert len(set(one.tolist())) == 15
    assert set(one.tolist()) != set(two.tolist())
    with pytest.raises(ConfigError, match="n is 21"):
        sources.fresh_from(pool, 21)


@pytest.mark.parametrize("lam", [0.1, 1.0, 7.0])
def test_the_golden_share_is_the_optimal_weight_of_the_theory(lam):
    np.testing.assert_allclose(policies.golden_share(lam), optimal_weight(1 / lam), rtol=1e-5)
    assert float(policies.golden_share(0.0)) == 1
    np.testing.assert_allclose(policies.golden_share(1.0), 2 / (1 + 5**0.5), rtol=1e-6)
