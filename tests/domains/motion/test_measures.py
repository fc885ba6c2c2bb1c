import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import metrics
from selfloop.domains.motion import artefacts, measures
from selfloop.domains.motion.data import features, rotations, skeleton
from selfloop.domains.motion.data.features import FPS
from selfloop.domains.motion.data.skeleton import Motion, Q
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.model import evaluator, kinetics
from selfloop.domains.motion.model.evaluator import EvaluatorConfig
from selfloop.errors import ConfigError

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


def of(windows: Windows) -> tuple[jax.Array, jax.Array, jax.Array]:
    return jnp.asarray(windows.x), jnp.asarray(windows.length), jnp.asarray(windows.label)


def test_every_measure_is_there(reference, encoder):
    plain = {f"{what}_{space}" for what in ("fid", "diversity") for space in ("kinetic", "geometric")}
    plain |= {"precision", "recall", "coverage", *artefacts.NAMES}
    values = measures.motion_measures(reference)(KEY, *of(made(1, 40)))
    assert set(values) == plain
    assert all(value.shape == () and jnp.isfinite(value) for value in values.values())
    values = measures.motion_measures(reference, encoder)(KEY, *of(made(1, 40)))
    assert set(values) == plain | {"fid_features", "diversity_features", "label_accuracy"}
    assert all(value.shape == () and jnp.isfinite(value) for value in values.values())


def test_they_are_the_metrics_of_the_features(reference, encoder):
    sample = made(1, 40)
    values = measures.motion_measures(reference, encoder)(KEY, *of(sample))
    x, length, label = of(sample)
    y, y_length, _ = of(reference)
    embed, kinetic = jax.jit(evaluator.embed), jax.jit(kinetics.kinetic)
    near, real = embed(encoder, x, length), embed(encoder, y, y_length)
    np.testing.assert_allclose(values["fid_features"], metrics.frechet_distance(near, real), rtol=1e-3)
    assert np.isclose(values["coverage"], metrics.prdc(near, real, y_group=jnp.asarray(reference.clip))["coverage"])
    scale = kinetics.scale_of(kinetic(y, y_length))
    spread = metrics.mean_pairwise_distance(kinetics.standardise(kinetic(x, length), scale))
    assert abs(values["diversity_kinetic"] - spread) < 0.2 * spread  # 300 of its 780 pairs
    guess = jax.jit(evaluator.label_logits)(encoder, x, length).argmax(1)
    assert np.isclose(values["label_accuracy"], (guess == label).mean())
    for name, each in jax.jit(artefacts.measure)(x, length).items():
        np.testing.assert_allclose(values[name], each.mean(), rtol=1e-4, atol=1e-6)


def test_nothing_is_nearer_to_the_reference_than_itself(reference):
    measure = measures.motion_measures(reference)
    same, other, fast = (measure(KEY, *of(one)) for one in (reference, made(1, 40), made(1, 40, speed=2.0)))
    for name in ("fid_kinetic", "fid_geometric"):
        assert same[name] < 1e-2
        assert same[name] < other[name] < fast[name]


def test_absent_motions_have_no_part(reference, encoder):
    """Twenty motions of forty, the others NaN: as measured alone; diversity draws other pairs."""
    measure, sample = measures.motion_measures(reference, encoder), made(1, 40)
    x, length, label = of(sample)
    weight = jnp.arange(40.0) % 2
    some = measure(KEY, jnp.where(weight[:, None, None] > 0, x, jnp.nan), length, label, weight)
    alone = measure(KEY, x[1::2], length[1::2], label[1::2])
    for name, value in some.items():
        if not name.startswith("diversity"):
            np.testing.assert_allclose(value, alone[name], rtol=2e-3, atol=1e-4, err_msg=name)
    assert jnp.isfinite(some["diversity_kinetic"])


def test_labels_are_matched_by_name(reference, encoder):
    """Labels in another order, one of them a kind that the encoder does not know and that does not count."""
    x, length, label = of(made(1, 40))
    right = jax.jit(evaluator.label_logits)(encoder, x, length).argmax(1) == label
    renamed = measures.motion_measures(reference, encoder, ("skip", "jump"))
    assert np.isclose(renamed(KEY, x, length, 1 - label)["label_accuracy"], right[label == 1].mean())
    assert jnp.isnan(renamed(KEY, x, length, jnp.ones_like(label))["label_accuracy"])


def test_a_second_generation_compiles_nothing(reference, encoder):
    measure = measures.motion_measures(reference, encoder)
    measure(KEY, *of(made(1, 40)))
    before = measures._measure._cache_size()
    measure(jax.random.key(1), *of(made(2, 40)))
    assert measures._measure._cache_size() == before


def test_intervals_of_a_mean_are_those_of_its_standard_error(reference):
    x, length, label = of(made(1, 40))
    got = measures.bootstrap(KEY, measures.prepare(reference), x, length, label, resamples=400)
    each = jax.jit(artefacts.measure)(x, length)["jerk"]
    low, high = got["jerk"]
    error = 1.645 * float(each.std()) / np.sqrt(40)
    assert np.isclose((low + high) / 2, each.mean(), atol=0.4 * error)
    assert np.isclose((high - low) / 2, error, rtol=0.25)  # a quantile of 400 has 8 % noise, the normal law its own
    assert all(low <= high for low, high in got.values())


def test_too_small_a_reference_is_refused(reference):
    with pytest.raises(ConfigError, match="at least 4"):
        measures.prepare(made(0, 3))
