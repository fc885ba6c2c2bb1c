"""The network: shapes, independence of rows, and what it depends on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.models.neural.denoiser import Denoiser, DenoiserConfig

pytestmark = pytest.mark.usefixtures("hurried")

SIZES = {
    "one band": DenoiserConfig(frames=8, features=6, labels=3, band=8, width=16, layers=2),
    "four bands": DenoiserConfig(frames=8, features=6, labels=3, band=2, width=16, layers=2),
}


@pytest.fixture(params=SIZES, scope="module")
def network(request):
    """A network whose every weight is random, since untrained branches are shut."""
    net = Denoiser(SIZES[request.param])
    shapes = jax.eval_shape(net.init, jax.random.key(0), *given(1))
    leaves, structure = jax.tree.flatten(shapes)
    random = np.random.default_rng(1)
    drawn = [jnp.asarray(0.3 * random.normal(size=leaf.shape), leaf.dtype) for leaf in leaves]
    return jax.jit(net.apply), jax.tree.unflatten(structure, drawn)


def given(n, level=0.5, label=1, length=8):
    noisy = jax.random.normal(jax.random.key(2), (n, 8, 6))
    return noisy, jnp.full(n, level), jnp.full(n, label, jnp.int32), jnp.full(n, length, jnp.int32)


def test_a_motion_for_a_motion_finite_at_both_ends(network):
    apply, params = network
    for level in (0.0, 1.0):
        for length in (1, 8):
            out = apply(params, *given(5, level, 3, length))
            assert out.shape == (5, 8, 6)
            assert out.dtype == jnp.float32
            assert np.isfinite(out).all()


def test_motions_of_a_batch_do_not_see_each_other(network):
    apply, params = network
    noisy, _, _, length = given(4)
    level, label = jnp.array([0.1, 0.4, 0.7, 0.9]), jnp.array([0, 1, 2, 3])
    together = apply(params, noisy, level, label, length)
    for i in range(4):
        alone = apply(params, noisy[i : i + 1], level[i : i + 1], label[i : i + 1], length[i : i + 1])
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("other", [{"level": 0.6}, {"label": 2}, {"label": 3}, {"length": 5}])
def test_every_condition_has_an_influence(network, other):
    apply, params = network
    assert np.abs(apply(params, *given(2)) - apply(params, *given(2, **other))).max() > 1e-3


def test_every_frequency_reaches_every_other(network):
    apply, params = network
    _, *condition = given(1)
    slope = jax.jit(jax.jacobian(lambda noisy: apply(params, noisy, *condition)[0].sum(-1)))(given(1)[0])
    assert np.all(np.abs(slope).sum((1, 3)) > 0)


def test_untrained_the_condition_has_none():
    net = Denoiser(SIZES["four bands"])
    params = jax.jit(net.init)(jax.random.key(0), *given(1))
    apply = jax.jit(net.apply)
    np.testing.assert_array_equal(apply(params, *given(2)), apply(params, *given(2, level=0.9, label=3, length=2)))
