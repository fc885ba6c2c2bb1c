import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.correctors.smoothing import smoothing
from selfloop.domains.motion.data import features, rotations
from selfloop.domains.motion.data.skeleton import Motion
from selfloop.errors import ConfigError
from tests.domains.motion.correctors.motions import joints, made_up

pytestmark = pytest.mark.usefixtures("hurried")


def turning(rate, frames=60, wave=0.0):
    """A pelvis that turns at a steady ``rate`` (rad/s) and bobs by ``wave`` (m) at 2 Hz, walking straight on."""
    t = np.arange(frames, dtype=np.float32) / 20
    batch = made_up(0, 1, frames)
    pose = features.decode(batch.x).rotations[:, :1].repeat(frames, 1)
    tilted = pose.at[:, :, 0].set(rotations.about_axis("z", jnp.asarray(rate * t))[None])
    root = np.stack([0.8 * t, 0 * t, 0.9 + wave * np.sin(4 * np.pi * t)], -1).astype(np.float32)
    length = jnp.array([frames])
    x = features.encode(Motion(jnp.asarray(root)[None], tilted))
    return batch._replace(x=features.hold(x, length), cond={"label": jnp.zeros(1, jnp.int32), "length": length})


def test_a_steady_turn_and_walk_keep_their_pace():
    batch = turning(1.0)
    fixed = smoothing(1.0)(jax.random.key(0), batch, None)[0]
    # Away from the ends, where rotations are mirrored as numbers and not as rotations.
    np.testing.assert_allclose(joints(fixed.x)[:, 4:-4, 0], joints(batch.x)[:, 4:-4, 0], atol=1e-3)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.0])
def test_a_wave_shrinks_as_a_gaussian_filter_shrinks_it(sigma):
    fixed = smoothing(sigma)(jax.random.key(0), turning(0.0, wave=0.05), None)[0]
    height = np.asarray(fixed.x)[0, 20:40, 3] - 0.9
    # exp(-(sigma w)^2 / 2) at w = 2 pi 2 / 20 a frame; cut at three sigma, sampled: one percent of the wave.
    shrunk = np.exp(-0.5 * (sigma * 2 * np.pi * 2 / 20) ** 2)
    np.testing.assert_allclose(height, 0.05 * shrunk * np.sin(4 * np.pi * np.arange(20, 40) / 20), atol=5e-4)


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf")])
def test_a_sigma_that_is_none_is_refused(sigma):
    with pytest.raises(ConfigError, match="sigma is"):
        smoothing(sigma)
