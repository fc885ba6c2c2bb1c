"""The bench's chains in miniature."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion import setup
from selfloop.domains.motion.bench import generator
from selfloop.domains.motion.settings import MotionSettings
from selfloop.protocols import identity
from selfloop.runs import checkpoint

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path))
    monkeypatch.setattr(generator, "SAMPLES", 12)


@pytest.fixture(scope="module")
def small(made_up_folder):
    return MotionSettings(
        data=str(made_up_folder), n=(6,), frames=16, band=16, width=16, layers=1, first_steps=(4,), steps=(2,), batch=4
    )


def same(one, two):
    jax.tree.map(np.testing.assert_array_equal, one, two)


@pytest.mark.slow
def test_samples_of_each_generation_under_the_real_labels(small):
    found = generator.generated(small, generations=(0, 2, 3))
    assert list(found) == [0, 2, 3]
    cond = setup.evaluation_conditions(setup.load(small, 6), 12)
    for batch in found.values():
        assert batch.x.shape == (12, 16, 64)
        same(batch.cond, cond)
        np.testing.assert_array_equal(batch.weight, 1)
    assert float(jnp.abs(found[2].x - found[3].x).max()) > 1e-4


@pytest.mark.slow
def test_what_is_cached_is_not_made_again(small, monkeypatch):
    made = generator.generated(small, generations=(0, 1))
    monkeypatch.setattr(generator, "_sampled", lambda *given: pytest.fail("made again"))
    same(generator.generated(small, generations=(0, 1)), made)


@pytest.mark.slow
def test_an_interrupted_chain_goes_on_to_the_same_samples(small, monkeypatch, tmp_path):
    whole = generator.generated(small, generations=(1, 3))
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path / "other"))
    save, saved = checkpoint.save, []

    def cut(path, tree):
        saved.append(path)
        if path.name == "generation_0003.msgpack":
            raise KeyboardInterrupt
        save(path, tree)

    monkeypatch.setattr(checkpoint, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        generator.generated(small, generations=(1, 3))
    before = len(saved)
    monkeypatch.setattr(checkpoint, "save", lambda path, tree: (saved.append(path), save(path, tree)))
    same(generator.generated(small, generations=(1, 3)), whole)
    names = [path.name for path in saved[before:]]
    assert names[-1] == "samples_0003.msgpack"
    assert "samples_0001.msgpack" not in names
    assert not any(name.startswith("seeds_") for name in names)  # generation 0 was there


@pytest.mark.slow
def test_a_corrector_is_part_of_its_own_loop(small, tmp_path):
    def lifted(key, batch, state):
        fixed, info = identity(key, batch, state)
        return fixed._replace(x=fixed.x.at[..., 3].add(0.5)), info

    uncorrected = generator.generated(small, generations=(2,))[2]
    same(generator.on_policy(small, identity, tmp_path / "none", generations=2), uncorrected)
    higher = generator.on_policy(small, lifted, tmp_path / "lifted", generations=2)
    assert float((higher.x - uncorrected.x)[..., 3].mean()) > 0
