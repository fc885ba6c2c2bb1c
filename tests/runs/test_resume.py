"""When a folder's run may be continued."""

import dataclasses
import math
from pathlib import Path

import pytest

from selfloop.errors import ConfigError, DataError
from selfloop.runs import record
from selfloop.runs import resume as config


@dataclasses.dataclass(frozen=True)
class Config:
    generations: int = 10
    lam: float = 1.0
    guidance: tuple[float, ...] = (1.0, 2.5)
    accumulate: bool = False
    out: Path = Path("out")


def test_to_dict_is_json():
    stored = config.to_dict(Config(lam=math.inf))
    assert stored == {"generations": 10, "lam": "inf", "guidance": [1.0, 2.5], "accumulate": False, "out": "out"}


def test_begin_then_continue(tmp_path):
    folder = tmp_path / "a" / "run"
    assert not config.resume_or_start(folder, Config())
    assert config.resume_or_start(folder, Config())
    assert config.resume_or_start(folder, Config(generations=12, out=folder))
    assert record.read_json(folder / "config.json") == config.to_dict(Config(generations=12, out=folder))
    assert not config.resume_or_start(folder.parent / "other", Config())


def test_all_differences_are_named_and_nothing_is_changed(tmp_path):
    config.resume_or_start(tmp_path, Config())
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(ConfigError) as error:
        config.resume_or_start(tmp_path, Config(generations=9, lam=2.0, guidance=(1.0,), out=Path("x")))
    message = str(error.value)
    for told in ("generations is 10 there, 9 asked", "only grow", "lam is 1.0 there, 2.0", "[1.0, 2.5]", "--out"):
        assert told in message
    assert "accumulate" not in message
    assert "\n" not in message
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_setting_that_came_or_went_is_a_difference(tmp_path):
    stored = config.to_dict(Config())
    record.write_json(tmp_path / "config.json", {**stored, "old": 1})
    with pytest.raises(ConfigError, match='old is 1 there, "absent" asked'):
        config.resume_or_start(tmp_path, Config())
    record.write_json(tmp_path / "config.json", {key: stored[key] for key in stored if key != "generations"})
    with pytest.raises(ConfigError, match='generations is "absent" there, 10 asked'):
        config.resume_or_start(tmp_path, Config())


def test_true_is_not_one(tmp_path):
    record.write_json(tmp_path / "config.json", {**config.to_dict(Config()), "accumulate": 0, "lam": 1})
    with pytest.raises(ConfigError, match="accumulate is 0 there, false asked; give"):
        config.resume_or_start(tmp_path, Config())


def test_a_folder_that_is_no_run_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="not empty"):
        config.resume_or_start(tmp_path, Config())
    with pytest.raises(ConfigError, match="is a file"):
        config.resume_or_start(tmp_path / "thesis.tex", Config())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_process_may_begin_the_same_run_at_the_same_moment(tmp_path, monkeypatch):
    """Its files appear while the folder is looked at."""
    look = Path.iterdir

    def looking(folder):
        record.write_json(tmp_path / "config.json", config.to_dict(Config()))
        return look(folder)

    monkeypatch.setattr(Path, "iterdir", looking)
    assert config.resume_or_start(tmp_path, Config())


def test_a_kill_while_the_config_was_written_does_no_harm(tmp_path):
    (tmp_path / ".config.json.123.tmp").write_text('{"gen')
    assert not config.resume_or_start(tmp_path, Config())


@pytest.mark.parametrize(("text", "error"), [("{", DataError), ("[1]", ConfigError)])
def test_a_spoilt_config_is_an_error(tmp_path, text, error):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(error, match=r"config\.json"):
        config.resume_or_start(tmp_path, Config())
