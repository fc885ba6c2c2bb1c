"""What is measured of images and points, against what is known of them; the seam of recognised classes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.images import evaluator, observe, setup
from selfloop.domains.images.evaluator import EvaluatorConfig
from selfloop.domains.images.settings import ImageSettings
from selfloop.engine import scores
from selfloop.metrics import moments
from tests.domains.images.conftest import made

pytestmark = pytest.mark.usefixtures("hurried")
REAL, OTHERS = made(0), made(1)


@pytest.fixture(scope="module")
def trained(hurried):
    return evaluator.train(jax.random.key(0), REAL, EvaluatorConfig(latents=8, steps=60, batch=32))


def test_an_evaluator_recognises_images_that_it_has_not_seen(trained):
    assert evaluator.accuracy(trained, OTHERS) > 0.9
    z, _ = evaluator.seen(trained, jnp.asarray(REAL.x))
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-3)
    assert np.all(np.asarray(z.std(0)) < 1.001)


def test_of_many_images_fewer_copies_are_made(monkeypatch):
    x = REAL.x[:10]
    assert evaluator.distorted(x).shape == (90, 8, 8)
    monkeypatch.setattr(evaluator, "COPIED", 39)
    assert evaluator.distorted(x).shape == (40, 8, 8)
    monkeypatch.setattr(evaluator, "COPIED", 0)
    found = evaluator.distorted(x)
    assert found.shape == (20, 8, 8)
    np.testing.assert_array_equal(found[:10], x)


def test_it_is_kept_and_read_again(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path))
    config = EvaluatorConfig(latents=4, redraws=False, steps=2, batch=8)
    one, other = (evaluator.load_or_train(REAL, config) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, one, other)
    assert capsys.readouterr().out.count("training") == 1


def test_copies_are_told_from_neighbours(trained):
    real = jnp.asarray(REAL.x[:30])
    near = evaluator.seen(trained, real)[0]
    found = observe.describe(None, trained, trained, real, near, None, uniform(real, jnp.asarray(REAL.label[:30])))
    np.testing.assert_array_equal(found.values["copies"], 1)
    # The nearest real image that is no copy: of the other 29.
    apart = np.linalg.norm(np.asarray(near)[:, None] - np.asarray(near)[None], axis=-1) + 1e9 * np.eye(30)
    np.testing.assert_allclose(found.values["nearest_real"], apart.min(1), rtol=1e-3, atol=1e-3)
    fresh = observe.describe(None, trained, trained, real, near, None, uniform(jnp.asarray(OTHERS.x[:5])))
    np.testing.assert_array_equal(fresh.values["copies"], 0)
    assert np.isnan(fresh.values["label_correct"]).all()
    np.testing.assert_allclose(fresh.values["grey"], OTHERS.x[:5].mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(fresh.shares["class"].sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["gaussians", "moons"])
def test_points_of_the_law_lie_on_it(name):
    data = setup.data(ImageSettings(data=name, size=2), 500)
    found = observe.observer(ImageSettings(data=name), data)(data.reference)
    assert found.spaces["points"].shape == (2000, 2)
    # Four widths: exp(-8) of eight Gaussians in two directions, 6e-5 of the moons in one.
    assert float(found.values["off_mode"].mean()) < 0.005
    assert abs(float(jnp.nanmean(found.values["mode_variance"])) - 1) < 5 * np.sqrt(2 / 2000) + 0.02


def test_a_point_between_the_modes_is_off():
    data = setup.data(ImageSettings(data="gaussians"), 100)
    found = observe.observer(ImageSettings(data="gaussians"), data)(uniform(jnp.zeros((1, 1, 2))))
    assert float(found.values["off_mode"][0]) == 1
    assert np.isnan(found.values["mode_variance"][0])


def scored(shares, weight, x=None):
    """What the engine says of one chain with these classes."""
    n, k = shares.shape
    x = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32) if x is None else x
    points = jnp.asarray(np.random.default_rng(1).normal(size=(20, 2)), jnp.float32)
    reference = scores.Reference({"s": points}, {"s": moments(points)}, None, points)
    one = lambda value: jnp.asarray(value, jnp.float32)[None]  # noqa: E731
    samples = scores.Samples({"s": one(x)}, {}, one(weight), jnp.zeros((1, n), jnp.int32), {"class": one(shares)})
    return scores.score(reference, samples, scores.Origin(one(x), one(weight)), "s", 1)[0]


def test_entropy_of_classes_is_that_of_all_samples_together():
    sure = np.eye(4)[np.arange(80) % 4]
    assert scored(sure, np.ones(80))["entropy_class"] == pytest.approx(1, abs=1e-5)
    one = np.eye(4)[np.zeros(80, int)]
    assert scored(one, np.ones(80))["entropy_class"] == pytest.approx(0, abs=1e-6)
    share = np.array([0.5, 0.3, 0.2, 0.0])
    mixed = scored(np.tile(share, (80, 1)), np.ones(80))["entropy_class"]
    assert mixed == pytest.approx(-(share[:3] * np.log(share[:3])).sum() / np.log(4), rel=1e-4)
    absent = scored(np.concatenate([one[:40], sure[:40]]), np.repeat([1.0, 0.0], 40))["entropy_class"]
    assert absent == pytest.approx(0, abs=1e-6)


def test_variance_is_split_by_recognised_classes():
    kind = np.arange(80) % 2
    x = (np.random.default_rng(2).normal(size=(80, 2)) + 10 * kind[:, None]).astype(np.float32)
    found = scored(np.eye(4)[kind], np.ones(80), x)
    assert found["within_class"] == pytest.approx(
        np.mean([x[kind == k].var(0, ddof=1).mean() for k in (0, 1)]), rel=1e-3
    )
    assert found["between_class"] == pytest.approx(25, rel=0.15)
