import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_deepmimic import standing as frames
from test_deepmimic import text

from selfloop.domains.motion.data import cache, datasets, embedded, fetch, labels, windows
from selfloop.domains.motion.data.clip import lowest
from selfloop.domains.motion.data.formats import bvh
from selfloop.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFLOOP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def few(data_folder, tmp_path):
    """A zip of every 32nd clip of the subset of 256, the readme and the labels kept."""
    source = data_folder / "bandai-namco" / "bandai-namco-motion-2-subset256.zip"
    with zipfile.ZipFile(source) as full, zipfile.ZipFile(tmp_path / "few.zip", "w", zipfile.ZIP_BZIP2) as target:
        names = [name for name in full.namelist() if name.endswith(".bvh")][::32]
        for name in [*names, *(name for name in full.namelist() if name.endswith(".txt"))]:
            target.writestr(name, full.read(name))
    return tmp_path / "few.zip"


def test_the_embedded_clips_make_at_least_64_windows(embedded_folder):
    clips = datasets.load()
    assert len(clips) == 15
    assert [clip.name for clip in clips] == sorted(clip.name for clip in clips)
    assert {"walk", "run", "dance", "getup", "backflip"} <= {clip.label for clip in clips}
    for clip in clips:
        assert clip.fps == 20
        np.testing.assert_allclose(clip.root[0, :2], 0, atol=1e-6)
        np.testing.assert_allclose(np.percentile(lowest(clip), 5), 0, atol=1e-4)
    cut = windows.cut(clips, capacity=40)
    assert len(cut.length) >= 64
    assert np.isfinite(cut.x).all()


def test_bandai_names_carry_label_and_style(few):
    clips = datasets.load(few)
    assert len(clips) == 8
    for clip in clips:
        _, label, style, _ = clip.name.split("_")
        assert (clip.label, clip.style, clip.source) == (label, style, "bandai-namco")


def test_the_long_deepmimic_clips_share_labels_with_the_short(data_folder):
    clips = {clip.name: clip for clip in datasets.load(data_folder / "deepmimic" / "deepmimic-humanoid3d.tar.xz")}
    assert len(clips) == 29
    assert {clips[name].label for name in ("walk", "long_walk1", "long_walk2_mirror")} == {"walk"}
    assert {clips[name].label for name in ("zombie_walk", "long_zombie")} == {"zombie"}
    assert {clips[name].label for name in ("stealthy_walk", "stealthy_walk0")} == {"stealthy"}


def test_a_folder_of_humanml3d_is_its_features(data_folder):
    (clip,) = datasets.load(data_folder / "humanml3d")
    assert len(clip) == 170
    assert clip.source == "humanml3d"


def test_every_format_in_one_folder_and_what_is_no_motion_left_out(wander, tmp_path):
    (tmp_path / "humanoid3d_walk.txt").write_text(text(frames()))
    (tmp_path / "other.json").write_text(text(frames(seed=1)))
    bvh.write(tmp_path / "wave-left_007.bvh", wander(0))
    (tmp_path / "README.txt").write_text("Not a motion.")
    (tmp_path / "labels.json").write_text(json.dumps({"walk": 0}))
    (tmp_path / "dog3d_trot.txt").write_text("{}")
    clips = datasets.load(tmp_path)
    assert [(clip.name, clip.label) for clip in clips] == [
        ("other", "other"),
        ("walk", "walk"),
        ("wave-left_007", "wave-left"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("humanoid3d_bad.txt", ""),
        ("humanoid3d_bad.txt", text(frames())[:700]),
        ("bad.json", text(frames()).replace("0.05", "NaN", 1)),
        ("bad.bvh", ""),
        ("bad.bvh", "HIERARCHY"),
        ("bad.npy", ""),
        ("bad.bvh", b"\xff\xfe\x00\x01"),
    ],
)
def test_a_bad_file_is_named_and_left_out_or_refused(tmp_path, name, content):
    (tmp_path / "humanoid3d_good.txt").write_text(text(frames()))
    for title in (name, "also_" + name.removeprefix("humanoid3d_").replace(".txt", ".bvh")):
        (tmp_path / title).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.warns(UserWarning, match="2 files left out.*bad") as caught:
        (clip,) = datasets.load(tmp_path)
    assert clip.name == "good"
    (said,) = (str(one.message) for one in caught)
    assert "also_bad" in said
    assert "\n" not in said
    with pytest.raises(DataError, match="2 bad file.*--strict.*also_bad.*bad") as refused:
        datasets.load(tmp_path, strict=True)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("step", ["0.00001", "33.3333"])
def test_a_frame_time_in_a_wrong_unit_is_refused(wander, tmp_path, step):
    bvh.write(tmp_path / "bad.bvh", wander(0))
    written = (tmp_path / "bad.bvh").read_text()
    (tmp_path / "bad.bvh").write_text(written.replace("Frame Time: 0.05", f"Frame Time: {step}"))
    with pytest.raises(DataError, match="bad: .* frames a second.*plausible"):
        datasets.load(tmp_path)


def test_a_second_clip_of_a_name_is_called_by_its_folder(tmp_path):
    for seed, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "humanoid3d_walk.txt").write_text(text(frames(seed=seed)))
    assert [clip.name for clip in datasets.load(tmp_path)] == ["b/humanoid3d_walk", "walk"]


def test_a_set_without_motion_and_a_path_that_is_not_there(tmp_path):
    (tmp_path / "README.txt").write_text("Nothing here.")
    with pytest.raises(DataError, match="holds no motion"):
        datasets.load(tmp_path)
    with pytest.raises(DataError, match="does not exist.*bandai-namco-256"):
        datasets.load(tmp_path / "typo")


def test_the_clips_of_the_package_are_the_files_that_were_packed(embedded_folder, tmp_path):
    """Packed again they are the same bytes; read from files they are the same clips, to the last bit."""
    target = tmp_path / "again.tar.xz"
    assert embedded.pack(embedded_folder, target) < 260_000
    with lzma.open(target) as again, lzma.open(embedded.ARCHIVE) as shipped:  # liblzma's releases may differ
        assert again.read() == shipped.read()
    for one, other in zip(datasets.load(), datasets.load(embedded_folder), strict=True):
        assert (one.name, one.fps, one.label, one.caption, one.cyclic) == (
            other.name, other.fps, other.label, other.caption, other.cyclic)  # fmt: skip
        np.testing.assert_array_equal(one.root, other.root)
        np.testing.assert_array_equal(one.rotations, other.rotations)


def test_the_packed_clips_are_deepmimics_own_but_one(embedded_folder, data_folder):
    with tarfile.open(data_folder / "deepmimic" / "deepmimic-humanoid3d.tar.xz") as archive:
        own = {Path(one.name).name: archive.extractfile(one).read() for one in archive if one.isfile()}
    shipped = {path.name: path.read_bytes() for path in embedded_folder.iterdir()}
    assert len(shipped) == embedded.COUNT
    assert {name for name, content in shipped.items() if own[name] != content} == {"humanoid3d_spinkick.txt"}
    assert own["LICENSE"] == (embedded.ARCHIVE.parent / "LICENSE").read_bytes()


def test_fewer_files_are_not_packed(tmp_path):
    with pytest.raises(DataError, match="holds 0 files"):
        embedded.pack(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_known_name_is_looked_for_locally_then_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFLOOP_DATA", str(tmp_path))
    asked = []

    def fetched(name):
        asked.append(name)
        (tmp_path / "cache" / name).mkdir(parents=True)
        (tmp_path / "cache" / name / "humanoid3d_walk.txt").write_text(text(frames()))
        return tmp_path / "cache" / name

    monkeypatch.setattr(fetch, "fetch", fetched)
    assert [clip.name for clip in datasets.load("deepmimic")] == ["walk"]
    assert asked == ["deepmimic"]
    local = tmp_path / datasets.ARCHIVES["bandai-namco-256"]
    local.parent.mkdir()
    with zipfile.ZipFile(local, "w") as target:
        target.writestr("humanoid3d_run.txt", text(frames()))
    assert [clip.name for clip in datasets.load("bandai-namco-256")] == ["run"]
    assert asked == ["deepmimic"]


def test_a_set_once_read_is_kept_until_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "WORTH_CACHING", 1)
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "humanoid3d_walk.txt").write_text(text(frames()))
    first = datasets.load(folder)
    kept = cache.place(folder)
    assert kept.is_file()
    with monkeypatch.context() as patch:
        patch.setattr(datasets, "_read", None)
        (again,) = datasets.load(folder)
    for name in ("name", "fps", "label", "style", "caption", "cyclic", "source"):
        assert getattr(again, name) == getattr(first[0], name)
    np.testing.assert_array_equal(again.rotations, first[0].rotations)
    kept.write_bytes(kept.read_bytes()[:-50])
    assert len(datasets.load(folder)) == 1
    (folder / "humanoid3d_run.txt").write_text(text(frames(seed=1)))
    assert len(datasets.load(folder)) == 2


@pytest.mark.parametrize(
    ("label", "style", "expected"),
    [
        ("walk", "elderly", "a person walks in an elderly style"),
        ("walk-turn-left", "masculine", "a person walks and turns left in a masculine style"),
        ("raise-up-both-hands", "normal", "a person raises up both hands"),
        ("wave-right-hand", "active", "a person waves the right hand in an active style"),
        ("getup", "", "a person gets up"),
        ("tennis", "", "a person performs tennis"),
    ],
)
def test_captions(label, style, expected):
    assert labels.caption(label, style) == expected


@pytest.mark.slow
def test_the_full_set_loads(data_folder):
    clips = datasets.load(data_folder / "bandai-namco" / "bandai-namco-motion-2.zip")
    assert len(clips) == 2902
    assert len({clip.label for clip in clips}) == 10
