import functools
import hashlib
import http.server
import socket
import tarfile
import threading
import zipfile

import pytest

from selfloop.domains.motion.data import fetch
from selfloop.errors import DataError

FILES = {f"humanoid3d_{name}.txt": f"motion {name}".encode() for name in ("walk", "run", "jump")}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a folder served on loopback, and the folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", folder
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def small_registry(request, monkeypatch):
    if "server" in request.fixturenames:
        known = {name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
        monkeypatch.setattr(fetch, "registry", lambda name: known)


def test_files_come_after_their_licence(server, tmp_path, capsys):
    address, _ = server
    folder = fetch.fetch("bandai-namco", [address], tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    said = capsys.readouterr().out
    assert "CC BY-NC 4.0" in said
    assert "non-commercial" in said
    assert fetch.fetch("bandai-namco", [], tmp_path / "cache") == folder
    assert capsys.readouterr().out == ""


def test_a_broken_download_goes_on_where_it_was(server, tmp_path, capsys):
    address, _ = server
    folder = fetch.fetch("deepmimic", [address], tmp_path / "cache")
    (folder / "humanoid3d_run.txt").write_bytes(b"half")
    fetch.fetch("deepmimic", [address], tmp_path / "cache")
    assert (folder / "humanoid3d_run.txt").read_bytes() == FILES["humanoid3d_run.txt"]
    assert "Downloading 1 files" in capsys.readouterr().out


def test_the_second_address_serves_where_the_first_does_not(server, tmp_path):
    address, _ = server
    folder = fetch.fetch("deepmimic", [address + "elsewhere/", address], tmp_path / "cache")
    assert len(list(folder.iterdir())) == 3


def test_a_file_that_differs_is_not_kept(server, tmp_path):
    address, served = server
    (served / "humanoid3d_run.txt").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"humanoid3d_run.txt differs from its pinned SHA-256"):
        fetch.fetch("deepmimic", [address], tmp_path / "cache")
    assert not (tmp_path / "cache" / "data" / "deepmimic" / "humanoid3d_run.txt").exists()


def test_without_a_network_it_says_what_to_do(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DataError, match=r"cannot download .*ConnectionError.*--data PATH") as caught:
        fetch.fetch("deepmimic", [f"http://127.0.0.1:{port}/"], tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_an_unknown_set_is_refused_with_what_is_known(tmp_path):
    with pytest.raises(DataError, match="known are deepmimic, bandai-namco-256, bandai-namco"):
        fetch.fetch("amass", cache=tmp_path)


def test_registries_are_whole():
    full, subset = fetch.registry("bandai-namco"), fetch.registry("bandai-namco-256")
    assert (len(full), len(subset), len(fetch.registry("deepmimic"))) == (2902, 256, 29)
    assert subset.items() <= full.items()
    for code in [*full.values(), *fetch.registry("deepmimic").values()]:
        assert len(bytes.fromhex(code.removeprefix("sha256:"))) == 32


def test_pinned_hashes_are_those_of_the_archives(data_folder):
    known = fetch.registry("bandai-namco-256")
    with zipfile.ZipFile(data_folder / "bandai-namco" / "bandai-namco-motion-2-subset256.zip") as archive:
        members = {name.rsplit("/", 1)[-1]: name for name in archive.namelist() if name.endswith(".bvh")}
        assert set(members) == set(known)
        for name in sorted(members)[::50]:
            assert known[name] == "sha256:" + hashlib.sha256(archive.read(members[name])).hexdigest()
    known = fetch.registry("deepmimic")
    with tarfile.open(data_folder / "deepmimic" / "deepmimic-humanoid3d.tar.xz") as archive:
        for member in archive:
            _, found, name = member.name.partition("/motions/")
            if found and member.isfile():
                assert known[name] == "sha256:" + hashlib.sha256(archive.extractfile(member).read()).hexdigest()
