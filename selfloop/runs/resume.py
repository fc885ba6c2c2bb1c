"""A run's config, a frozen dataclass, and the rule by which a folder's run is begun or continued."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfloop.errors import ConfigError
from selfloop.runs import record

_ABSENT = "absent"


def to_dict(config: Any) -> dict[str, Any]:
    """A dataclass in JSON's own types, as it is stored: tuples are lists, paths are strings, infinity is "inf"."""
    return json.loads(json.dumps(record.plain(dataclasses.asdict(config))))


def resume_or_start(
    folder: str | Path, config: Any, extends: Sequence[str] = ("generations",), ignores: Sequence[str] = ("out",)
) -> bool:
    """Store ``config`` in a new folder, or check that it continues the run already there; True if it continues one.

    Args:
        folder: the run's folder.
        config: a dataclass.
        extends: fields that may only grow; the larger value is then stored.
        ignores: fields that may differ, as they change nothing that is computed.

    Raises:
        ConfigError: where another field differs (all are named), or the folder holds something that is no run.
        DataError: where the stored config is not JSON.
        SelfloopError: where the folder cannot be written.
    """
    folder, asked = Path(folder), to_dict(config)
    stored = continued(folder, config, extends, ignores)
    if stored != asked:
        record.write_json(folder / "config.json", asked)
    return stored is not None


def continued(folder: Path, config: Any, extends: Sequence[str], ignores: Sequence[str]) -> dict[str, Any] | None:
    """The settings of the run that ``config`` continues, or None where it begins one; errors as `resume_or_start`."""
    stored = _stored(folder)
    if stored is not None:
        _check(folder, stored, to_dict(config), extends, ignores)
    return stored


def _stored(folder: Path) -> dict[str, Any] | None:
    """The config in the folder, or None where a run may begin."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--out {folder} is a file; give a folder")
    # Looked at first: another process that begins the same run writes config.json before all else.
    occupied = folder.is_dir() and any(not _left_by_kill(path) for path in folder.iterdir())
    if (folder / "config.json").exists():
        stored = record.read_json(folder / "config.json")
        if not isinstance(stored, dict):
            raise ConfigError(f"{folder / 'config.json'} holds no settings; give another --out")
        return stored
    if occupied:
        raise ConfigError(f"--out {folder} is not empty and holds no run (no config.json); give another --out")
    return None


def _left_by_kill(path: Path) -> bool:
    return path.match(".config.json.*.tmp")


def _check(folder: Path, stored: dict, asked: dict, extends: Sequence[str], ignores: Sequence[str]) -> None:
    differences = []
    for field in dict.fromkeys([*stored, *asked]):
        old, new = stored.get(field, _ABSENT), asked.get(field, _ABSENT)
        if field in ignores or _same(old, new):
            continue
        if field not in extends:
            differences.append(f"{field} is {json.dumps(old)} there, {json.dumps(new)} asked")
        elif not (isinstance(old, int | float) and isinstance(new, int | float) and new > old):
            differences.append(f"{field} is {json.dumps(old)} there, {json.dumps(new)} asked (it may only grow)")
    if differences:
        raise ConfigError(f"{folder} holds a run with other settings: {'; '.join(differences)}; give another --out")


def _same(old: Any, new: Any) -> bool:
    """Equality that tells true from 1, but not 1 from 1.0."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)
