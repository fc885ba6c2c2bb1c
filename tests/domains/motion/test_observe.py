"""What is observed of motions: the spaces, the values, labels matched by name."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion import artefacts, observe
from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import Motion, Q
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model import evaluator, kinetics
from selfloop.domains.motion.model.evaluator import EvaluatorConfig
from selfloop.domains.motion.setup import batch
from selfloop.metrics.scale import scale_of, standardise

T = 12
KEY = jax.random.key(0)


def made(seed: int, n: int, speed: float = 1.0) -> Windows:
    """n windows of swaying figures, three a clip, with two labels."""
    random = np.random.default_rng(seed)
    phase, rate = random.uniform(0, 6, (2, n, 1, Q + 4)).astype(np.float32)
    wave = np.sin(phase + speed * rate * np.arange(T, dtype=np.float32)[None, :, None] / FPS)
    pelvis = rotations.about_axis("z", jnp.asarray(wave[..., Q]))[:, :, None]
    local = skeleton.from_coordinates(jnp.asarray(0.3 * wave[..., :Q]))
    root = np.stack([wave[..., Q + 1], wave[..., Q + 2], 0.9 + 0.05 * wave[..., Q + 3]], -1)
    x = np.asarray(jax.jit(features.encode)(Motion(jnp.asarray(root), jnp.concatenate([pelvis, local], 2))))
    count = np.arange(n, dtype=np.int32)
    return Windows(x, np.full(n, T, np.int32), count % 2, count // 3, count, ("hop", "skip"))


@pytest.fixture(scope="module")
def reference() -> Windows:
    return made(0, 40)


@pytest.fixture(scope="module")
def encoder() -> evaluator.Evaluator:
    quick = EvaluatorConfig(latent=4, width=8, blocks=1, steps=3, batch=4)
    return evaluator.train(KEY, made(5, 40), quick)[0]


@pytest.fixture(scope="module")
def look(reference, encoder):
    """The observation of windows, with an evaluator and without."""
    on = {
        True: observe.against(batch(reference), reference.names, encoder),
        False: observe.against(batch(reference), reference.names),
    }
    program = jax.jit(observe.describe)
    return lambda windows, evaluated=True: program(on[evaluated], batch(windows))


def test_every_space_and_value_is_there(look):
    spaces = {"kinetic": 72, "geometric": 32}
    for evaluated in (False, True):
        found = look(made(1, 40), evaluated)
        assert found.spaces.keys() == {"kinetic", "geometric", "artefacts"} | ({"features"} if evaluated else set())
        assert found.spaces["artefacts"].shape == (40, len(artefacts.NAMES))
        assert all(points.ndim == 2 and jnp.isfinite(points).all() for points in found.spaces.values()), spaces
        assert found.values.keys() == {*artefacts.NAMES, "label_accuracy"}
        assert all(values.shape == (40,) for values in found.values.values())
        assert bool(jnp.isfinite(found.values["label_accuracy"]).all()) is evaluated


def test_they_are_the_features_of_each_motion(look, reference, encoder):
    sample, found = made(1, 40), look(made(1, 40))
    x, length = jnp.asarray(sample.x), jnp.asarray(sample.length)
    np.testing.assert_allclose(
        found.spaces["features"], jax.jit(evaluator.embed)(encoder, x, length), rtol=1e-4, atol=1e-4
    )
    kinetic = jax.jit(kinetics.kinetic)
    scale = scale_of(kinetic(jnp.asarray(reference.x), jnp.asarray(reference.length)))
    np.testing.assert_allclose(found.spaces["kinetic"], standardise(kinetic(x, length), scale), rtol=1e-3, atol=1e-3)
    guess = jax.jit(evaluator.label_logits)(encoder, x, length).argmax(1)
    np.testing.assert_array_equal(found.values["label_accuracy"], (np.asarray(guess) == sample.label).astype(float))
    for name, each in jax.jit(artefacts.measure)(x, length).items():
        np.testing.assert_allclose(found.values[name], each, rtol=1e-4, atol=1e-6)


def test_real_motion_has_the_mean_0_in_training_free_spaces(look, reference):
    found = look(reference, evaluated=False)
    for space in ("kinetic", "geometric", "artefacts"):
        np.testing.assert_allclose(found.spaces[space].mean(0), 0, atol=1e-3)


def test_a_company_changes_no_motion(look):
    sample = made(1, 40)
    spoilt = sample._replace(x=np.where(np.arange(40)[:, None, None] % 2 == 0, np.nan, sample.x).astype(np.float32))
    one, other = look(sample), look(spoilt)
    for name in one.spaces:
        np.testing.assert_allclose(one.spaces[name][1::2], other.spaces[name][1::2], rtol=1e-4, atol=1e-4)


def test_labels_are_matched_by_name(look, reference, encoder):
    """Labels in another order, one of them a kind that the evaluator does not know and that does not count."""
    sample = made(1, 40)
    right = np.asarray(look(sample).values["label_accuracy"])
    on = observe.against(batch(reference), ("skip", "jump"), encoder)
    renamed = lambda label: observe.describe(on, batch(sample._replace(label=label))).values["label_accuracy"]  # noqa: E731
    found = np.asarray(renamed(1 - sample.label))
    np.testing.assert_array_equal(found[sample.label == 1], right[sample.label == 1])
    assert np.isnan(found[sample.label == 0]).all()
    assert np.isnan(renamed(np.full(40, -1, np.int32))).all()


def test_windows_of_other_sets_have_their_labels_by_name():
    sample = made(1, 6)
    np.testing.assert_array_equal(batch(sample, ("skip", "run")).cond["label"], np.where(sample.label == 1, 0, -1))
    np.testing.assert_array_equal(batch(sample).cond["label"], sample.label)
