import io

import numpy as np
import pytest

from selfloop.domains.motion.data import quaternion, retarget
from selfloop.domains.motion.data.clip import forward
from selfloop.domains.motion.data.formats import humanml3d
from selfloop.domains.motion.data.skeleton import INDEX
from selfloop.errors import DataError


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def test_positions_are_the_stored_ones(data_folder):
    features = np.load(data_folder / "humanml3d" / "012314_vecs.npy")
    stored = np.load(data_folder / "humanml3d" / "012314_joints.npy")
    np.testing.assert_allclose(humanml3d.joints(features), stored, atol=1e-5)


def test_limbs_point_as_the_stored_joints_do(data_folder):
    clip = humanml3d.read((data_folder / "humanml3d" / "012314_vecs.npy").read_bytes(), "012314")
    places = np.load(data_folder / "humanml3d" / "012314_joints.npy") @ retarget.AXES.T
    _, world = forward(clip.root, clip.rotations)
    bones = {"left_shoulder": (16, 18), "left_elbow": (18, 20), "right_shoulder": (17, 19), "right_elbow": (19, 21),
             "left_hip": (1, 4), "left_knee": (4, 7), "right_hip": (2, 5), "right_knee": (5, 8)}  # fmt: skip
    for joint, (start, end) in bones.items():
        bone = places[:, end] - places[:, start]
        bone /= np.linalg.norm(bone, axis=1, keepdims=True)
        ours = quaternion.rotate(world[:, INDEX[joint]], np.array([0, 0, -1], np.float32))
        # Knees and elbows give up to the softness of 0.05 rad; upper bones nothing.
        assert np.linalg.norm(ours - bone, axis=1).max() < (0.051 if joint.endswith(("knee", "elbow")) else 2e-3), joint
    assert clip.fps == 20


def test_a_standing_figure_from_positions_is_the_canonical_rest_pose():
    place = np.zeros((2, 22, 3))
    for y, at in ((1, humanml3d._LEFT), (-1, humanml3d._RIGHT)):
        slope = np.radians(humanml3d._SLOPES["foot"])
        place[:, at["hip"]] = 0, 0.085 * y, 0.9
        place[:, at["knee"]] = 0, 0.085 * y, 0.49
        place[:, at["ankle"]] = 0, 0.085 * y, 0.08
        place[:, at["toe"]] = place[:, at["ankle"]] + 0.14 * np.array([np.cos(slope), 0, -np.sin(slope)])
        place[:, at["shoulder"]] = 0.06, 0.16 * y, 1.3
        place[:, at["elbow"]] = 0.06, 0.16 * y, 1.03
        place[:, at["wrist"]] = 0.06, 0.16 * y, 0.76
    place[:, 0] = 0, 0, 0.94
    for joint, below, slope, length in (
        (3, np.array([0, 0, 0.9]), "pelvis", 0.2),
        (12, 3, "chest", 0.4),
        (15, 12, "neck", 0.1),
    ):
        angle = np.radians(humanml3d._SLOPES[slope])
        base = place[:, below] if isinstance(below, int) else below
        place[:, joint] = base + length * np.array([np.sin(angle), 0, np.cos(angle)])
    clip = humanml3d.from_positions(place, "rest", "stand")
    np.testing.assert_allclose(np.abs(clip.rotations[..., 0]), 1, atol=1e-6)
    np.testing.assert_allclose(clip.root[0], [0, 0, 0.9], atol=1e-6)


def test_statistics_and_positions_are_passed_over():
    for shape in ((263,), (10, 22, 3)):
        assert humanml3d.read(saved(np.zeros(shape, np.float32)), "other") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a complete"),
        (saved(np.zeros((9, 263), np.float32))[:2000], "not a complete"),
        (saved(np.array([{}], dtype=object)), "not a complete"),
        (saved(np.zeros((9, 262), np.float32)), r"\(9, 262\)"),
        (saved(np.zeros((9, 263), np.int32)), "int32"),
        (saved(np.zeros((1, 263), np.float32)), "1 frame"),
        (saved(np.full((9, 263), np.inf, np.float32)), "frame 0 holds NaN"),
    ],
)
def test_a_bad_file_is_refused_by_name(content, message):
    with pytest.raises(DataError, match=message) as caught:
        humanml3d.read(content, "the_bad_one")
    assert "the_bad_one" in str(caught.value)
