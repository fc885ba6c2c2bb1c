"""BVH of many tools, made from real motion: what is read lies where the source's own forward kinematics says."""

import functools

import numpy as np
import pytest
from skeletons import CONVENTIONS, source, written

from selfloop.domains.motion.data import bones, datasets, joint_names, quaternion, retarget
from selfloop.domains.motion.data.clip import forward
from selfloop.domains.motion.data.formats import bvh
from selfloop.domains.motion.data.skeleton import INDEX, NAMES
from selfloop.errors import DataError

MOST = 0.040
"""Median distance (m) of the 15 joints from the source's own, over frames and clips."""
CLIPS = ("walk", "dance_b", "punch", "getup_facedown")


@functools.cache
def real() -> dict:
    return {clip.name: clip for clip in datasets.load() if clip.name in CLIPS}


def errors(name: str, kind: str) -> tuple[np.ndarray, retarget.Understood, np.ndarray]:
    """Distances [T, 15] (m) of the canonical joints from the source's, scaled by its legs; limbs' (degrees)."""
    clip = real()[name]
    made, about = retarget.understood(bvh.parse(written(clip, kind)), name)
    joints, places = source(clip, kind)
    at = {joint.role: places[:, i] for i, joint in enumerate(joints)}
    bone = lambda s, a, b: np.linalg.norm(at[f"{s}_{a}"] - at[f"{s}_{b}"], axis=-1).mean()  # noqa: E731
    leg = np.mean([bone(s, "hip", "knee") + bone(s, "knee", "ankle") for s in ("left", "right")])
    hips = (at["left_hip"] + at["right_hip"]) / 2
    spine = [places[:, i] for i, joint in enumerate(joints) if joint.role == "chest"]
    wanted = at | {"pelvis": hips, "neck": next(places[:, i] for i, j in enumerate(joints) if j.role == "neck")}
    wanted["chest"] = min(spine, key=lambda p: abs(np.linalg.norm(p - hips, axis=-1).mean() * bones.LEG / leg - 0.15))
    truth = np.stack([wanted[joint] for joint in NAMES], 1) * bones.LEG / leg
    ours, world = forward(made.root, made.rotations)
    # The file's world has any heading: a quarter turn about z.
    turns = [quaternion.about_axis("z", np.array(k * np.pi / 2)) for k in range(4)]
    turned = min(
        (quaternion.rotate(turn, truth) for turn in turns), key=lambda p: np.linalg.norm(p - ours, axis=-1).mean()
    )
    limbs = []
    for a, b in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow")):
        for side in ("left", "right"):
            i, j = INDEX[f"{side}_{a}"], INDEX[f"{side}_{b}"]
            limbs.append(
                np.linalg.norm(bones.unit(turned[:, j] - turned[:, i]) - bones.unit(ours[:, j] - ours[:, i]), axis=-1)
            )
    return np.linalg.norm(ours - turned, axis=-1), about, np.degrees(np.stack(limbs))


@pytest.mark.parametrize("kind", CONVENTIONS)
def test_joints_lie_where_the_source_has_them(kind):
    distance, limbs = [], []
    for name in CLIPS if kind != "lafan1" else CLIPS[:-1]:  # a getup alone does not say where up is
        far, about, directions = errors(name, kind)
        distance.append(far)
        limbs.append(directions)
        assert about.up == ("z" if kind in ("smpl", "blender") else "y")
    assert about.skeleton == {"blender": "other"}.get(kind, kind)
    assert about.unit == {"cmu": "CMU's (5.644 cm)", "optitrack": "m", "smpl": "m", "blender": "m"}.get(kind, "cm")
    every = np.concatenate(distance)
    per = ", ".join(
        f"{joint} {1000 * np.median(every[:, j]):.0f}" for joint, j in INDEX.items() if "right" not in joint
    )
    turned = np.percentile(np.concatenate(limbs, 1), 95)
    print(f"\n{kind}: median {1000 * np.median(every):.1f} mm, limbs {turned:.1f} deg (95 %); {per}")
    assert np.median(every) < MOST
    # Directions of limb bones are copied: what differs is a knee that is no hinge in the source.
    assert np.median(np.concatenate(limbs, 1)) < 1.0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["lafan1", "smpl", "bandai-namco"])
def test_the_sources_places_are_an_independent_readers(kind, tmp_path):
    bvhio = pytest.importorskip("bvhio", reason="the independent reader comes with the extra `test`")
    clip = real()["walk"]
    (tmp_path / "walk.bvh").write_text(written(clip, kind))
    joints, places = source(clip, kind)
    tree = bvhio.readAsHierarchy(str(tmp_path / "walk.bvh"))
    tree.loadPose(7)
    theirs = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in tree.layout()}
    how = CONVENTIONS[kind]
    for joint, place in zip(joints, places[7], strict=True):
        np.testing.assert_allclose(theirs[joint.name] * how.unit, how.axes @ place, atol=1e-4)


def test_where_nothing_says_what_is_up_the_file_is_refused_and_a_map_says_it():
    text = bvh.parse(written(real()["getup_facedown"], "lafan1"))
    with pytest.raises(DataError, match="no axis points up.*map.toml"):
        retarget.from_bvh(text, "getup")
    given = joint_names.find(text.names, "getup")
    names = {role: text.names[j] for role, j in given.index.items()}
    made, about = retarget.understood(text, "getup", given=joint_names.Map("map.toml", names, "y"))
    assert (about.skeleton, about.up) == ("map.toml", "y")
    assert np.median(made.root[-5:, 2] - made.root[:5, 2]) > 0.5


def test_names_are_found_whatever_their_spelling():
    for names in (
        ("Hips", "LeftUpLeg", "RightUpLeg", "lowerback", "Lefty"),
        ("a:Hips", "a:Left_UpLeg", "a:Right_UpLeg", "a:lowerback", "a:Lefty"),
        ("Bip Hips", "Bip UpLeg L", "Bip UpLeg R", "Bip lowerback", "Bip Lefty"),
    ):
        found = joint_names.plain(names)
        assert found[:4] == [("", "hips"), ("left", "upleg"), ("right", "upleg"), ("", "lowerback")]
        assert found[4] == ("", "lefty")
