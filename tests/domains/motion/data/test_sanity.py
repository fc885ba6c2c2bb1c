"""Inputs that mean another thing than they seem to: read rightly, or refused in one line that says what to do."""

import re
import warnings

import numpy as np
import pytest
from skeletons import written
from test_deepmimic import standing, text
from test_humanml3d import saved

from selfloop.domains.motion.data import datasets, inspection, kin, labels, plausible, splits
from selfloop.domains.motion.data.clip import Clip, forward, mirror
from selfloop.domains.motion.data.formats import bvh
from selfloop.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def walk() -> Clip:
    return next(clip for clip in datasets.load() if clip.name == "walk")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def joints(clip: Clip) -> np.ndarray:
    return forward(clip.root, clip.rotations)[0]


def alike(a: Clip, b: Clip, most: float = 0.02) -> bool:
    return len(a) == len(b) and float(np.abs(joints(a) - joints(b)).max()) < most


def rewritten(content: str, change) -> str:
    """A BVH file of the canonical figure whose OFFSETs and places [..., 3] are changed."""
    head, _, motion = content.partition("MOTION")
    lines = [
        line.split("OFFSET")[0] + "OFFSET " + " ".join(f"{v:.6f}" for v in change(np.array(line.split()[1:], float)))
        if "OFFSET" in line
        else line
        for line in head.splitlines()
    ]
    top, rows = motion.split("\n", 3)[:3], [np.array(row.split(), float) for row in motion.split("\n")[3:] if row]
    rows = [" ".join(f"{v:.6f}" for v in [*change(row[:3]), *row[3:]]) for row in rows]
    return "\n".join([*lines, "MOTION", *top[1:], *rows]) + "\n"


@pytest.mark.parametrize("scale", [0.01, 10.0, 1 / 2.54], ids=["metres", "millimetres", "inches"])
def test_the_unit_is_found(walk, folder, scale):
    bvh.write(folder / "walk.bvh", walk)
    (right,) = datasets.load(folder)
    text = (folder / "walk.bvh").read_text()
    (folder / "walk.bvh").write_text(rewritten(text, lambda v: v * scale))
    assert alike(datasets.load(folder)[0], right, 1e-3)


def test_z_up_is_found(walk, folder):
    """The same rotations with axes renamed: x, y, z of the file are y, z, x of the new one."""
    bvh.write(folder / "walk.bvh", walk)
    (right,) = datasets.load(folder)
    text = rewritten((folder / "walk.bvh").read_text(), lambda v: v[[2, 0, 1]])
    text = re.sub("([XYZ])rotation", lambda axis: {"X": "Y", "Y": "Z", "Z": "X"}[axis[1]] + "rotation", text)
    (folder / "walk.bvh").write_text(text)
    assert alike(datasets.load(folder)[0], right, 1e-3)


@pytest.mark.parametrize("space", ["actor:", "scene|actor:", "Bip01 "])
def test_name_spaces_do_not_matter(walk, folder, space):
    bvh.write(folder / "walk.bvh", walk)
    (right,) = datasets.load(folder)
    text = (folder / "walk.bvh").read_text()
    (folder / "walk.bvh").write_text(text.replace("JOINT ", f"JOINT {space}").replace("ROOT ", f"ROOT {space}"))
    assert alike(datasets.load(folder)[0], right)


def test_position_channels_that_are_differences_are_added(walk, folder):
    (folder / "walk.bvh").write_text(written(walk, "bandai-namco"))
    (right,) = datasets.load(folder)
    parsed = bvh.parse(written(walk, "bandai-namco"))
    moved = parsed.translations[:, 1:] - parsed.offsets[None, 1:]
    lines = written(walk, "bandai-namco").split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith("Frame Time")) + 1
    for t, line in enumerate(lines[start : start + len(walk)]):
        row = np.array(line.split(), float).reshape(-1, 6)
        row[1:, :3] = moved[t]
        lines[start + t] = " ".join(f"{v:.6f}" for v in row.ravel())
    (folder / "walk.bvh").write_text("\n".join(lines))
    assert alike(datasets.load(folder)[0], right, 1e-3)


def test_bones_of_no_length_are_refused(walk, folder):
    bvh.write(folder / "walk.bvh", walk)
    (folder / "walk.bvh").write_text(rewritten((folder / "walk.bvh").read_text(), lambda v: v * 0))
    with pytest.raises(DataError, match="walk.*no length"):
        datasets.load(folder)


def test_another_rest_pose_under_known_names_is_no_knot(walk, folder):
    """Bandai-Namco's names over a pose that stands, and over its own."""
    (folder / "walk.bvh").write_text(written(walk, "bandai-namco"))
    (right,) = datasets.load(folder)
    from skeletons import CONVENTIONS

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONVENTIONS, "bandai-namco", CONVENTIONS["bandai-namco"]._replace(rest="T"))
        (folder / "walk.bvh").write_text(written(walk, "bandai-namco"))
    assert alike(datasets.load(folder)[0], right, 0.06)


def test_two_people_are_two_clips_of_one_role(walk, folder):
    one = written(walk, "mixamo")
    head, _, motion = one.partition("MOTION")
    rows = motion.split("\n")
    rows[3:-1] = [f"{row} {row}" for row in rows[3:-1]]
    prop = "ROOT ball\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
    (folder / "pair.bvh").write_text(head + head.removeprefix("HIERARCHY\n") + "MOTION" + "\n".join(rows))
    first, second = datasets.load(folder)
    assert (first.name, second.name) == ("pair_person1", "pair_person2")
    assert len([part for part in splits.split([first, second]).values() if part]) == 1
    rows = motion.split("\n")
    rows[3:-1] = [f"{row} 0 0 0" for row in rows[3:-1]]
    (folder / "pair.bvh").write_text(head + prop + "MOTION" + "\n".join(rows))
    assert len(datasets.load(folder)) == 1


def test_root_and_bones_in_different_units_are_refused(walk, folder):
    content = written(walk, "mixamo")
    head, _, motion = content.partition("MOTION")
    rows = motion.split("\n")
    rows[3:-1] = [
        " ".join([*(f"{float(v) / 100:.6f}" for v in row.split()[:3]), *row.split()[3:]]) for row in rows[3:-1]
    ]
    (folder / "walk.bvh").write_text(head + "MOTION" + "\n".join(rows))
    with pytest.raises(DataError, match="different units.*multiply the root's positions by 100"):
        datasets.load(folder)


def test_left_and_right_exchanged_are_refused(walk, folder):
    content = written(walk, "mixamo").replace("Left", "#").replace("Right", "Left").replace("#", "Right")
    (folder / "walk.bvh").write_text(content)
    with pytest.raises(DataError, match="toes point backwards.*left and right are exchanged"):
        datasets.load(folder)


def test_quaternions_of_another_order_are_refused(folder):
    rows = np.array(standing())
    for at in (4, 8, 12, 16, 21, 25, 30, 35, 39):
        rows[:, at : at + 4] = rows[:, [at + 1, at + 2, at + 3, at]]
    (folder / "humanoid3d_walk.txt").write_text(text(rows.tolist()))
    with pytest.raises(DataError, match="xyzw.*write them as wxyz"):
        datasets.load(folder)


def test_a_cycle_that_does_not_close_is_none(folder):
    rows = np.array(standing(20))
    (folder / "humanoid3d_sway.txt").write_text(text(rows.tolist(), "wrap"))
    angle = np.linspace(0, np.pi / 2, 20)
    rows[:, 4:8] = np.stack([np.cos(angle / 2), 0 * angle, 0 * angle, -np.sin(angle / 2)], 1)
    rows[:, 2] = np.linspace(0.89, 0.2, 20)
    (folder / "humanoid3d_fall.txt").write_text(text(rows.tolist(), "wrap"))
    assert {clip.name: clip.cyclic for clip in datasets.load(folder)} == {"sway": True, "fall": False}


PLACES = {"hip": (0.09, 0.9, 0), "knee": (0.09, 0.48, 0.02), "ankle": (0.09, 0.08, 0), "toe": (0.09, 0.03, 0.13),
          "shoulder": (0.17, 1.35, 0), "elbow": (0.2, 1.08, -0.02), "wrist": (0.2, 0.83, 0.03)}  # fmt: skip


def features(frames: int = 40, seed: int = 0, speed: float = 0.05) -> np.ndarray:
    """HumanML3D features of somebody who stands, sways and is carried forward."""
    from selfloop.domains.motion.data.formats import humanml3d

    random, place = np.random.default_rng(seed), np.zeros((frames, 22, 3))
    for x, at in ((1, humanml3d._LEFT), (-1, humanml3d._RIGHT)):
        for part, spot in PLACES.items():
            place[:, at[part]] = np.array(spot) * [x, 1, 1]
    for j, spot in {
        0: (0, 0.94, 0),
        3: (0, 1.05, 0),
        6: (0, 1.2, 0),
        9: (0, 1.25, 0),
        12: (0, 1.42, 0),
        15: (0, 1.52, 0.05),
    }.items():
        place[:, j] = spot
    place += (
        0.02 * np.sin(np.linspace(0, 6, frames) + random.uniform(0, 6))[:, None, None] * random.normal(size=(22, 3))
    )
    x = np.zeros((frames, 263), np.float32)
    x[:, 2], x[:, 3], x[:, 4:67] = speed, place[:, 0, 1], place[:, 1:].reshape(frames, 63)
    return x


def test_standardised_features_are_refused(folder):
    x = features()
    (folder / "000001.npy").write_bytes(saved(x))
    assert len(datasets.load(folder)) == 1
    random = np.random.default_rng(0)
    (folder / "000001.npy").write_bytes(saved(random.normal(size=x.shape).astype(np.float32)))
    with pytest.raises(DataError, match="000001.*plausible"):
        datasets.load(folder)


def test_humanml3d_brings_texts_and_mirrors_in_their_originals_role(folder):
    for name in ("new_joint_vecs", "texts"):
        (folder / name).mkdir()
    for seed, number in enumerate(("000007", "000008")):
        (folder / "new_joint_vecs" / f"{number}.npy").write_bytes(saved(features(seed=seed)))
        (folder / "new_joint_vecs" / f"M{number}.npy").write_bytes(saved(features(seed=seed)))
    lines = "somebody hops.#somebody/NOUN hop/VERB#0.0#0.0\na person jumps#a/DET#nan#nan\nthen rests#then#2.0#3.0\n"
    (folder / "texts" / "000007.txt").write_text(lines)
    (folder / "LICENSE.txt").write_bytes("Urheber: Müller".encode("latin-1"))
    (folder / "README").write_text("no motion")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = {clip.name: clip for clip in datasets.load(folder)}
    assert sorted(clips) == ["000007", "000008", "M000007", "M000008"]
    assert clips["000007"].texts == ("somebody hops.", "a person jumps")
    assert clips["000007"].caption == "somebody hops"
    assert clips["000008"].texts == ()
    for number in range(5000):
        assert splits.role(f"M{number:06d}") == splits.role(f"{number:06d}")
    assert splits.original("Macarena") == "Macarena"


def test_mirror_images_and_copies_are_found_by_content(walk):
    from dataclasses import replace

    clips = datasets.load()
    others = [replace(mirror(walk), name="another"), replace(walk, name="walk_copy")]
    found = {clip.name: clip.origin for clip in kin.related(sorted([*clips, *others], key=lambda clip: clip.name))}
    assert found["walk"] == found["walk_copy"] == "another"
    assert all(not origin for name, origin in found.items() if name not in ("walk", "walk_copy"))
    parts = splits.split(kin.related([*clips, *others]))
    assert (
        len([title for title, part in parts.items() if {"walk", "another", "walk_copy"} & {c.name for c in part}]) == 1
    )


def test_names_of_sets_are_no_labels():
    for name in ("sie_humanoid3d_run_left00", "humanoid3d_run_left03", "x_humanoid3d_run_left"):
        assert labels.of_deepmimic(name) == "run_left"
    assert labels.without_set("sie_humanoid3d_run_left00") == "sie_run_left00"
    assert labels.without_set("humanoid3d_walk") == "walk"


def test_limits_for_archives_do_not_apply_to_a_folder(folder, monkeypatch):
    from selfloop.domains.motion.data import archive

    for name in ("MAX_MEMBERS", "MAX_MEMBER_BYTES", "MAX_TOTAL_BYTES"):
        monkeypatch.setattr(archive, name, 1)
    for seed in range(3):
        (folder / f"humanoid3d_walk{seed}.txt").write_text(text(standing(seed=seed)))
    assert len(datasets.load(folder)) == 3


def test_a_large_set_lies_on_disk(folder, monkeypatch):
    """Clips of a set that is kept are views of a file, in pieces, while it is read and after."""
    monkeypatch.setattr(datasets, "WORTH_CACHING", 2)
    monkeypatch.setattr(datasets, "PIECE", 2)
    for seed in range(5):
        (folder / f"humanoid3d_walk{seed}.txt").write_text(text(standing(seed=seed)))
    (folder / "bad.bvh").write_text("HIERARCHY")
    for _ in range(2):
        with pytest.warns(UserWarning, match="bad.bvh"):
            clips = datasets.load(folder)
        assert [clip.name for clip in clips] == [f"walk{seed}" for seed in range(5)]
        for clip in clips:
            base = clip.root
            while base.base is not None and not isinstance(base, np.memmap):
                base = base.base
            assert isinstance(base, np.memmap)


def test_all_real_clips_are_plausible_and_far_from_every_limit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = datasets.load()
    for clip in clips:
        values = plausible.measure(clip)
        assert values.keys() == plausible.LIMITS.keys()
        for name, limit in plausible.LIMITS.items():
            assert values[name] <= limit.real * 1.01 + 1e-9 < limit.most, (clip.name, name, values[name])


def spoiled(clip: Clip, name: str) -> Clip:
    """The clip with one thing wrong that the limit of this name is there for."""
    from dataclasses import replace

    from selfloop.domains.motion.data import quaternion
    from selfloop.domains.motion.data.skeleton import INDEX

    root, turns = clip.root.copy(), clip.rotations.copy()
    over = quaternion.about_axis("x", np.float32(2.6))
    for part in ("chest", "neck", "hip", "ankle"):
        if name == f"{part}_deg":
            turns[:, INDEX[part if part in INDEX else f"left_{part}"]] = over
    if name == "knee_share":
        turns[:, INDEX["left_knee"]] = quaternion.about_axis("y", np.float32(-1.0))
    if name == "upside_down":
        turns[:, 0] = quaternion.multiply(quaternion.about_axis("x", np.float32(np.pi)), turns[:, 0])
    if name == "lies_and_travels":
        turns[:, 0] = quaternion.multiply(quaternion.about_axis("y", np.float32(np.pi / 2)), turns[:, 0])
    if name == "root_mps":
        root[:, 0] *= 20
    if name == "joint_mps":
        turns[len(turns) // 2, 0] = quaternion.multiply(quaternion.about_axis("y", np.float32(np.pi)), turns[0, 0])
        root[len(turns) // 2, 0] += 0.35
    if name == "pelvis_m":
        root[:, 2] += np.linspace(0, 2, len(root))
    if name == "hangs_m":
        root[3:, 2] += 0.9
    return replace(clip, root=root, rotations=turns)


@pytest.mark.parametrize("name", plausible.LIMITS)
def test_every_limit_is_passed_by_what_it_is_there_for(walk, name):
    wrong = spoiled(walk, name)
    assert plausible.measure(wrong)[name] > plausible.LIMITS[name].most
    with pytest.raises(DataError, match=r"^walk: .*is plausible.*look at") as caught:
        plausible.check(wrong)
    assert "\n" not in str(caught.value)


def test_an_unknown_skeleton_prints_a_map_that_works_once_filled_in(walk, folder, tmp_path):
    content = written(walk, "mixamo")
    for word in ("UpLeg", "Leg", "Foot", "Arm"):
        content = content.replace(f"Left{word}", f"Sinister{word}").replace(f"Right{word}", f"Dexter{word}")
    (folder / "walk.bvh").write_text(content)
    with pytest.raises(DataError, match="not found among its 22 joints.*--skeleton map.toml") as caught:
        datasets.load(folder)
    first, *template = str(caught.value).splitlines()
    assert 'left_elbow = "mixamorig:LeftForeArm"' in template
    filled = "\n".join(template)
    for side, word in (("left", "Sinister"), ("right", "Dexter")):
        for role, joint in (("shoulder", "Arm"), ("hip", "UpLeg"), ("knee", "Leg"), ("ankle", "Foot")):
            filled = filled.replace(f'{side}_{role} = ""', f'{side}_{role} = "mixamorig:{word}{joint}"')
    (tmp_path / "map.toml").write_text(filled)
    (clip,) = datasets.load(folder, tmp_path / "map.toml")
    (folder / "walk.bvh").write_text(written(walk, "mixamo"))
    assert alike(clip, datasets.load(folder)[0], 1e-6)
    (tmp_path / "map.toml").write_text("left_knee = 3\ntail = 'x'")
    with pytest.raises(DataError, match="knows no 'tail'"):
        datasets.load(folder, tmp_path / "map.toml")


def test_inspection_says_what_was_understood_and_what_is_bad(walk, folder, tmp_path, capsys):
    from selfloop.cli.inspect import inspect

    for kind in ("cmu", "smpl"):
        (folder / f"{kind}_walk.bvh").write_text(written(walk, kind))
    (folder / "bad.bvh").write_text("HIERARCHY")
    (folder / "humanoid3d_sway.txt").write_text(text(standing()))
    assert inspect(str(folder), out=tmp_path / "sheet.png") == 0
    said = capsys.readouterr().out
    for words in ("3 motion files, 3 clips", "cmu; up y; unit CMU's", "smpl; up z; unit m", "deepmimic",
                  "bad.bvh: has no MOTION", "not split", "left out   1 files", "a person"):  # fmt: skip
        assert words in said, words
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"
    assert inspect(str(folder), out=tmp_path / "sheet.png", strict=True) == 1
    assert inspection.inspect(None).seconds
