"""Images in the engine, end to end: what a run leaves, every model, and which settings are refused."""

import re
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import experiment
from selfloop.domains.images import setup
from selfloop.domains.images.domain import IMAGES
from selfloop.domains.images.settings import PRESETS, bertrand, shumailov, smoke
from selfloop.engine.check import check_data, check_observation
from selfloop.engine.plan import plan
from selfloop.engine.settings import checked
from selfloop.errors import SelfloopError
from selfloop.loop import begin, generation
from selfloop.policies import POLICIES
from selfloop.protocols import Loop
from selfloop.runs import record
from tests.domains.images.conftest import pictures, write_set

pytestmark = pytest.mark.usefixtures("hurried")
TINY = {"n": (24,), "evaluate": 120, "first_steps": (4,), "steps": (2,), "batch": 8, "width": 16, "layers": 1,
        "sample_steps": 2, "generations": 2, "seeds": 2, "clusters": 2, "evaluator_steps": 2,
        "audit_every": 1}  # fmt: skip


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache of its own for what is trained."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFLOOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def tiny(preset, out, data, **changes):
    return replace(preset(), **TINY | {"out": out, "data": str(data)} | changes)


@pytest.fixture(scope="module")
def finished(compiled, hurried, cache, pictures_folder, tmp_path_factory):
    """The settings of a run of the smoke preset's kind."""
    config = tiny(smoke, tmp_path_factory.mktemp("finished") / "run", pictures_folder, arms=("member",), seeds=1)
    experiment.run(IMAGES, config)
    return config


def rows(out):
    return {(row["arm"], row["seed"], row["generation"]): row for row in record.read(out / "metrics.jsonl")}


def test_a_run_leaves_measures_and_a_sheet(finished):
    found = rows(finished.out)
    assert found.keys() == {(arm, seed, t) for arm in finished.arms for seed in (0,) for t in (0, 1, 2)}
    for row in found.values():
        assert row.keys() >= {"fid_latents", "fid_classifier", "kid_latents", "recall", "coverage", "within_latents",
                              "entropy_class", "within_class", "label_correct", "grey", "nearest_real",
                              "copies"}  # fmt: skip
        assert 0 <= row["entropy_class"] <= 1
        assert 0 <= row["grey"] <= 1
    assert found["member", 0, 2]["moved"] > 0
    page = (finished.out / "report.html").read_text()
    assert not re.findall(r"https?://|src=.(?!data:)|<link|@import", page)
    assert page.count('alt="samples"') == 3 * 2  # three generations, as they are and corrected
    assert "FID of 100" in page


def test_real_images_corrected_by_members_are_copies(finished):
    lines = record.read(finished.out / "results.jsonl")
    assert any("copies" in str(row) for row in lines)
    pool = np.load(finished.out / "data" / "n24" / "pool.npz")
    # The pool begins with the n real images.
    np.testing.assert_array_equal(pool["value/copies"][:24], 1)
    assert pool["value/copies"][24:].max() == 0


@pytest.mark.slow
def test_more_seeds_continue_and_compute_nothing_twice(finished):
    before = rows(finished.out)
    experiment.run(IMAGES, replace(finished, seeds=2))
    after = rows(finished.out)
    assert len(after) == 2 * len(before)
    assert all(after[at]["fid_latents"] == row["fid_latents"] for at, row in before.items())


@pytest.mark.parametrize(
    ("preset", "changes", "measure"),
    [
        (shumailov, {"size": 8, "arms": ("replace",)}, "encoder_square"),
        (shumailov, {"size": 8, "arms": ("replace",), "model": "vae_endless"}, "encoder_square"),
        (bertrand, {"data": "gaussians", "arms": ("fresh",)}, "off_mode"),
        (smoke, {"model": "flow", "guidance": (1.0,), "arms": ("fresh",)}, "label_correct"),
    ],
)
def test_every_model_goes_round(cache, pictures_folder, preset, changes, measure):
    """One generation of the bare loop: what the engine compiles, without its report."""
    config = checked(IMAGES, tiny(preset, "run", **{"data": pictures_folder} | changes))
    data = IMAGES.data(config, 24)
    model, observe, arm = IMAGES.model(config, data), IMAGES.observe(config, data), IMAGES.arms[config.arms[0]]
    check_data(IMAGES, data, 24)
    check_observation(IMAGES, observe, data.pool)
    source = data.sources[arm.source](data.real)
    parts = Loop(model, POLICIES[arm.policy](1.0), source, 24)
    key = jax.random.key(0)
    carry, first = begin(parts, key)
    carry, second = generation(parts, key, jnp.int32(1), carry)
    assert jax.tree.structure(first.state) == jax.tree.structure(second.state)
    assert np.isfinite(second.fit["loss"])
    found = observe(model.sample(key, carry.state, data.conditions(24), 24))
    assert np.isfinite(found.values[measure]).all()
    np.testing.assert_allclose(found.shares["class"].sum(1), 1, rtol=1e-4)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_run_and_says_which_it_is(name):
    asked = checked(IMAGES, PRESETS[name]())
    assert asked.preset == name
    assert plan(IMAGES, asked)
    assert PRESETS[name].__doc__.endswith(".")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"n": (1000,)}, "--n is 1000; the loop's part of these images holds 48"),
        ({"clusters": 9}, "--clusters is 9, but a class has 8 real images"),
        ({"size": 3}, "--size is 3, and the images are 8x8"),
        ({"model": "gan"}, "--model is gan; choose one of diffusion, flow, vae, vae_endless"),
        ({"network": "small"}, "--network is small, which is none of --model diffusion; give perceptron"),
        ({"draw": "poisson"}, "--draw is poisson; choose one of mean, bernoulli, gaussian"),
        ({"gamma": -1.0}, "--gamma is -1.0; give 0 or more"),
        ({"sample_steps": 0}, "--sample-steps is 0"),
        ({"network": "unet", "size": 2}, "--size is 2; --network unet halves images 2 times: give a multiple of 4"),
        ({"data": "moons"}, "--arms member corrects images, and moons are points"),
        ({"data": "moons", "arms": ("replace",)}, "--guidance 1"),
        ({"data": "nowhere"}, "no set of this name"),
    ],
)
def test_a_bad_setting_is_named_and_nothing_is_begun(cache, pictures_folder, tmp_path, changes, told):
    changes = {"data": pictures_folder, "arms": ("member",)} | changes
    with pytest.raises(SelfloopError, match=re.escape(told)) as caught:
        experiment.run(IMAGES, tiny(smoke, tmp_path / "run", **changes))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "run").rglob("*.jsonl"))


def test_what_judges_is_apart_from_what_is_learned_from(pictures_folder):
    own = setup.data(tiny(smoke, None, pictures_folder), 24).own
    seen = [image.tobytes() for part in own for image in part.x]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("network", ["perceptron", "unet"])
def test_a_folder_of_images_of_28_by_28_fits(tmp_path, network):
    """Shapes alone: sizes are those of MNIST, the networks as small as they go."""
    folder = write_set(tmp_path / "set", *pictures(side=28, each=20), pack=True)
    config = checked(IMAGES, tiny(smoke, "run", folder, size=28, network=network, arms=("kmeans",)))
    data = IMAGES.data(config, 24)
    assert data.real.x.shape == (24, 28, 28)
    model = IMAGES.model(config, data)
    state = jax.eval_shape(model.init, jax.random.key(0))
    after, _ = jax.eval_shape(model.fit, jax.random.key(0), data.real, state)
    assert jax.tree.map(lambda leaf: leaf.shape, after) == jax.tree.map(lambda leaf: leaf.shape, state)
    assert jax.eval_shape(lambda s: model.sample(jax.random.key(0), s, data.real.cond, 24).x, state).shape == (
        24,
        28,
        28,
    )


@pytest.mark.slow
def test_fashion_mnist_goes_round_at_its_own_size(cache, tmp_path):
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("needs Debian's dataset-fashion-mnist")
    config = tiny(smoke, tmp_path / "run", folder, size=28, arms=("kmeans",), seeds=1, generations=1, n=(200,))
    experiment.run(IMAGES, config)
    found = rows(config.out)
    assert found["kmeans", 0, 1]["moved"] > 0
    assert np.isfinite(found["kmeans", 0, 1]["fid_latents"])
    own = setup.data(config, 200).own
    assert [len(part.x) for part in (own.real, own.reference)] == [200, 1500]
    # 70,000 images of ten classes, of which none is there twice in Fashion-MNIST: 20 % and 10 %.
    assert [len(part.x) for part in (own.encoder, own.prior)] == [14_000, 7_000]
    with pytest.raises(SelfloopError, match="the loop's part of these images holds 28000"):
        setup.data(config, 28_001)


@pytest.mark.slow
def test_the_smoke_preset_on_real_digits(tmp_path):
    pytest.importorskip("sklearn")
    experiment.run(IMAGES, replace(smoke(), out=tmp_path / "run"))
    last = {arm: row for (arm, _, t), row in rows(tmp_path / "run").items() if t == 4}
    assert last.keys() == {"baseline", "uncorrected", "kmeans"}
    assert all(row["fid_latents"] < 5 for row in last.values())
