from dataclasses import replace

import jax
import numpy as np
import pytest

from selfloop.domains.motion.data import features, windows
from selfloop.domains.motion.data.clip import to_motion, unroll
from selfloop.errors import DataError

encode = jax.jit(features.encode)


@pytest.fixture
def clips(wander):
    long = [replace(wander(i, frames=70 + 10 * i, name=f"long_{i}"), label=f"label_{i % 2}") for i in range(4)]
    return [*long, replace(wander(9, frames=25, name="short"), label="short")]


def test_windows_are_pieces_of_their_clips(clips):
    cut = windows.cut(clips, capacity=40, stride=10)
    assert cut.x.shape == (len(cut.length), 40, features.D)
    assert cut.x.dtype == np.float32
    assert cut.names == ("label_0", "label_1", "short")
    for i in range(len(cut.length)):
        clip = clips[cut.clip[i]]
        assert cut.names[cut.label[i]] == clip.label
        piece = slice(cut.start[i], cut.start[i] + cut.length[i])
        part = replace(clip, root=clip.root[piece], rotations=clip.rotations[piece])
        np.testing.assert_allclose(cut.x[i, : cut.length[i]], encode(to_motion(part)), atol=1e-4)


def test_a_short_clip_holds_its_last_pose(clips):
    cut = windows.cut(clips, capacity=40)
    (i,) = np.flatnonzero(cut.clip == 4)
    assert cut.length[i] == 25
    assert (np.delete(cut.length, i) == 40).all()
    np.testing.assert_allclose(cut.x[i, 25:, :3], 0, atol=1e-6)
    np.testing.assert_array_equal(cut.x[i, 25:, 3:], np.repeat(cut.x[i, 24:25, 3:], 15, 0))


def test_distinct_clips_come_first_and_fewer_windows_are_the_beginning_of_more(clips):
    every = windows.cut(clips, stride=8)
    assert sorted(every.clip[:5]) == [0, 1, 2, 3, 4]
    assert sorted(every.clip[5:9]) == [0, 1, 2, 3]
    few = windows.cut(clips, n=7, stride=8)
    np.testing.assert_array_equal(few.x, every.x[:7])
    pairs = list(zip(every.clip.tolist(), every.start.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)


def test_the_seed_decides_and_repeats(clips):
    one, same, other = (windows.cut(clips, stride=4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.x, same.x)
    assert (one.start != other.start).any()
    assert sorted(zip(one.clip, one.start, strict=True)) == sorted(zip(other.clip, other.start, strict=True))


def test_a_second_window_lies_far_from_the_first(wander):
    cut = windows.cut([wander(0, frames=120)], stride=1, n=2)
    assert abs(int(cut.start[0]) - int(cut.start[1])) >= 40


def test_a_cycle_is_unrolled(wander):
    clip = replace(wander(3, frames=21), cyclic=True)
    cut = windows.cut([clip], capacity=40, stride=5)
    assert sorted(cut.start) == [0, 5, 10, 15]
    assert (cut.length == 40).all()
    i = int(np.argmax(cut.start))
    whole = unroll(clip, 4.0)
    part = replace(whole, root=whole.root[15:55], rotations=whole.rotations[15:55])
    np.testing.assert_allclose(cut.x[i], encode(to_motion(part)), atol=1e-4)


def test_too_many_windows_name_both_numbers(clips):
    given = len(windows.cut(clips).length)
    with pytest.raises(DataError, match=f"{given + 1} windows.*{given} of 40 frames.*--data"):
        windows.cut(clips, n=given + 1)


@pytest.mark.parametrize("wrong", [{"capacity": 1}, {"stride": 0}, {"n": 0}, {"clips": []}])
def test_senseless_numbers_are_refused(clips, wrong):
    with pytest.raises(DataError):
        windows.cut(**{"clips": clips, **wrong})


def test_another_frame_rate_is_refused(clips):
    with pytest.raises(DataError, match="resample"):
        windows.cut([replace(clips[0], fps=30.0)])


def test_blocks_do_not_show(clips, monkeypatch):
    whole = windows.cut(clips, stride=4)
    monkeypatch.setattr(windows._encode, "__defaults__", (7,))
    np.testing.assert_allclose(windows.cut(clips, stride=4).x, whole.x, atol=1e-5)
