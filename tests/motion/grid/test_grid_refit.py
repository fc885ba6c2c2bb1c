"""A refit anew forgets the model before it; one that continues does not."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import uniform
from selfloop.motion.grid.material import anew
from selfloop.motion.model.denoiser import DenoiserConfig
from selfloop.motion.model.model import MotionModelConfig, motion_model
from selfloop.motion.model.spectrum import spectrum


def gap(a, b):
    return max(float(jnp.abs(x - y).max()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_anew_starts_from_a_network_of_the_key_alone():
    x = np.random.default_rng(0).normal(size=(8, 8, 64)).astype(np.float32)
    batch = uniform(jnp.asarray(x), {"label": jnp.zeros(8, jnp.int32), "length": jnp.full(8, 8, jnp.int32)})
    network = DenoiserConfig(frames=8, labels=2, band=8, width=8, layers=1)
    model = motion_model(MotionModelConfig(network, batch=4, first_steps=3, steps=3), spectrum(x))
    one, other = model.init(jax.random.key(1)), model.init(jax.random.key(2))
    key = jax.random.key(3)
    assert gap(model.fit(key, batch, one)[0].params, model.fit(key, batch, other)[0].params) > 0.01
    fresh = anew(model).fit(key, batch, one)[0]
    assert gap(fresh, anew(model).fit(key, batch, other)[0]) == 0
    assert int(fresh.step) == 3
    assert gap(fresh.params, anew(model).fit(jax.random.key(4), batch, one)[0].params) > 0.01
