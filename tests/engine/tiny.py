"""The smallest grid that has everything, on the clips of the tests; what it has left, without times."""

from dataclasses import replace

import numpy as np

from selfloop.engine.settings import GridConfig, smoke
from selfloop.runs import record

TINY = {"n": (8,), "lam": (1.0,), "guidance": (1.0,), "arms": ("baseline", "uncorrected", "smoothing"),
        "generations": 3, "seeds": 2, "twins": 0, "evaluate": 8, "audit_every": 2, "first_steps": (4,), "steps": (2,),
        "batch": 8, "width": 16, "layers": 1}  # fmt: skip


def settings(out, data, **changes) -> GridConfig:
    """A tiny grid as a config."""
    return replace(smoke(), **(TINY | {"out": out, "data": data and str(data)} | changes))


def options(out, data, **changes) -> list[str]:
    """The same as the command line has it."""
    asked, words = TINY | {"out": out, "data": data} | changes, []
    for name, value in asked.items():
        values = value if isinstance(value, tuple) else (value,)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return ["--preset", "smoke", *words]


def rows(out) -> dict[str, list[dict]]:
    """The rows of every block by its name, without times."""
    return {path.parent.name: timeless(record.read(path)) for path in sorted(out.glob("blocks/*/rows.jsonl"))}


def timeless(found: list[dict]) -> list[dict]:
    return [{k: v for k, v in row.items() if not k.startswith(("seconds_", "core_seconds_"))} for row in found]


def by_lane(out) -> dict[tuple, dict]:
    """All rows of the grid by arm, lambda, seed, start and generation, whatever blocks they are from."""
    keys, found = ("arm", "lam", "seed", "start", "generation"), {}
    for block in rows(out).values():
        for row in block:
            at = tuple(row[key] for key in keys)
            assert at not in found, f"computed twice: {at}"
            found[at] = {name: value for name, value in row.items() if name != "lane"}
    return found


def observations(out) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of every observation, by the path of its file in the grid."""
    found = {}
    for path in sorted(out.glob("blocks/*/observations/*.npz")):
        with np.load(path) as arrays:
            found[str(path.relative_to(out))] = {name: arrays[name] for name in arrays.files}
    return found


def same_arrays(one: dict, other: dict) -> None:
    """Bit for bit, NaN where there is NaN."""
    assert one.keys() == other.keys()
    for path in one:
        assert one[path].keys() == other[path].keys()
        for name in one[path]:
            np.testing.assert_array_equal(one[path][name], other[path][name], err_msg=f"{path}: {name}")


def bytes_of(out) -> dict[str, bytes]:
    """Every file of the grid's blocks and starts, to the bit."""
    paths = [path for part in ("blocks", "starts") for path in (out / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}
