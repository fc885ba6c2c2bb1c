import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import quaternion
from selfloop.domains.motion.data.clip import forward, resample, unroll
from selfloop.domains.motion.data.formats import deepmimic
from selfloop.domains.motion.data.skeleton import INDEX, NAMES, OFFSETS
from selfloop.errors import DataError

CHAIN = (
    ("chest", None, 4), ("neck", "chest", 4), ("right_hip", None, 4), ("right_knee", "right_hip", 1),
    ("right_ankle", "right_knee", 4), ("right_shoulder", "chest", 4), ("right_elbow", "right_shoulder", 1),
    ("left_hip", None, 4), ("left_knee", "left_hip", 1), ("left_ankle", "left_knee", 4),
    ("left_shoulder", "chest", 4), ("left_elbow", "left_shoulder", 1),
)  # fmt: skip
"""DeepMimic's joints in the order of a frame's numbers, their parents and widths."""


def frames(n: int = 12, seed: int = 0, step: float = 0.05) -> list[list[float]]:
    random = np.random.default_rng(seed)
    rows = np.concatenate([np.full((n, 1), step), random.uniform(-1, 1, (n, 3)), random.normal(size=(n, 40))], 1)
    for at in (4, 8, 12, 16, 21, 25, 30, 35, 39):
        rows[:, at : at + 4] /= np.linalg.norm(rows[:, at : at + 4], axis=1, keepdims=True)
    return rows.tolist()


def standing(n: int = 12, seed: int = 0, step: float = 0.05) -> list[list[float]]:
    """Frames of somebody who stands and sways a little."""
    random = np.random.default_rng(seed)
    wave = np.sin(np.linspace(0, 2, n)[:, None] + random.uniform(0, 6, 43))
    rows = np.concatenate([np.full((n, 1), step), 0.1 * wave[:, :3], 0.1 * wave[:, 3:]], 1)
    rows[:, 2] = 0.89
    for at in (4, 8, 12, 16, 21, 25, 30, 35, 39):
        rows[:, at] = 1
        rows[:, at : at + 4] /= np.linalg.norm(rows[:, at : at + 4], axis=1, keepdims=True)
    return rows.tolist()


def text(rows: list[list[float]], loop: str = "none") -> str:
    return json.dumps({"Loop": loop, "Frames": rows})


def test_kinematics_in_the_sources_own_axes_agree():
    # The canonical bones, laid along DeepMimic's axes (y up, z right), carried by DeepMimic's own rotations.
    rows = frames()
    clip = deepmimic.read(text(rows), "random")
    positions, _ = forward(clip.root, clip.rotations)
    offset = dict(zip(NAMES, OFFSETS[:, [0, 2, 1]] * np.array([1, 1, -1]), strict=True))
    for row, ours in zip(rows, positions, strict=True):
        place = {None: np.array(row[1:4]) * deepmimic.SCALE}
        turn = {None: Rotation.from_quat(row[4:8], scalar_first=True)}
        at = 8
        for joint, parent, width in CHAIN:
            own = row[at : at + width]
            local = Rotation.from_quat(own, scalar_first=True) if width == 4 else Rotation.from_rotvec([0, 0, own[0]])
            place[joint] = place[parent] + turn[parent].apply(offset[joint])
            turn[joint] = turn[parent] * local
            at += width
            np.testing.assert_allclose(ours[INDEX[joint]], place[joint][[0, 2, 1]] * [1, -1, 1], atol=5e-6)


def test_quaternions_of_any_length_are_normalised():
    rows = np.array(frames())
    longer = rows.copy()
    longer[:, 4:8] *= 1.42
    longer[:, 39:43] *= 0.6
    np.testing.assert_allclose(
        deepmimic.read(text(longer.tolist()), "long").rotations,
        deepmimic.read(text(rows.tolist()), "unit").rotations,
        atol=1e-6,
    )


def test_unequal_durations_become_equal():
    # Position is time itself, so that whatever the durations it must stay linear.
    durations = [0.05, 0.05, 0.1, 0.05, 0.05, 0.05, 0.1, 0.05, 0.0]
    rows = np.array(frames(len(durations)))
    rows[:, 0] = durations
    rows[:, 1] = np.concatenate([[0], np.cumsum(durations[:-1])])
    clip = deepmimic.read(text(rows.tolist()), "uneven")
    assert clip.seconds == pytest.approx(0.5)
    np.testing.assert_allclose(clip.root[:, 0] / deepmimic.SCALE, np.arange(len(clip)) / clip.fps, atol=1e-6)


def test_real_cycles_unroll_without_a_jump(embedded_folder):
    for name in ("walk", "run", "spinkick", "jump"):
        source = (embedded_folder / f"humanoid3d_{name}.txt").read_text()
        clip = resample(deepmimic.read(source, name))
        assert clip.cyclic
        long = unroll(clip, 4 * clip.seconds)
        turn = np.sum(long.rotations[1:] * long.rotations[:-1], -1)
        step = 2 * np.arccos(np.clip(np.abs(turn), 0, 1)).max(1)
        travel = np.linalg.norm(np.diff(long.root, axis=0), axis=1)
        period, seam = len(clip) - 1, np.arange(1, len(long)) % (len(clip) - 1) <= 5
        assert len(long) == 4 * period + 1
        # 58 degrees are led back within 5 frames: up to 1.5 times their mean, on top of the motion itself.
        assert step[seam].max() < step[: period - 5].max() + np.radians(1.5 * 58 / 5)
        assert travel.max() < 1.05 * travel[:period].max() + 1e-3
        np.testing.assert_allclose(long.root[period::period, 2], clip.root[0, 2], atol=1e-5)
        np.testing.assert_allclose(
            quaternion.conjugate(long.rotations[period, 1:]) @ [1, 0, 0, 0], long.rotations[0, 1:, 0], atol=1e-4
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[:1], "1 frame"),
        (lambda rows: [], "0 frame"),
        (lambda rows: [*rows[:3], rows[3][:-1], *rows[4:]], "frame 3 has 43 numbers"),
        (lambda rows: [*rows[:3], [np.nan, *rows[3][1:]], *rows[4:]], "frame 3 holds NaN"),
        (lambda rows: [*rows[:3], [0.0, *rows[3][1:]], *rows[4:]], "frame 3 lasts 0 s"),
        (lambda rows: [*rows[:3], [-0.1, *rows[3][1:]], *rows[4:]], "frame 3 lasts -0.1 s"),
        (lambda rows: [*rows[:3], [*rows[3][:4], 0, 0, 0, 0, *rows[3][8:]], *rows[4:]], "frame 3 holds a quaternion"),
        (lambda rows: [*rows[:3], ["x", *rows[3][1:]], *rows[4:]], "not a number"),
    ],
)
def test_a_bad_file_is_refused_by_name(change, message):
    with pytest.raises(DataError, match=message) as caught:
        deepmimic.read(text(change(frames())), "the_bad_one")
    assert "the_bad_one" in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", "{}", '{"Frames": 3}', text(frames())[:500], '{"Frames": [3]}'])
def test_what_is_no_motion_is_refused(content):
    with pytest.raises(DataError, match="the_bad_one"):
        deepmimic.read(content, "the_bad_one")
