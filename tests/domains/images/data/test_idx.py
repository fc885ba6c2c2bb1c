"""IDX files: what is read of good ones, and what is said of bad ones."""

import gzip

import numpy as np
import pytest

from selfloop.domains.images.data import idx as reader
from selfloop.domains.images.data import sets
from selfloop.errors import DataError
from tests.domains.images.conftest import idx, pictures, write_set


@pytest.mark.parametrize("pack", [False, True])
def test_a_folder_is_read_whole(tmp_path, pack):
    x, label = pictures()
    write_set(tmp_path, x[:90], label[:90], pack=pack)
    write_set(tmp_path, x[90:], label[90:], "t10k", pack=pack)
    found = sets.load(str(tmp_path))
    np.testing.assert_array_equal(np.round(found.x * 255), x)
    np.testing.assert_array_equal(found.label, label)
    assert (found.x.dtype, found.label.dtype, found.classes) == (np.float32, np.int32, 3)


def test_an_image_that_is_there_twice_counts_once(tmp_path):
    x, label = pictures()
    write_set(tmp_path, np.concatenate([x, x[:7]]), np.concatenate([label, label[:7]]))
    assert len(sets.load(str(tmp_path)).x) == len(x)


def spoilt(folder, kind):
    """A set with one thing wrong."""
    x, label = pictures()
    write_set(folder, x, label)
    images, labels = folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte"
    if kind == "empty":
        images.unlink(), labels.unlink()
    elif kind == "no labels":
        labels.unlink()
    elif kind == "magic":
        images.write_bytes(b"\x89PNG" + images.read_bytes()[4:])
    elif kind == "short":
        images.write_bytes(images.read_bytes()[:-3])
    elif kind == "head":
        images.write_bytes(images.read_bytes()[:9])
    elif kind == "truncated":
        images.with_suffix(".gz").write_bytes(gzip.compress(images.read_bytes())[:-200])
        images.unlink()
        images.with_suffix(".gz").rename(folder / "train-images-idx3-ubyte.gz")
    elif kind == "not gzip":
        images.rename(folder / "train-images-idx3-ubyte.gz")
    elif kind == "sizes":
        write_set(folder, x[:, :6, :6].copy(), label, "t10k")
    elif kind == "count":
        labels.write_bytes(idx(label[:-1]))
    elif kind == "axes":
        labels.write_bytes(idx(x))
    elif kind == "one class":
        labels.write_bytes(idx(np.zeros_like(label)))
    return folder


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("empty", "no IDX files here"),
        ("no labels", "train-labels-idx1-ubyte is not there"),
        ("magic", "the magic number is 89504e47; an IDX file of bytes begins 000008"),
        ("short", "bytes where its head asks for 7696"),
        ("head", "9 bytes where its head asks for 16"),
        ("truncated", "truncated or damaged"),
        ("not gzip", "truncated or damaged"),
        ("sizes", r"images of unequal size \(6x6 and 8x8\)"),
        ("count", "120 images but 119 labels"),
        ("axes", "3 axes; labels have 1"),
        ("one class", "1 classes; give images of two or more"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, kind, told):
    with pytest.raises(DataError, match=told) as caught:
        sets.load(str(spoilt(tmp_path / "set", kind)))
    assert "\n" not in str(caught.value)


def test_what_is_no_folder_is_told_the_names():
    with pytest.raises(DataError, match="no set of this name; named are digits, mnist, fashion-mnist"):
        sets.load("nowhere")


def test_a_file_of_any_shape_is_read(tmp_path):
    for shape in ((5,), (2, 3), (2, 3, 4)):
        values = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        (tmp_path / "file").write_bytes(idx(values))
        np.testing.assert_array_equal(reader.read(tmp_path / "file"), values)
