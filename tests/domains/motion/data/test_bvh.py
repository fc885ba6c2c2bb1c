import zipfile

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import quaternion, retarget, skeleton
from selfloop.domains.motion.data.clip import forward, to_motion
from selfloop.domains.motion.data.formats import bvh
from selfloop.errors import DataError

ARM = """HIERARCHY
ROOT base
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Yrotation Xrotation Zrotation
  JOINT upper arm
  {
    OFFSET 0 10 0
    CHANNELS 3 Xrotation Zrotation Yrotation
    JOINT hand
    {
      OFFSET 0 0 5
      CHANNELS 4 Zposition Zrotation Yposition Yrotation
      End Site
      {
        OFFSET 0 0 1
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.04
0 0 0 0 0 0 0 0 0 5 0 0 0
4 5 6 10 20 30 40 50 60 7 70 8 80
"""


def bandai(folder, ending: str) -> str:
    """The text of the first clip whose name holds ``ending``."""
    with zipfile.ZipFile(folder / "bandai-namco" / "bandai-namco-motion-2-subset256.zip") as archive:
        return archive.read(next(name for name in archive.namelist() if ending in name)).decode()


def test_every_channel_order_and_positions_that_replace_the_offset():
    parsed = bvh.parse(ARM)
    assert parsed.names == ("base", "upper arm", "hand")
    assert parsed.parents == (-1, 0, 1)
    assert parsed.ends == {2: (0.0, 0.0, 1.0)}
    assert parsed.fps == pytest.approx(25)
    base = Rotation.from_euler("YXZ", [10, 20, 30], degrees=True)
    arm = base * Rotation.from_euler("XZY", [40, 50, 60], degrees=True)
    places = [np.array([4, 5, 6.0])]
    places.append(places[0] + base.apply([0, 10, 0]))
    places.append(places[1] + arm.apply([0, 8, 7]))
    np.testing.assert_allclose(bvh.positions(parsed)[1], places, atol=1e-12)
    hand = arm * Rotation.from_euler("ZY", [70, 80], degrees=True)
    np.testing.assert_allclose(quaternion.to_matrix(bvh.forward(parsed)[1][1, 2]), hand.as_matrix(), atol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_a_real_clips_joints_are_those_of_an_independent_reader(data_folder, tmp_path):
    bvhio = pytest.importorskip("bvhio", reason="the independent reader comes with the extra `test`")
    text = bandai(data_folder, "dataset-2_run_normal")
    parsed = bvh.parse(text)
    (tmp_path / "run.bvh").write_text(text)
    tree = bvhio.readAsHierarchy(str(tmp_path / "run.bvh"))
    places = bvh.positions(parsed)
    for frame in (0, len(places) // 2, len(places) - 1):
        tree.loadPose(frame)
        theirs = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in tree.layout()}
        ours = dict(zip(parsed.names, places[frame], strict=True))
        assert set(theirs) == set(ours)
        for name, place in ours.items():
            # Centimetres; the other reader works in float32, over positions of up to 550 cm.
            np.testing.assert_allclose(theirs[name], place, atol=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_written_and_read_back_a_motion_is_the_same(wander, tmp_path, seed):
    clip = wander(seed, fps=24.0)
    bvh.write(tmp_path / "clip.bvh", clip)
    back = retarget.from_bvh(bvh.parse((tmp_path / "clip.bvh").read_text()), clip.name, clip.label)
    assert back.fps == pytest.approx(24.0, rel=1e-8)
    # Six decimals of centimetres and degrees.
    np.testing.assert_allclose(back.root, clip.root, atol=1e-6)
    places = [forward(each.root, each.rotations)[0] for each in (clip, back)]
    np.testing.assert_allclose(*places, atol=3e-6)


@pytest.mark.filterwarnings("ignore")
def test_an_independent_reader_opens_what_is_written(wander, tmp_path):
    bvhio = pytest.importorskip("bvhio", reason="the independent reader comes with the extra `test`")
    clip = wander(3)
    bvh.write(tmp_path / "motion.bvh", to_motion(clip), fps=clip.fps)
    tree = bvhio.readAsHierarchy(str(tmp_path / "motion.bvh"))
    tree.loadPose(11)
    theirs = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in tree.layout()}
    places = forward(clip.root, clip.rotations)[0][11]
    for name, place in zip(skeleton.NAMES, places, strict=True):
        np.testing.assert_allclose(theirs[name] / 100, place[[1, 2, 0]], atol=1e-5)


def test_a_pose_at_the_singularity_of_the_written_angles_survives(wander, tmp_path):
    clip = wander(4, frames=3)
    clip.rotations[:, 1:] = quaternion.IDENTITY
    # About the file's x axis, which is the canonical y axis.
    clip.rotations[:, 3] = quaternion.multiply(
        quaternion.about_axis("x", np.float32(0.7)), quaternion.about_axis("y", np.float32(np.pi / 2))
    )
    bvh.write(tmp_path / "up.bvh", clip)
    back = retarget.from_bvh(bvh.parse((tmp_path / "up.bvh").read_text()), "up")
    np.testing.assert_allclose(forward(back.root, back.rotations)[0], forward(clip.root, clip.rotations)[0], atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MOTION", "", "no MOTION"),
        ("ROOT base", "ROT base", "malformed hierarchy"),
        ("  }\n}\nMOTION", "  }\nMOTION", "malformed hierarchy"),
        ("Xposition", "Wposition", "malformed hierarchy"),
        ("OFFSET 0 10 0", "OFFSET 0 10", "malformed hierarchy"),
        ("OFFSET 0 10 0", "OFFSET 0 nan 0", "malformed hierarchy"),
        ("Frames: 2", "Frames: two", "two numbers"),
        ("Frames: 2", "Frames: 3", "26 numbers for 3 frames"),
        ("Frames: 2", "Frames: 0", "at least 2 frames"),
        ("Frame Time: 0.04", "Frame Time: 0", "must be positive"),
        ("Frame Time: 0.04", "Frame Time: -0.04", "must be positive"),
        ("Frame Time: 0.04", "Frame Time: nan", "must be positive"),
        ("Frame Time: 0.04", "Frame Time:", "two numbers"),
        ("Frame Time: 0.04", "", "'Frame Time:' line"),
        ("60 7 70 8 80", "60 7 70 8", "25 numbers for 2 frames of 13 channels"),
        ("60 7 70 8 80", "60 7 70 8 80 90", "27 numbers"),
        ("60 7 70 8 80", "60 7 70 8 nan", "frame 1 holds NaN"),
        ("60 7 70 8 80", "60 7 70 8 x", "not a number"),
    ],
)
def test_a_bad_file_is_refused_by_name(old, new, message):
    assert old in ARM
    with pytest.raises(DataError, match=message) as caught:
        bvh.parse(ARM.replace(old, new), "the_bad_one.bvh")
    assert "the_bad_one.bvh" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_is_refused():
    with pytest.raises(DataError, match="no MOTION"):
        bvh.parse("", "empty.bvh")
