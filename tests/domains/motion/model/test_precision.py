"""bfloat16 in the network's blocks: what it touches, and how far it moves things."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.models.neural.denoiser import Denoiser, DenoiserConfig, halved, overlaid, precision

pytestmark = pytest.mark.usefixtures("hurried")

HALF = DenoiserConfig(frames=8, features=64, labels=3, band=2, width=16, layers=1, compute="bfloat16")
WHOLE = replace(HALF, compute="float32")


@pytest.fixture(scope="module")
def weights():
    """Weights all of which are random, since untrained branches are shut."""
    shapes = jax.eval_shape(Denoiser(HALF).init, jax.random.key(0), *given(1))
    random = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: jnp.asarray(0.3 * random.normal(size=leaf.shape), leaf.dtype), shapes)


def given(n):
    noisy = jax.random.normal(jax.random.key(2), (n, 8, 64))
    return noisy, jnp.full(n, 0.5), jnp.full(n, 1, jnp.int32), jnp.full(n, 8, jnp.int32)


@pytest.mark.parametrize(("platform", "dtype"), [("cpu", jnp.float32), ("gpu", jnp.bfloat16), ("tpu", jnp.bfloat16)])
def test_auto_is_what_the_device_is_fast_in(monkeypatch, platform, dtype):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    assert precision("auto") == dtype
    assert precision("float32") == jnp.float32


def test_the_blocks_weights_alone_are_converted(weights):
    half = halved(weights, "bfloat16")
    assert half
    assert all(name.startswith("Modulated") for name in half)
    assert {leaf.dtype for leaf in jax.tree.leaves(half)} == {jnp.dtype(jnp.bfloat16)}
    assert halved(weights, "float32") == {}
    assert jax.tree.structure(overlaid(weights, half)) == jax.tree.structure(weights)


def test_the_result_moves_little_and_converting_before_changes_nothing(weights):
    whole = Denoiser(WHOLE).apply(weights, *given(5))
    apply = jax.jit(Denoiser(HALF).apply)
    half, before = apply(weights, *given(5)), apply(overlaid(weights, halved(weights, "bfloat16")), *given(5))
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, before, rtol=1e-5, atol=1e-5)
    apart = np.linalg.norm(half - whole) / np.linalg.norm(whole)
    assert 1e-5 < apart < 0.03


@pytest.mark.slow
def test_a_trained_state_is_float32_and_loses_as_much():
    x = np.random.default_rng(0).normal(size=(6, 8, 64)).astype(np.float32)
    batch = uniform(jnp.asarray(x), {"label": jnp.arange(6) % 3, "length": jnp.full(6, 8, jnp.int32)})
    loss = {}
    for network in (HALF, WHOLE):
        model = motion_model(MotionModelConfig(network=network, batch=4, first_steps=8, steps=8), spectrum(x))
        state, info = model.fit(jax.random.key(0), batch, model.init(jax.random.key(1)))
        dtypes = {leaf.dtype for leaf in jax.tree.leaves(state) if jnp.issubdtype(leaf.dtype, jnp.floating)}
        assert dtypes == {jnp.dtype(jnp.float32)}
        loss[network.compute] = float(info["loss"])
    assert loss["bfloat16"] == pytest.approx(loss["float32"], rel=0.02)
