import numpy as np
import pytest
from test_bvh import ARM, bandai

from selfloop.domains.motion.data import quaternion, retarget
from selfloop.domains.motion.data.clip import canonical, forward, lowest
from selfloop.domains.motion.data.formats import bvh
from selfloop.domains.motion.data.skeleton import INDEX, J
from selfloop.errors import DataError

BONES = (
    ("UpperArm_", "LowerArm_", "shoulder"),
    ("LowerArm_", "Hand_", "elbow"),
    ("UpperLeg_", "LowerLeg_", "hip"),
    ("LowerLeg_", "Foot_", "knee"),
)


@pytest.mark.parametrize("ending", ["_run_active_", "_wave-right-hand_feminine_", "_walk-turn-left_elderly_"])
def test_limbs_point_as_the_sources_do(data_folder, ending):
    parsed = bvh.parse(bandai(data_folder, ending))
    places = bvh.positions(parsed) @ retarget.AXES.T
    clip = retarget.from_bvh(parsed, ending)
    _, world = forward(clip.root, clip.rotations)
    for start, end, joint in BONES:
        for letter, side in (("L", "left"), ("R", "right")):
            bone = places[:, parsed.names.index(end + letter)] - places[:, parsed.names.index(start + letter)]
            bone /= np.linalg.norm(bone, axis=1, keepdims=True)
            ours = quaternion.rotate(world[:, INDEX[f"{side}_{joint}"]], np.array([0, 0, -1], np.float32))
            assert np.linalg.norm(ours - bone, axis=1).max() < np.radians(0.2)


def test_a_standing_figure_is_upright_with_flat_feet_and_looks_ahead(data_folder):
    # A wave that begins and ends standing still.
    clip = canonical(retarget.from_bvh(bvh.parse(bandai(data_folder, "_wave-left-hand_normal_")), "wave"))
    positions, world = forward(clip.root[-1:], clip.rotations[-1:])
    axes = quaternion.to_matrix(world[0])
    for joint in ("pelvis", "chest", "left_ankle", "right_ankle", "left_toe", "right_toe"):
        assert axes[INDEX[joint], 2, 2] > np.cos(np.radians(15)), joint
    assert axes[INDEX["neck"], 2, 2] > np.cos(np.radians(20))
    for side, sign in (("left", 1), ("right", -1)):
        assert positions[0, INDEX[f"{side}_hip"], 1] * sign > 0.05
        assert positions[0, INDEX[f"{side}_elbow"], 2] < positions[0, INDEX[f"{side}_shoulder"], 2] - 0.2
        assert positions[0, INDEX[f"{side}_ankle"], 2] == pytest.approx(0.085, abs=0.01)
    assert abs(lowest(clip)[-1]) < 0.01


def test_a_walk_goes_forward_and_the_named_hand_waves(data_folder):
    walk = canonical(retarget.from_bvh(bvh.parse(bandai(data_folder, "_walk_normal_")), "walk"))
    # The walk may follow a circle: each step is compared with where the pelvis faces.
    facing = quaternion.rotate(walk.rotations[:-1, 0], np.array([1, 0, 0], np.float32))
    assert np.mean(np.sum(np.diff(walk.root, axis=0) * facing, 1)) * walk.fps > 0.5
    wave = canonical(retarget.from_bvh(bvh.parse(bandai(data_folder, "_wave-left-hand_normal_")), "wave"))
    positions, _ = forward(wave.root, wave.rotations)
    rise = positions[:, [INDEX["left_elbow"], INDEX["right_elbow"]], 2].max(0) - positions[:, INDEX["chest"], 2].max()
    assert rise[0] > 0.2
    assert rise[1] < 0.1


def test_hinges_turn_about_y_only(data_folder):
    clip = retarget.from_bvh(bvh.parse(bandai(data_folder, "_run_normal_")), "run")
    hinges = [INDEX[f"{side}_{joint}"] for side in ("left", "right") for joint in ("knee", "elbow", "toe")]
    np.testing.assert_allclose(clip.rotations[:, hinges][..., [1, 3]], 0, atol=1e-7)
    angle = {name: quaternion.hinge_angle(clip.rotations[:, INDEX[name]], "y") for name in ("left_knee", "right_elbow")}
    assert angle["left_knee"].max() > 1.0
    assert angle["left_knee"].min() > -0.1
    assert angle["right_elbow"].min() < -1.0
    assert angle["right_elbow"].max() < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_elbow_does_the_forearm_keeps_its_direction(seed):
    world = np.random.default_rng(seed).normal(size=(200, J, 4))
    world /= np.linalg.norm(world, axis=-1, keepdims=True)
    turns = retarget.local(world)
    _, ours = forward(np.zeros((200, 3)), turns)
    down = np.array([0.0, 0.0, -1.0])
    for side in ("left", "right"):
        wanted = quaternion.rotate(world[:, INDEX[f"{side}_elbow"]], down)
        # The softness of the twist, 0.05 rad.
        assert np.linalg.norm(quaternion.rotate(ours[:, INDEX[f"{side}_elbow"]], down) - wanted, axis=1).max() < 0.051
        upper = INDEX[f"{side}_shoulder"]
        np.testing.assert_allclose(
            quaternion.rotate(ours[:, upper], down), quaternion.rotate(world[:, upper], down), atol=1e-9
        )


def test_an_unknown_skeleton_is_refused_with_what_is_known():
    with pytest.raises(DataError, match="arm.bvh: left_shoulder.*not found.*bandai-namco.*map.toml"):
        retarget.from_bvh(bvh.parse(ARM), "arm.bvh")
