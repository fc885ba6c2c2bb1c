"""Laws of every registered corrector."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import concatenate, keep, take, uniform
from selfloop.errors import ConfigError
from tests.tables import CORRECTORS, STRENGTHS, corrector_state

N = 64


def samples(seed=0, n=N):
    """Samples of the law that `corrector_state` tells, each with a condition."""
    return uniform(5 + jax.random.normal(jax.random.key(seed), (n, 2)), jnp.arange(n))


@cache
def compiled(name):
    return jax.jit(lambda key, batch: CORRECTORS[name]()(key, batch, corrector_state()))


def run(name, seed, batch):
    return compiled(name)(jax.random.key(seed), batch)


def shapes(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", CORRECTORS)
def test_shapes_and_precision_stay(name, x64):
    with jax.enable_x64(x64):
        correct = lambda key, batch: CORRECTORS[name]()(key, batch, corrector_state())  # noqa: E731
        batch = samples()
        corrected, info = jax.eval_shape(correct, jax.random.key(1), batch)
        assert shapes(corrected) == shapes(batch)
        assert (info["moved"].shape, info["moved"].dtype) == ((N,), batch.x.dtype)
        assert (info["failed"].shape, info["failed"].dtype) == ((N,), bool)


@pytest.mark.parametrize("name", CORRECTORS)
def test_distance_moved_weights_and_conditions(name):
    batch = samples()
    corrected, info = run(name, 1, batch)
    np.testing.assert_allclose(info["moved"], np.linalg.norm(corrected.x - batch.x, axis=-1), rtol=1e-5)
    assert (corrected.weight >= 0).all()
    np.testing.assert_array_equal(corrected.cond, batch.cond)


@pytest.mark.parametrize("name", CORRECTORS)
def test_absent_samples_stay_absent_and_have_no_influence(name):
    present = jnp.arange(N) % 3 > 0
    blank = keep(samples(), present)
    poison = blank._replace(x=jnp.where(present[:, None], blank.x, jnp.nan))
    a, a_info = run(name, 1, blank)
    b, b_info = run(name, 1, poison)
    assert not b.weight[~present].any()
    assert not b_info["moved"][~present].any()
    np.testing.assert_array_equal(a.weight, b.weight)
    np.testing.assert_allclose(a.x[present], b.x[present], rtol=1e-6)
    np.testing.assert_allclose(a_info["moved"], b_info["moved"], rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in STRENGTHS if name != "redraw"])
def test_gamma_zero_is_the_identity_to_the_bit(name):
    batch = samples()
    corrected, info = STRENGTHS[name](0.0)(jax.random.key(3), batch, corrector_state())
    np.testing.assert_array_equal(corrected.x, batch.x)
    np.testing.assert_array_equal(corrected.weight, batch.weight)
    assert not info["moved"].any()


@pytest.mark.parametrize("name", STRENGTHS)
def test_gamma_may_be_traced_and_one_program_serves_all(name):
    """gamma enters as a number: each of a batch of gammas gives what it gives alone."""
    gammas, batch = jnp.array([0.0, 0.5, jnp.inf]), samples()
    correct = lambda gamma: STRENGTHS[name](gamma)(jax.random.key(3), batch, corrector_state())[0].x  # noqa: E731
    together = jax.jit(jax.vmap(correct))(gammas)
    np.testing.assert_allclose(together[1], correct(0.5), rtol=1e-5, atol=1e-5)
    if name != "redraw":
        np.testing.assert_array_equal(together[0], batch.x)
    assert np.isfinite(together).all()


@pytest.mark.parametrize("name", STRENGTHS)
@pytest.mark.parametrize("gamma", [-0.1, float("nan")])
def test_a_gamma_below_zero_is_refused(name, gamma):
    with pytest.raises(ConfigError, match="gamma is"):
        STRENGTHS[name](gamma)


@pytest.mark.parametrize("name", ["geodesic 1.0", "shrink_labels 1.0"])
def test_maps_of_one_sample_see_one_sample(name):
    """The order of the samples, the other samples and the key are nothing to them."""
    batch = samples()
    order = jax.random.permutation(jax.random.key(0), N)
    shuffled = take(batch, order)
    other = concatenate(take(batch, jnp.arange(N // 2)), samples(2, N // 2))
    whole = run(name, 1, batch)[0].x
    np.testing.assert_allclose(run(name, 2, shuffled)[0].x, whole[order], rtol=1e-6)
    np.testing.assert_allclose(run(name, 3, other)[0].x[: N // 2], whole[: N // 2], rtol=1e-6)
