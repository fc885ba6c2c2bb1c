"""The U-Net learns two classes of images in miniature: compiled in full, as it computes more than other tests."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from selfloop.domains.images.model import diffusion_of, pixels


@pytest.mark.slow
def test_it_learns_in_miniature():
    x = np.zeros((40, 8, 8), np.float32)
    x[::2, 2:5, 2:5], x[1::2, 5:8, 5:8] = 1, 1
    label = jnp.arange(40) % 2
    subject = diffusion_of(pixels(x, 2, 8, 1, "unet"), guidance=1.0, sample_steps=4)
    params, optimiser = subject.init(jax.random.key(0)), optax.adam(3e-3)

    @jax.jit  # a step at a time: on a CPU gradients of convolutions inside a scan take many times as long
    def step(key, params, moments):
        value, slope = jax.value_and_grad(lambda params: subject.loss(key, params, subject.given(x), label))(params)
        change, moments = optimiser.update(slope, moments, params)
        return value, optax.apply_updates(params, change), moments

    moments = optimiser.init(params)
    with jax.numpy_dtype_promotion("standard"):  # optax raises a Python float to an integer power
        for key in jax.random.split(jax.random.key(1), 100):
            value, params, moments = step(key, params, moments)
    assert float(value) < 0.3  # a network that gives the mean of all images has a loss of 1
    drawn = np.asarray(subject.sample(jax.random.key(2), params, label, 40))
    assert drawn[::2, 2:5, 2:5].mean() > drawn[1::2, 2:5, 2:5].mean() + 0.3
