"""Arrays in one file: they come back, and a file that is none is told of in one line."""

import numpy as np
import pytest

from selfloop.errors import DataError
from selfloop.runs.files import read_arrays, store_arrays

ARRAYS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "name": np.array("walk")}


def test_arrays_come_back_all_or_those_asked_for(tmp_path):
    store_arrays(tmp_path / "new" / "some.npz", ARRAYS)
    found = read_arrays(tmp_path / "new" / "some.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert read_arrays(tmp_path / "new" / "some.npz", ("x", "y")).keys() == {"x"}


def broken(path, how):
    store_arrays(path, ARRAYS)
    whole = path.read_bytes()
    match how:
        case "absent":
            path.unlink()
        case "short":
            path.write_bytes(whole[:100])
        case "empty":
            path.write_bytes(b"")
        case "flipped":
            at = whole.index(ARRAYS["x"].tobytes())
            path.write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        case "text":
            path.write_text("x, y")
        case "one array":
            with open(path, "wb") as file:
                np.save(file, ARRAYS["x"])
        case "pickle":
            np.savez(path, x=np.array([None]))
        case "folder":
            path.unlink()
            path.mkdir()


@pytest.mark.parametrize("how", ["absent", "short", "empty", "flipped", "text", "one array", "pickle", "folder"])
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, how):
    path = tmp_path / "some.npz"
    broken(path, how)
    with pytest.raises(DataError, match="some.npz: cannot be read .*; restore it") as told:
        read_arrays(path)
    assert "\n" not in str(told.value)
