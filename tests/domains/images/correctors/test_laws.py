"""Laws of every corrector of images: the common battery, and those of prototypes."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.images.correctors import autoencoder, prototypes, renoise, smoothing, table, verifier
from selfloop.domains.images.correctors.table import CORRECTORS, Known
from selfloop.errors import ConfigError
from selfloop.protocols import Adaptive
from tests.correctors.battery import LAWS, POINTWISE, Subject
from tests.domains.images.conftest import made

pytestmark = pytest.mark.usefixtures("hurried")
REAL, OTHERS = made(0), made(1)
KNOWN = Known(REAL, OTHERS, clusters=3, gamma=1.0)


def samples(seed, n):
    random = np.random.default_rng(seed)
    found = made(10 + seed, each=n)
    x = np.clip(found.x[:n] + 0.1 * random.normal(size=(n, 8, 8)), 0, 1)
    return uniform(jnp.asarray(x, jnp.float32), jnp.asarray(found.label[:n]))


def taught(corrector):
    """The corrector itself; of one that learns, what it is after one lesson."""
    if not isinstance(corrector, Adaptive):
        return corrector
    first, second = jax.random.split(jax.random.key(7))
    real = uniform(jnp.asarray(REAL.x, jnp.float32), jnp.asarray(REAL.label))
    known = corrector.adapt(second, jnp.asarray(1, jnp.int32), real, samples(5, 30), corrector.start(first, real))
    return corrector.corrector(known)


def pixels_apart(batch, x):
    return np.linalg.norm(np.asarray(x - batch.x).reshape(len(x), -1), axis=1)


@pytest.fixture(scope="module")
def subject(hurried, tmp_path_factory):
    """``subject(name)``: the corrector of a row, whose models are tiny ones."""
    found = {}

    def of(name):
        if name not in found:
            found[name] = taught(CORRECTORS[name].make(KNOWN))
        correct = lambda seed, batch: found[name](jax.random.key(seed), batch, None)  # noqa: E731
        return Subject(correct, samples, pixels_apart, slack=1e-4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFLOOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(verifier, "PAPERS", replace(verifier.PAPERS, latents=8, steps=4))
        tiny = autoencoder.AutoencoderConfig(latents=4, width=8, steps=4)
        patch.setattr(autoencoder, "AutoencoderConfig", lambda: tiny)
        patch.setattr(renoise, "PriorConfig", partial(renoise.PriorConfig, width=8, layers=1, steps=4))
        yield of


@pytest.mark.parametrize("name", CORRECTORS)
@pytest.mark.parametrize("law", LAWS)
def test_every_corrector_keeps_the_common_laws(subject, law, name):
    law(subject(name))


@pytest.mark.parametrize("name", [name for name, entry in CORRECTORS.items() if entry.pointwise])
@pytest.mark.parametrize("law", POINTWISE)
def test_pointwise_correctors_see_one_image(subject, law, name):
    law(subject(name))


def test_every_row_says_what_it_does():
    assert all(entry.about.endswith(".") for entry in table.CORRECTORS.values())


def test_averages_in_latents_are_as_few_as_clusters_and_of_the_samples_class(subject):
    batch = samples(3, 30)
    after = np.asarray(subject("kmeans_latent").correct(1, batch)[0].x)
    kinds = {(int(label), image.tobytes()) for label, image in zip(batch.cond, after, strict=True)}
    assert 3 < len(kinds) <= 9  # three clusters of each of three classes
    assert len({image for _, image in kinds}) == len(kinds)  # none stands for two classes


@pytest.mark.parametrize("name", ["kmeans", "medoid", "member", "nearest_real", "ideal"])
def test_prototypes_are_of_the_samples_own_class(subject, name):
    batch = samples(3, 30)
    after = np.asarray(subject(name).correct(1, batch)[0].x)
    pool = OTHERS if name == "ideal" else REAL
    changed = np.flatnonzero(np.abs(after - batch.x).max((1, 2)) > 0)
    assert len(changed) > 5
    for i in changed:
        own = pool.x[pool.label == int(batch.cond[i])]
        if name == "kmeans":  # an average of its class: the class's bar is brightest there
            assert after[i].mean(0).reshape(4, 2).mean(1).argmax() == int(batch.cond[i])
        else:
            assert np.abs(own - after[i]).max((1, 2)).min() == 0


def test_real_images_are_their_own_nearest_and_stay(subject):
    batch = uniform(jnp.asarray(REAL.x[:20]), jnp.asarray(REAL.label[:20]))
    after, info = subject("nearest_real").correct(0, batch)
    np.testing.assert_array_equal(after.x, batch.x)
    assert not info["moved"].any()


def test_averages_are_the_means_of_their_members_and_nearest_to_them():
    found = prototypes.clusters(REAL, 3)
    assert found.count.sum() == len(REAL.x)
    for i, (start, count) in enumerate(zip(found.start, found.count, strict=True)):
        own = found.members.x[start : start + count]
        np.testing.assert_allclose(found.averages.x[i], own.mean(0), atol=1e-6)
        assert set(found.members.label[start : start + count]) == {found.averages.label[i]}
        others = found.averages.x[found.averages.label == found.averages.label[i]]
        square = ((own[:, None] - others[None]) ** 2).sum((2, 3))
        assert np.all(((own - found.averages.x[i]) ** 2).sum((1, 2)) <= square.min(1) + 1e-4)


def test_averages_shrink_the_law_and_members_do_not(subject):
    """The averages' total variance is the variance between clusters, a member's that of all real images."""
    batch = uniform(jnp.asarray(REAL.x), jnp.asarray(REAL.label))
    spread = lambda x: float(np.asarray(x)[REAL.label == 0].var(0).sum())  # noqa: E731
    whole = spread(REAL.x)
    assert spread(subject("kmeans").correct(0, batch)[0].x) < 0.5 * whole
    assert abs(spread(subject("member").correct(0, batch)[0].x) / whole - 1) < 0.35  # 40 draws


def test_ideal_replaces_the_share_it_says(subject):
    batch = samples(5, 400)
    after, _ = subject("ideal").correct(2, batch)
    share = float((np.abs(after.x - batch.x).max((1, 2)) > 0).mean())
    assert abs(share - 0.5) < 5 * np.sqrt(0.25 / 400)


def test_half_way_is_half_way(subject):
    batch = samples(6, 8)
    whole, half = (subject(name).correct(0, batch)[0].x for name in ("kmeans", "kmeans_half"))
    np.testing.assert_allclose(half, (batch.x + whole) / 2, atol=1e-6)


def test_a_blur_keeps_a_constant_and_the_mean_of_the_middle():
    flat = jnp.full((2, 5, 5), 0.3)
    np.testing.assert_allclose(smoothing.blurred(flat), flat, rtol=1e-6)
    point = jnp.zeros((1, 5, 5)).at[0, 2, 2].set(1.0)
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    np.testing.assert_allclose(smoothing.blurred(point)[0, 1:4, 1:4], kernel, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: prototypes.clusters(REAL, 41), "--clusters is 41, but a class has 40 real images"),
        (lambda: prototypes.toward(prototypes.clusters(REAL, 2), 1.5), "the share is 1.5"),
        (lambda: prototypes.ideal(OTHERS, -1.0), "gamma is -1"),
        (lambda: renoise.renoise(OTHERS, level=0.0), "level is 0.0"),
        (lambda: verifier.verifier(OTHERS, sure=2.0), "the least probability is 2.0"),
    ],
)
def test_what_cannot_be_is_refused(make, told):
    with pytest.raises(ConfigError, match=told):
        make()
