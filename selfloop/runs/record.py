"""Records of a run: one JSON object a line, appended, durable when the call returns.

JSON has no infinities and no NaN: they are written as the strings "inf" and "-inf" and as null; `number` reads them
back. Finite floats are written by ``repr`` and round-trip exactly.
"""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from selfloop.errors import DataError
from selfloop.runs import files


def append(path: str | Path, *rows: dict[str, Any]) -> None:
    """Add lines to the file at ``path`` (made if absent); what a kill left half written at its end is cut off first.

    Raises:
        SelfloopError: where they cannot be written (disk full); the file then ends as before.
    """
    path, line = Path(path), b"".join(map(_encode, rows))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab+", buffering=0) as file:
            end = _mend_end(file)
            try:
                _write_all(file, line)
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(end)
                raise
    except OSError as error:
        raise files.cannot_write(path, len(line), error) from error


def read(path: str | Path) -> list[dict[str, Any]]:
    """All rows of the file at ``path``, in order; none if it is absent.

    A last line without its end, the mark of a kill, is dropped.

    Raises:
        DataError: where any other line is not a JSON object; it names the line.
    """
    path = Path(path)
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    rows = [_decode(line, f"{path}, line {i}") for i, line in enumerate(lines[:-1], 1)]
    return rows + [json.loads(lines[-1])] if _complete(lines[-1]) else rows


def rewrite(path: str | Path, rows: list[dict[str, Any]]) -> None:
    """Replace the whole file by these rows, in one step.

    Raises:
        SelfloopError: where it cannot be written; the old file is then untouched.
    """
    files.replace(path, b"".join(_encode(row) for row in rows))


def write_json(path: str | Path, value: Any) -> None:
    """Write one JSON value, indented, in one step; the same conventions for numbers as in `append`.

    Raises:
        SelfloopError: where it cannot be written; the old file is then untouched.
    """
    files.replace(path, json.dumps(plain(value), indent=2, allow_nan=False).encode() + b"\n")


def read_json(path: str | Path) -> Any:
    """The value that `write_json` wrote.

    Raises:
        DataError: where the file is absent or is not JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error}); restore it, or remove it and start anew") from error


def number(value: Any) -> float:
    """A recorded number as a float: null (or an absent one, None) is NaN, "inf" is infinity."""
    return math.nan if value is None else float(value)


def plain(value: Any) -> Any:
    """``value`` in JSON's own types: arrays as (nested) lists, paths as strings, numbers as the module says."""
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case None | str() | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else _name(value)
        case os.PathLike():
            return os.fspath(value)
    if hasattr(value, "__array__"):
        return plain(np.asarray(value).tolist())
    raise TypeError(f"a {type(value).__name__} cannot be recorded: {value!r}; give numbers, text, lists or dicts")


def _name(value: float) -> str | None:
    return None if math.isnan(value) else "inf" if value > 0 else "-inf"


def _encode(row: dict[str, Any]) -> bytes:
    return json.dumps(plain(row), allow_nan=False).encode() + b"\n"


def _decode(line: bytes, where: str) -> dict[str, Any]:
    if not _complete(line):
        raise DataError(f"{where}: not a JSON object: {line[:60]!r}; restore the file, or remove that line")
    return json.loads(line)


def _complete(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _mend_end(file: Any) -> int:
    """Bring an open file to the end of its last whole line, and say where that is."""
    end = file.seek(0, os.SEEK_END)
    if end and (file.seek(end - 1), file.read(1))[1] != b"\n":
        file.seek(0)
        last = file.read().rpartition(b"\n")[2]
        if _complete(last):
            _write_all(file, b"\n")
            end += 1
        else:
            end -= len(last)
            file.truncate(end)
    return end


def _write_all(file: Any, data: bytes) -> None:
    """Write all bytes through an unbuffered file, which may take fewer at a time."""
    while data:
        data = data[file.write(data) :]
