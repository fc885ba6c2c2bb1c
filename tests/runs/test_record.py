"""Records survive kills and full disks, and numbers come back as they were."""

import json
import math
import os

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfloop.errors import DataError, SelfloopError
from selfloop.runs import record
from tests.runs.disk import small_files

numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**60), 2**60) | st.booleans()
rows = st.lists(st.dictionaries(st.text(max_size=8), numbers | st.text(max_size=12).filter(lambda t: "inf" not in t)))


def _back(value):
    return (
        {"inf": math.inf, "-inf": -math.inf, None: math.nan}.get(value, value)
        if not isinstance(value, float)
        else value
    )


def _same(a, b):
    return (a != a and b != b) or (a == b and type(a) is type(b))


@given(rows=rows)
def test_rows_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("record") / "deep" / "metrics.jsonl"
    for row in rows:
        record.append(path, row)
    read = record.read(path)
    assert [row.keys() for row in read] == [row.keys() for row in rows]
    assert all(_same(_back(read[i][key]), value) for i, row in enumerate(rows) for key, value in row.items())
    # What is stored is a fixed point: rewriting what was read changes no byte.
    before = path.read_bytes() if rows else b""
    record.rewrite(path, read)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "value",
    [np.float32(0.1), np.float64(0.1), jnp.float32(3.3), jnp.bfloat16(1.5), np.int64(7), jnp.int32(7), np.bool_(1)],
)
def test_array_scalars_are_plain_numbers(tmp_path, value):
    record.append(tmp_path / "r", {"value": value})
    [row] = record.read(tmp_path / "r")
    assert type(row["value"]) in (bool, int, float)
    assert np.asarray(row["value"]).astype(value.dtype) == value


def test_arrays_paths_and_nested_infinities(tmp_path):
    record.append(tmp_path / "r", {"a": jnp.array([1.0, jnp.inf]), "b": {"c": (np.nan,)}, "p": tmp_path})
    assert record.read(tmp_path / "r") == [{"a": [1.0, "inf"], "b": {"c": [None]}, "p": str(tmp_path)}]


def test_number_reads_back_what_json_has_not():
    assert record.number("inf") == math.inf
    assert record.number("-inf") == -math.inf
    assert math.isnan(record.number(None))
    assert record.number(3) == 3.0


def test_what_cannot_be_recorded_says_so(tmp_path):
    with pytest.raises(TypeError, match="object"):
        record.append(tmp_path / "r", {"a": object()})
    assert not (tmp_path / "r").exists()


def test_a_kill_at_any_byte_loses_only_the_last_row(tmp_path):
    path = tmp_path / "r"
    written = [{"generation": i, "fid": i + 0.5, "arm": "é\n"} for i in range(3)]
    record.rewrite(path, written)
    whole = path.read_bytes()
    starts = [0] + [i + 1 for i, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        # A row is there from its closing brace on, its end of line or no.
        kept = sum(cut >= start - 1 for start in starts[1:])
        assert record.read(path) == written[:kept]
        record.append(path, {"more": cut})
        assert record.read(path) == [*written[:kept], {"more": cut}]


def test_a_malformed_line_elsewhere_is_named(tmp_path):
    path = tmp_path / "r"
    for bad in (b'{"a": 1', b"[1]", b"", b"\x00\xff"):
        path.write_bytes(b'{"a": 1}\n' + bad + b'\n{"a": 2}\n')
        with pytest.raises(DataError, match="line 2"):
            record.read(path)


def test_no_file_has_no_rows(tmp_path):
    assert record.read(tmp_path / "none") == []


def test_a_full_disk_leaves_whole_rows(tmp_path):
    path = tmp_path / "r"
    record.append(path, {"a": 1})
    before = path.read_bytes()
    with small_files(len(before) + 5), pytest.raises(SelfloopError, match=r"r: cannot be written .* bytes are needed"):
        record.append(path, {"b": "x" * 100})
    assert path.read_bytes() == before
    with small_files(20), pytest.raises(SelfloopError):
        record.rewrite(path, [{"b": "x" * 100}])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r"]


def test_json_files(tmp_path):
    record.write_json(tmp_path / "j", {"lam": math.inf, "x": np.float32(0.5)})
    assert record.read_json(tmp_path / "j") == {"lam": "inf", "x": 0.5}
    json.loads((tmp_path / "j").read_text(), parse_constant=pytest.fail)
    (tmp_path / "j").write_bytes(b'{"lam"')
    for path in (tmp_path / "j", tmp_path / "none"):
        with pytest.raises(DataError, match=path.name):
            record.read_json(path)
