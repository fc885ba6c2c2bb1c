from dataclasses import replace

import numpy as np
import pytest

from selfloop.domains.motion.data import quaternion, skeleton
from selfloop.domains.motion.data.clip import (
    Clip,
    canonical,
    forward,
    from_motion,
    lowest,
    mirror,
    resample,
    to_motion,
    unroll,
)
from selfloop.errors import DataError

METRES = 2e-6
"""Float32 along a chain of five joints and metres of travel."""


def angles(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Angle (rad) between two sets of quaternions."""
    return 2 * np.arccos(np.clip(np.abs(np.sum(p.astype(np.float64) * q, -1)), 0, 1))


def spinning(fps: float, frames: int, cyclic: bool = False) -> Clip:
    """Pelvis along a line at 1 m/s and about z at 2 rad/s; the left knee at 1 rad/s."""
    time = np.arange(frames) / fps
    turns = np.tile(quaternion.IDENTITY, (frames, skeleton.J, 1))
    turns[:, 0] = quaternion.about_axis("z", 2 * time)
    turns[:, skeleton.INDEX["left_knee"]] = quaternion.about_axis("y", time)
    return Clip("spin", fps, time[:, None] * np.array([1.0, 0, 0]) + np.array([0, 0, 1.0]), turns, "x", cyclic=cyclic)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"root": np.zeros((5, 2))}, "root"),
        ({"rotations": np.zeros((30, 14, 4))}, "rotations"),
        ({"root": np.zeros((1, 3)), "rotations": np.ones((1, skeleton.J, 4)) / 2}, "at least 2"),
        ({"root": np.full((30, 3), np.nan)}, "NaN"),
        ({"rotations": np.ones((30, skeleton.J, 4))}, "unit length"),
        ({"fps": 0.0}, "frames a second"),
        ({"fps": np.nan}, "frames a second"),
    ],
)
def test_a_bad_clip_is_refused_by_name(wander, change, message):
    with pytest.raises(DataError, match=message) as caught:
        replace(wander(0, name="the_bad_one"), **change)
    assert "the_bad_one" in str(caught.value)


def test_kinematics_on_the_host_are_those_in_jax(wander):
    clip = wander(1)
    positions, world = forward(clip.root, clip.rotations)
    expected, matrices = skeleton.forward(to_motion(clip))
    np.testing.assert_allclose(positions, expected, atol=METRES)
    np.testing.assert_allclose(quaternion.to_matrix(world), matrices, atol=METRES)
    np.testing.assert_allclose(lowest(clip), np.min(skeleton.sphere_heights(expected, matrices), -1), atol=METRES)


@pytest.mark.parametrize("fps", [24.0, 30.0, 29.97, 60.0, 120.0, 16.0])
def test_resampling_keeps_steady_motion_steady(fps):
    clip = resample(spinning(fps, frames=int(3 * fps)), 20.0)
    expected = spinning(20.0, len(clip))
    np.testing.assert_allclose(clip.root, expected.root, atol=METRES)
    assert angles(clip.rotations, expected.rotations).max() < 2e-3
    assert 0 <= (int(3 * fps) - 1) / fps - clip.seconds < 1 / 20 + 1e-6


def test_resampling_to_a_whole_ratio_takes_every_third_frame(wander):
    clip = wander(2, frames=31, fps=60.0)
    third = resample(clip, 20.0)
    np.testing.assert_allclose(third.root, clip.root[::3], atol=1e-6)
    assert angles(third.rotations, clip.rotations[::3]).max() < 2e-3


def test_resampling_keeps_a_cycle_whole():
    clip = spinning(30.0, frames=39, cyclic=True)
    short = resample(clip, 20.0)
    assert len(short) == 26  # 38 / 30 s are 25.33 frames
    np.testing.assert_allclose(short.root[[0, -1]], clip.root[[0, -1]], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_canonical_clips_start_over_the_origin_facing_x_on_the_floor(wander, seed):
    clip = canonical(wander(seed))
    np.testing.assert_allclose(clip.root[0, :2], 0, atol=1e-6)
    np.testing.assert_allclose(quaternion.heading(clip.rotations[0, 0]), 0, atol=1e-5)
    np.testing.assert_allclose(np.percentile(lowest(clip), 5), 0, atol=1e-5)
    again = canonical(clip)
    np.testing.assert_allclose(again.root, clip.root, atol=1e-5)


def test_canonical_moves_the_body_as_one(wander):
    clip = wander(4)
    moved = canonical(clip)
    np.testing.assert_array_equal(moved.rotations[:, 1:], clip.rotations[:, 1:])
    steps = [np.linalg.norm(np.diff(c.root, axis=0), axis=1) for c in (clip, moved)]
    np.testing.assert_allclose(*steps, atol=1e-6)


def test_mirror_reflects_every_joint_and_undoes_itself(wander):
    clip = replace(wander(5), caption="a person waves the left hand", label="wave-left-hand")
    other = mirror(clip)
    positions, reflected = forward(clip.root, clip.rotations)[0], forward(other.root, other.rotations)[0]
    np.testing.assert_allclose(reflected, positions[:, np.array(skeleton.MIRROR)] * np.array([1, -1, 1]), atol=METRES)
    assert (other.label, other.caption) == ("wave-right-hand", "a person waves the right hand")
    back = mirror(other)
    assert (back.name, back.label, back.caption) == (clip.name, clip.label, clip.caption)
    np.testing.assert_array_equal(back.rotations, clip.rotations)
    np.testing.assert_array_equal(back.root, clip.root)


def test_unrolled_cycles_go_on_in_place_heading_and_pose():
    # A circle walked at 1 m/s and 0.5 rad/s: 26 frames of it, closed in every joint, continue the circle.
    fps, frames, rate = 20.0, 26, 0.5
    time = np.arange(200) / fps
    turns = np.tile(quaternion.IDENTITY, (200, skeleton.J, 1))
    turns[:, 0] = quaternion.about_axis("z", rate * time)
    phase = 2 * np.pi * np.arange(200) / (frames - 1)
    turns[:, skeleton.INDEX["right_hip"]] = quaternion.about_axis("y", 0.5 * np.sin(phase))
    root = np.stack([np.sin(rate * time) / rate, (1 - np.cos(rate * time)) / rate, 1 + 0.05 * np.cos(phase)], -1)
    circle = Clip("circle", fps, root, turns, "walk")
    cycle = replace(circle, root=root[:frames], rotations=turns[:frames], cyclic=True)
    long = unroll(cycle, 199 / fps)
    assert len(long) == 200
    assert not long.cyclic
    np.testing.assert_allclose(long.root, circle.root, atol=1e-5)
    assert angles(long.rotations, circle.rotations).max() < 2e-3


def test_a_cycle_that_does_not_quite_close_is_led_back_smoothly():
    clip = spinning(20.0, frames=41, cyclic=True)  # the knee ends 2 rad from where it began
    long = unroll(clip, 10.0)
    knee = quaternion.hinge_angle(long.rotations[:, skeleton.INDEX["left_knee"]], "y")
    # 2 rad led back within 5 frames by a smooth step, whose steepest part is 1.5 times the mean.
    assert np.abs(np.diff(knee)).max() < 1.5 * 2.0 / 5 + 0.05
    np.testing.assert_allclose(knee[[0, 40, 80, 120]], 0, atol=1e-4)
    np.testing.assert_allclose(
        np.diff(quaternion.hinge_angle(long.rotations[:, 0], "z") % (2 * np.pi)) % 6.2831, 0.1, atol=1e-3
    )


def test_only_cycles_unroll(wander):
    with pytest.raises(DataError, match="not cyclic"):
        unroll(wander(6), 3.0)


def test_motion_and_back(wander):
    clip = wander(7)
    back = from_motion(to_motion(clip), clip.name, clip.label)
    np.testing.assert_array_equal(back.root, clip.root)
    assert angles(back.rotations, clip.rotations).max() < 2e-3
