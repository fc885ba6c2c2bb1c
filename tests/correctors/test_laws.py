"""Laws of every corrector of the library: the common battery, and those of a strength."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.errors import ConfigError
from tests.correctors.battery import LAWS, POINTWISE, Subject
from tests.tables import CORRECTORS, STRENGTHS, corrector_state

N = 64


def samples(seed=0, n=N):
    """Samples of the law that `corrector_state` tells, each with a condition."""
    return uniform(5 + jax.random.normal(jax.random.key(seed), (n, 2)), jnp.arange(n))


@cache
def subject(name):
    correct = jax.jit(lambda seed, batch: CORRECTORS[name].make()(jax.random.key(seed), batch, corrector_state()))
    return Subject(correct, samples, lambda batch, x: np.linalg.norm(x - batch.x, axis=-1), n=N)


@pytest.mark.parametrize("name", CORRECTORS)
@pytest.mark.parametrize("law", LAWS)
def test_every_corrector_keeps_the_common_laws(law, name):
    law(subject(name))


@pytest.mark.parametrize("name", [name for name, row in CORRECTORS.items() if row.pointwise])
@pytest.mark.parametrize("law", POINTWISE)
def test_correctors_of_one_sample_see_one_sample(law, name):
    law(subject(name))


def shapes(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype, leaf.weak_type), tree)


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", CORRECTORS)
def test_precision_stays_under_a_trace(name, x64):
    with jax.enable_x64(x64):
        correct = lambda key, batch: CORRECTORS[name].make()(key, batch, corrector_state())  # noqa: E731
        batch = samples()
        corrected, info = jax.eval_shape(correct, jax.random.key(1), batch)
        assert shapes(corrected) == shapes(batch)
        assert (info["moved"].dtype, info["failed"].dtype) == (batch.x.dtype, bool)


@pytest.mark.parametrize("name", [name for name in STRENGTHS if name != "redraw"])
def test_gamma_zero_is_the_identity_to_the_bit(name):
    batch = samples()
    corrected, info = STRENGTHS[name].make(0.0)(jax.random.key(3), batch, corrector_state())
    np.testing.assert_array_equal(corrected.x, batch.x)
    np.testing.assert_array_equal(corrected.weight, batch.weight)
    assert not info["moved"].any()


@pytest.mark.parametrize("name", STRENGTHS)
def test_gamma_may_be_traced_and_one_program_serves_all(name):
    """gamma enters as a number: each of a batch of gammas gives what it gives alone."""
    gammas, batch = jnp.array([0.0, 0.5, jnp.inf]), samples()
    correct = lambda gamma: STRENGTHS[name].make(gamma)(jax.random.key(3), batch, corrector_state())[0].x  # noqa: E731
    together = jax.jit(jax.vmap(correct))(gammas)
    np.testing.assert_allclose(together[1], correct(0.5), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(together[0], correct(0.0), rtol=1e-5, atol=1e-5)
    assert np.isfinite(together).all()


@pytest.mark.parametrize("name", STRENGTHS)
@pytest.mark.parametrize("gamma", [-0.1, float("nan")])
def test_a_gamma_below_zero_is_refused(name, gamma):
    with pytest.raises(ConfigError, match="gamma is"):
        STRENGTHS[name].make(gamma)
