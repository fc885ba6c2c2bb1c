"""Variational autoencoders: sizes, the bound, three kinds of draws, what a fit depends on; convolutions by slices."""

from dataclasses import replace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

from selfloop.batch import keep, uniform
from selfloop.models.neural import vae as vaes
from selfloop.models.neural.slices import Convolution, Transposed, halved
from selfloop.models.neural.vae import VAEConfig, endless, vae

pytestmark = pytest.mark.usefixtures("hurried")
CONFIG = VAEConfig(shape=(4, 4), latents=2, width=8, batch=16, steps=60, rate=0.05)
BLACK, WHITE = jnp.zeros((20, 4, 4)), jnp.ones((20, 4, 4))


@pytest.fixture(scope="module")
def model():
    return vae(CONFIG)


def equal(a, b):
    return jax.tree.all(jax.tree.map(lambda x, y: bool(jnp.array_equal(x, y)), a, b))


def test_the_papers_network_has_the_papers_size():
    config = VAEConfig(network="shumailov")
    shapes = jax.eval_shape(vaes.Shumailov(config).init, jax.random.key(0), jnp.zeros((1, 28, 28)))
    assert sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(shapes)) == 647_081


def test_the_bound_lies_above_the_exact_likelihood():
    """-log p(x) by integration over one latent is no more than the negative bound, for any weights."""
    config = replace(CONFIG, latents=1)
    network, x = vaes.Small(config), (jnp.arange(16).reshape(1, 4, 4) % 3 == 0).astype(jnp.float32)
    params = network.init(jax.random.key(0), x)
    log_joint = jax.jit(
        lambda z: (
            -jnp.logaddexp(0, (1 - 2 * x) * network.apply(params, z, method="decode")).sum((1, 2))
            - z[:, 0] ** 2 / 2
            - jnp.log(2 * jnp.pi) / 2
        )
    )
    z = jnp.linspace(-8, 8, 4001)[:, None]
    exact = -np.log(integrate.trapezoid(np.exp(np.asarray(log_joint(z), np.float64)), np.asarray(z[:, 0])))
    keys = jax.random.split(jax.random.key(1), 4000)
    bounds = np.asarray(jax.jit(jax.vmap(lambda key: vaes.negative_bound(network, key, params, x)))(keys))
    error = bounds.std() / np.sqrt(len(bounds))
    assert exact < bounds.mean() + 5 * error
    assert bounds.mean() < exact + 5


def test_draws_of_one_law_told_apart(model):
    half = jnp.full((4000, 4, 4), 0.25)
    mean, coin, noisy = (
        vaes.DRAWS[name](jax.random.key(0), half, jnp.float32(0.1)) for name in ("mean", "bernoulli", "gaussian")
    )
    np.testing.assert_array_equal(mean, half)
    assert set(np.unique(coin)) == {0, 1}
    assert abs(float(coin.mean()) - 0.25) < 5 * np.sqrt(0.1875 / coin.size)
    assert float(noisy.std()) == pytest.approx(0.1, rel=0.02)
    assert noisy.min() >= 0


def test_a_fit_is_anew_and_follows_its_key(model):
    real, key = uniform(BLACK), jax.random.key(1)
    one, two = (
        model.init(jax.random.key(0)),
        model.fit(jax.random.key(2), uniform(WHITE), model.init(jax.random.key(3)))[0],
    )
    assert equal(model.fit(key, real, one), model.fit(key, real, two))
    assert not equal(model.fit(jax.random.key(4), real, one)[0], model.fit(key, real, one)[0])


def test_it_learns_what_it_is_given_and_nothing_of_weight_0(model):
    both = uniform(jnp.concatenate([BLACK, WHITE]))
    present = jnp.arange(40) < 20
    state, info = model.fit(jax.random.key(1), keep(both, present), model.init(jax.random.key(0)))
    dark = model.sample(jax.random.key(2), state, None, 50)
    assert dark.cond is None
    assert float(dark.x.mean()) < 0.2
    spoilt = both._replace(x=jnp.where(present[:, None, None], both.x, jnp.nan), weight=present.astype(jnp.float32))
    assert equal(model.fit(jax.random.key(1), spoilt, model.init(jax.random.key(0)))[0], state)


def test_endless_learns_from_its_last_decoder_and_first_from_the_data():
    model = endless(CONFIG)
    first = model.fit(jax.random.key(1), uniform(BLACK), model.init(jax.random.key(0)))[0]
    assert bool(first.fitted)
    second = model.fit(jax.random.key(2), uniform(WHITE), first)[0]
    assert float(model.sample(jax.random.key(3), second, None, 50).x.mean()) < 0.3


def test_the_aggregate_posterior_starts_where_it_lies(model):
    state = model.fit(jax.random.key(1), uniform(BLACK), model.init(jax.random.key(0)))[0]
    far = state._replace(mean=jnp.full(2, 50.0), deviation=jnp.full(2, 1e-6))
    drawn = vae(replace(CONFIG, start="posterior")).sample(jax.random.key(2), far, None, 10).x
    np.testing.assert_allclose(drawn, jnp.broadcast_to(drawn[:1], drawn.shape), atol=1e-3)
    assert float(model.sample(jax.random.key(2), far, None, 10).x.std(0).max()) > 0


@pytest.mark.parametrize(("side", "stride"), [(3, 1), (5, 1), (4, 2)])
def test_slices_are_the_convolution(side, stride):
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 3))
    mine = Convolution(5, side, stride)
    params = mine.init(jax.random.key(1), x)
    kernel = params["params"]["Dense_0"]["kernel"].reshape(side, side, 3, 5)
    pad = (side - 1) // 2
    theirs = jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), [(pad, pad), (pad, pad)], dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(mine.apply(params, x), theirs, rtol=1e-4, atol=1e-4)


def test_the_transposed_is_the_adjoint_of_the_convolution():
    """<conv x, y> = <x, transposed y> where both have the same kernel."""
    x, y = jax.random.normal(jax.random.key(0), (1, 8, 8, 1)), jax.random.normal(jax.random.key(1), (1, 4, 4, 3))
    kernel = jax.random.normal(jax.random.key(2), (4, 4, 1, 3))
    conv = {"params": {"Dense_0": {"kernel": kernel.reshape(16, 3), "bias": jnp.zeros(3)}}}
    back = {"params": {"Dense_0": {"kernel": kernel.reshape(16, 3).T}, "bias": jnp.zeros(1)}}
    one = (Convolution(3, 4, 2).apply(conv, x) * y).sum()
    other = (Transposed(1).apply(back, y) * x).sum()
    np.testing.assert_allclose(one, other, rtol=1e-4)


def test_halved_takes_the_largest_of_blocks():
    x = jnp.arange(25.0).reshape(1, 5, 5, 1)
    np.testing.assert_array_equal(halved(x)[0, :, :, 0], nn.max_pool(x, (2, 2), (2, 2))[0, :, :, 0])
