"""The U-Net: what it takes and gives, one level for all or one each, sizes refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.images.model import convolutional
from selfloop.errors import ConfigError
from selfloop.models.neural.unet import UNetConfig, unet

pytestmark = pytest.mark.usefixtures("hurried")
LABEL = jnp.arange(6) % 2


@pytest.fixture(scope="module")
def network():
    return convolutional(8, 8, 2, 8, 1)


@pytest.fixture(scope="module")
def params(hurried, network):
    found = network.init(jax.random.key(0), jnp.zeros((1, 8, 8)), jnp.zeros(1), jnp.zeros(1, jnp.int32))
    leaves, kind = jax.tree.flatten(found)
    keys = jax.random.split(jax.random.key(1), len(leaves))  # the layers that are zero at first are to count, too
    return kind.unflatten([x + 0.1 * jax.random.normal(key, x.shape) for key, x in zip(keys, leaves, strict=True)])


@pytest.mark.slow
def test_one_level_for_all_is_the_same_as_one_each(network, params):
    x = jax.random.normal(jax.random.key(2), (6, 8, 8))
    each = network.apply(params, x, jnp.full(6, 0.3), LABEL)
    np.testing.assert_allclose(network.apply(params, x, jnp.float32(0.3), LABEL), each, rtol=1e-4, atol=1e-4)
    assert each.shape == x.shape


@pytest.mark.slow
def test_an_image_is_judged_alone_as_a_whole_and_under_its_label(network, params):
    x = jax.random.normal(jax.random.key(2), (6, 8, 8))
    apply = jax.jit(lambda x, label: network.apply(params, x, jnp.float32(0.3), label))
    moved = np.abs(apply(x, LABEL) - apply(x.at[0, 0, 0].set(3.0), LABEL.at[1].set(2)))
    # Attention and the lower levels reach from one corner to the other, which a few 3 x 3 alone would not.
    assert moved[0, -1, -1] > 1e-5
    assert moved[1].max() > 1e-3
    np.testing.assert_allclose(moved[2:], 0, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            UNetConfig(frames=14, features=14),
            "--size is 14; --network unet halves images 2 times: give a multiple of 4",
        ),
        (UNetConfig(width=20), "--width is 20; a unet's channels are a multiple of 8"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(config, told):
    with pytest.raises(ConfigError, match=told):
        unet(config)
