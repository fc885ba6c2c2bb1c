import io
import tarfile
import zipfile

import pytest

from selfloop.domains.motion.data import archive
from selfloop.errors import DataError


def everything(path) -> dict[str, bytes]:
    return dict(archive.members(path, lambda name: True))


def zipped(path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return path


def tarred(path, files: dict[str, bytes]):
    with tarfile.open(path, "w:xz") as target:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            target.addfile(info, io.BytesIO(content))
    return path


FILES = {"a/one.bvh": b"first", "two.txt": b"second" * 1000}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_any_method(tmp_path, method):
    assert everything(zipped(tmp_path / "set.zip", FILES, method)) == FILES


def test_a_tar_a_folder_and_a_single_file(tmp_path):
    assert everything(tarred(tmp_path / "set.tar.xz", FILES)) == FILES
    folder = tmp_path / "set"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    assert everything(folder) == FILES
    assert everything(folder / "two.txt") == {"two.txt": FILES["two.txt"]}


def test_only_wanted_members_are_read(tmp_path):
    path = zipped(tmp_path / "set.zip", FILES)
    assert [name for name, _ in archive.members(path, lambda name: name.endswith(".bvh"))] == ["a/one.bvh"]


@pytest.mark.parametrize("name", ["../evil.bvh", "/evil.bvh", "a/../../evil.bvh", "..\\evil.bvh", "C:\\evil.bvh"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_that_leads_outside_is_refused(tmp_path, pack, name):
    path = pack(tmp_path / ("set.zip" if pack is zipped else "set.tar.xz"), {"good.bvh": b"x", name: b"x"})
    with pytest.raises(DataError, match="evil.bvh.*outside"):
        everything(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "set.tar.xz", "w:xz") as target:
        info = tarfile.TarInfo("link.bvh")
        info.type, info.linkname = kind, "/etc/passwd"
        target.addfile(info)
    with pytest.raises(DataError, match="link.bvh"):
        everything(tmp_path / "set.tar.xz")


def test_links_in_a_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("link.bvh")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as target:
        target.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="link.bvh.*link"):
        everything(tmp_path / "set.zip")


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_bomb_is_stopped_while_it_unpacks(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", 1 << 20)
    path = pack(tmp_path / ("set.zip" if pack is zipped else "set.tar.xz"), {"bomb.bvh": bytes(2 << 20)})
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="bomb.bvh unpacks to more than 1 MiB"):
        everything(path)


def test_a_bomb_that_states_a_small_size_is_stopped(tmp_path):
    path = zipped(tmp_path / "set.zip", {"bomb.bvh": bytes(2 << 20)})
    honest = path.read_bytes()
    path.write_bytes(honest.replace((2 << 20).to_bytes(4, "little"), (16).to_bytes(4, "little")))
    with pytest.raises(DataError, match="bomb.bvh"):
        everything(path)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_many_members_and_much_content_are_limited(tmp_path, monkeypatch, pack):
    path = pack(
        tmp_path / ("set.zip" if pack is zipped else "set.tar.xz"), {f"{i}.bvh": bytes(30_000) for i in range(9)}
    )
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    with pytest.raises(DataError, match="more than 5 members"):
        everything(path)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 50)
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 100_000)
    with pytest.raises(DataError, match="split the archive"):
        everything(path)


def test_what_a_tar_skips_counts_too(tmp_path, monkeypatch):
    path = tarred(tmp_path / "set.tar.xz", {"ignored.mp4": bytes(1 << 20), "good.bvh": b"x"})
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 100_000)
    with pytest.raises(DataError, match="split the archive"):
        list(archive.members(path, lambda name: name.endswith(".bvh")))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_truncated_archive_is_refused(tmp_path, pack, share):
    path = pack(
        tmp_path / ("set.zip" if pack is zipped else "set.tar.xz"), {f"{i}.bvh": bytes(range(256)) for i in range(40)}
    )
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match="complete"):
        everything(path)


def test_a_damaged_member_is_named(tmp_path):
    path = zipped(tmp_path / "set.zip", {"good.bvh": b"x" * 99, "bad.bvh": bytes(range(256)) * 9}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(bytes(range(256))) + 100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="bad.bvh cannot be read"):
        everything(path)


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere.zip does not exist"):
        everything(tmp_path / "nowhere.zip")
