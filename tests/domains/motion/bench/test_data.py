"""The bench's windows: roles, halves, floors."""

from dataclasses import replace

import numpy as np
import pytest

from selfloop.domains.motion.bench import data
from selfloop.domains.motion.data import splits
from selfloop.domains.motion.data.clip import Clip, lowest
from selfloop.domains.motion.data.formats import bvh
from selfloop.errors import ConfigError, DataError
from tests.domains.motion.bench.motions import still


def test_a_small_set_is_halved_and_each_half_is_the_others_reference(clips_folder):
    found = data.load(str(clips_folder), 4)
    assert found.loop is None
    assert found.encoder is None
    assert {len(cut.x) for cut in found.bench.values()} == {4}
    clips = {split: {one.name for one in part} for split, part in data.halves(data.datasets.load(clips_folder)).items()}
    assert not clips["tuning"] & clips["heldout"]
    assert all(splits.place(name) < 0.5 for name in clips["tuning"])
    assert all(splits.place(name) >= 0.5 for name in clips["heldout"])


def test_fewer_windows_are_the_first_of_more(clips_folder):
    few, many = (data.load(str(clips_folder), n) for n in (2, 5))
    for split in data.SPLITS:
        np.testing.assert_array_equal(few.bench[split].x, many.bench[split].x[:2])
    assert few.digest != many.digest


@pytest.mark.parametrize("height", [-0.07, 0.0, 0.04])
def test_a_standing_clip_is_put_on_its_floor(height):
    clip = still("a", 30)
    moved = replace(clip, root=clip.root + np.array([0, 0, height], np.float32))
    np.testing.assert_allclose(lowest(data.on_floor(moved)), 0, atol=1e-6)


def test_the_floor_is_where_feet_rest_not_where_they_pass():
    # Two thirds of the frames stand at 3 cm; in the others a foot passes 5 cm lower at 1 m/s.
    clip = still("a", 60)
    root = clip.root.copy()
    root[:, 2] += np.where(np.arange(60) < 40, 0.03, -0.02)
    root[:, 0] = np.where(np.arange(60) < 40, 0, (np.arange(60) - 39) / 20)
    moved = replace(clip, root=root.astype(np.float32))
    np.testing.assert_allclose(lowest(data.on_floor(moved))[:40], 0, atol=1e-6)


def test_a_clip_that_never_rests_is_left_as_it_is():
    clip = still("a", 30)
    root = clip.root + np.outer(np.arange(30), [0.1, 0, 0]).astype(np.float32)  # 2 m/s
    moved = replace(clip, root=root + np.array([0, 0, 0.5], np.float32))
    assert data.on_floor(moved) is moved


def test_labels_are_places_in_the_new_names():
    found = data.relabelled(np.array([1, 0, 1]), ("run", "walk"), ("jump", "run", "sit", "walk"))
    np.testing.assert_array_equal(found, [3, 1, 3])


def test_too_little_is_refused_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match="--windows is 1; an interval needs 2 or more"):
        data.load(None, 1)
    clip: Clip = still("only", 50)
    bvh.write(tmp_path / "only.bvh", clip)
    with pytest.raises(DataError, match=r"the bench needs 2 or more: give a larger set"):
        data.load(str(tmp_path), 4)
