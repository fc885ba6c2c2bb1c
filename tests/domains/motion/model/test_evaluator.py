import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import MIRROR, J, Motion, Q
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model import encoder, evaluator
from selfloop.domains.motion.model.evaluator import EvaluatorConfig
from selfloop.errors import ConfigError

T, N, CLIPS = 16, 96, 24
SMALL = EvaluatorConfig(latent=8, width=32, blocks=1, steps=150, batch=32, dropout=0.0, holdout=3)
HINGES = [joint.name for joint in skeleton.SKELETON for _ in joint.order]
encode, channels, embed = jax.jit(features.encode), jax.jit(encoder.channels), jax.jit(evaluator.embed)


def swinging(seed: int, joint: str, n: int) -> Motion:
    """n motions that swing one arm while they sway, travel and turn a little; every second four of them bowed."""
    random = np.random.default_rng(seed)
    phase, rate = random.uniform(0, 6, (n, 1, 6)), random.uniform(2, 5, (n, 1, 6))
    wave = np.sin(phase + rate * np.arange(T)[None, :, None] / FPS).astype(np.float32)
    angles = np.zeros((n, T, Q), np.float32)
    angles[..., HINGES.index(joint)] = 1.2 * wave[..., 0]
    bowed = np.arange(n)[:, None] // 4 % 2 == 1
    angles[..., HINGES.index("chest")] = 0.2 * wave[..., 1] + np.where(bowed, 0.8, 0.0)
    pelvis = rotations.about_axis("z", jnp.asarray(0.5 * wave[..., 2]))
    root = np.stack([wave[..., 3], wave[..., 4], 0.9 + 0.02 * wave[..., 5]], -1)
    return Motion(jnp.asarray(root), jnp.concatenate([pelvis[:, :, None], skeleton.from_coordinates(angles)], 2))


@pytest.fixture(scope="module")
def windows() -> Windows:
    """Two labels, each the other's mirror image, four windows a clip."""
    sides = [encode(swinging(i, f"{side}_shoulder", N // 2)) for i, side in enumerate(("left", "right"))]
    label = np.repeat(np.arange(2, dtype=np.int32), N // 2)
    clip = np.arange(N, dtype=np.int32) // 4
    length = np.where(np.arange(N) % 6, T, 10).astype(np.int32)
    return Windows(np.concatenate(sides), length, label, clip, np.zeros(N, np.int32), ("swing-left", "swing-right"))


@pytest.fixture(scope="module")
def trained(windows):
    moods = ["sad" if clip % 2 else "glad" for clip in windows.clip]
    return evaluator.train(jax.random.key(0), windows, SMALL, moods)


def test_channels_are_what_the_body_sees_of_itself():
    """Ahead at 2 m/s in whatever heading: every joint's velocity is (2, 0, 0); places from under the pelvis."""
    yaw = 0.7
    rest = skeleton.from_coordinates(jnp.zeros((1, T, Q)))
    facing = jnp.broadcast_to(rotations.about_axis("z", jnp.array(yaw)), (1, T, 1, 3, 3))
    ahead = 2 / FPS * np.arange(T, dtype=np.float32)[:, None] * np.float32([np.cos(yaw), np.sin(yaw), 0])
    root = jnp.asarray(ahead + np.float32([5, 1, 0.905]))[None]
    values = channels(encode(Motion(root, jnp.concatenate([facing, rest], 2))))[0]
    body = values[:, : 6 * J].reshape(T, 2, J, 3)
    np.testing.assert_allclose(body[:, 1], np.broadcast_to([2.0, 0, 0], (T, J, 3)), atol=1e-3)
    np.testing.assert_allclose(body[:, 0, 0], np.broadcast_to([0, 0, 0.905], (T, 3)), atol=1e-4)
    np.testing.assert_allclose(body[:, 0, 3], np.broadcast_to([0, 0.16, 1.275], (T, 3)), atol=1e-4)
    np.testing.assert_allclose(values[:, -1], 0, atol=1e-4)


def test_mirrored_channels_are_those_of_the_mirrored_motion():
    motion, across = swinging(3, "left_shoulder", 5), jnp.array([1.0, -1.0, 1.0])
    turned = motion.rotations[:, :, np.array(MIRROR)] * jnp.outer(across, across)[None, None, None]
    other = Motion(motion.root * across[None, None], turned)
    np.testing.assert_allclose(
        encoder.mirrored(channels(encode(motion))), channels(encode(other)), rtol=1e-3, atol=1e-3
    )


def test_it_learns_to_tell_labels_of_clips_it_has_not_seen(trained, windows):
    made, info = trained
    assert info["label_accuracy"] > 0.9
    assert info["style_accuracy"] > 0.9
    assert info["windows"] == N * 2 / 3
    held = windows.clip % 3 == 2
    logits = jax.jit(evaluator.label_logits)(made, jnp.asarray(windows.x[held]), windows.length[held])
    assert np.isclose(np.mean(logits.argmax(1) == windows.label[held]), info["label_accuracy"], atol=1e-6)


def test_latents_have_unit_variance_over_what_was_trained_on(trained, windows):
    fitted = windows.clip % 3 != 2
    latent = embed(trained[0], jnp.asarray(windows.x[fitted]), windows.length[fitted])
    np.testing.assert_allclose(latent.mean(0), 0, atol=1e-3)
    assert (latent.std(0) < 1 + 1e-3).all()
    assert latent.std(0).max() > 1 - 1e-3


def test_padding_has_no_part(trained, windows):
    short = jnp.asarray(windows.x[: N * 2 // 3])
    length = jnp.full(len(short), 10)
    holed = short.at[:, 10:].set(jnp.nan)
    np.testing.assert_allclose(embed(trained[0], holed, length), embed(trained[0], short, length), rtol=1e-5)


def test_it_is_trained_once_and_read_back(windows, tmp_path, monkeypatch):
    quick = EvaluatorConfig(latent=4, width=8, blocks=1, steps=3, batch=4)
    made, info = evaluator.load_or_train(windows, quick, folder=tmp_path)
    (file,) = tmp_path.glob("*.msgpack")
    with monkeypatch.context() as patch:
        patch.setattr(evaluator, "train", lambda *_: pytest.fail("trained again"))
        read, same = evaluator.load_or_train(windows, quick, folder=tmp_path)
    assert same == pytest.approx(info, nan_ok=True)
    assert np.isnan(info["style_accuracy"])
    assert (read.names, read.config) == (made.names, made.config)
    for one, two in zip(jax.tree.leaves(made), jax.tree.leaves(read), strict=True):
        np.testing.assert_array_equal(one, two)
    file.write_bytes(file.read_bytes()[:-20])
    mended, _ = evaluator.load_or_train(windows, quick, folder=tmp_path)
    for one, two in zip(jax.tree.leaves(made), jax.tree.leaves(mended), strict=True):  # the key is fixed
        np.testing.assert_array_equal(one, two)
    evaluator.load_or_train(windows._replace(x=windows.x + 1), quick, folder=tmp_path)
    assert len(list(tmp_path.glob("*.msgpack"))) == 2


@pytest.mark.parametrize(
    ("change", "config", "words"),
    [
        ({}, EvaluatorConfig(patch=5), "multiple of 5"),
        ({"clip": np.zeros(N, np.int32)}, SMALL, "at least 2 clips"),
    ],
)
def test_what_cannot_be_trained_is_refused(windows, change, config, words):
    with pytest.raises(ConfigError, match=words):
        evaluator.train(jax.random.key(0), windows._replace(**change), config)


def test_labels_are_exchanged_with_the_sides():
    assert evaluator._partners(("walk", "wave-left", "wave-right", "kick-left")).tolist() == [0, 2, 1, -1]
