"""What a grid never does twice, and what it does when it is stopped or a chain diverges."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from selfloop.domains.motion.grid import blocks, chains, observing
from selfloop.domains.motion.grid import run as grid

from selfloop.domains.motion import setup
from selfloop.domains.motion.arms import ARMS
from selfloop.engine.plan import Lane
from selfloop.errors import ConfigError, DataError
from selfloop.loop import role_key
from selfloop.runs import checkpoint, record
from tests.domains.motion.grid import standin
from tests.domains.motion.grid.tiny import by_lane, bytes_of, observations, rows, same_arrays, settings

pytestmark = pytest.mark.usefixtures("hurried")

M = 8


@pytest.fixture(scope="module", autouse=True)
def _quick(compiled):
    with pytest.MonkeyPatch.context() as patch:
        standin.install(patch)
        yield


def ran(config):
    grid.run(config)
    return SimpleNamespace(config=config, out=config.out)


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """A grid of a block a cell."""
    return ran(settings(tmp_path_factory.mktemp("apart") / "grid", None))


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The same as one block."""
    return ran(settings(tmp_path_factory.mktemp("together") / "grid", None, together=3))


def test_a_finished_grid_is_not_computed_again(apart, monkeypatch):
    monkeypatch.setattr(chains, "run", lambda *_: pytest.fail("computed again"))
    before = bytes_of(apart.out)
    assert grid.run(apart.config) == apart.out / "report.html"
    assert bytes_of(apart.out) == before


def test_more_seeds_and_twins_only_add(apart, tmp_path):
    shutil.copytree(apart.out, tmp_path / "grid")
    before = bytes_of(tmp_path / "grid")
    more = replace(apart.config, out=tmp_path / "grid", seeds=3, twins=1, arms=("uncorrected",))
    grid.run(more)
    after = bytes_of(tmp_path / "grid")
    assert {name: after[name] for name in before} == before
    added = {at for at in by_lane(tmp_path / "grid") if at not in by_lane(apart.out)}
    chain = {("uncorrected", 1.0, 2, 2, t) for t in range(4)}
    twins = {("uncorrected", 1.0, seed, (seed + 1) % 3, t) for seed in range(3) for t in range(2)}
    assert added == chain | twins
    # A twin draws its own seed's noise about the other's model: a difference that all samples share.
    for seed in range(3):
        own, twin = (kept(more.out, Lane("uncorrected", 1.0, seed, one)) for one in (seed, (seed + 1) % 3))
        difference = twin - own
        np.testing.assert_allclose(difference - difference[:1], 0, atol=1e-5)
        assert np.abs(difference).max() > 0.01


def kept(out, lane):
    """The kinetic points of a lane in generation 0."""
    block = next(block for block in blocks.stored(out) if lane in block.lanes)
    with np.load(observing.observation_file(blocks.folder_of(out, block), 0)) as arrays:
        return arrays["kinetic"][block.lanes.index(lane)]


# A lane that is no longer finite


def exploding(config, data):
    """The corrector, but in generation 2 motions of the second lane become infinite."""
    moment = role_key(jax.random.key(0), 2, "correct")

    def correct(key, batch, state):
        fixed, info = standin.halving(key, batch, state)
        if bool((jax.random.key_data(key) == jax.random.key_data(moment)).all()):
            fixed = fixed._replace(x=fixed.x.at[M:].set(jax.numpy.inf))
        return fixed, info

    return correct


def test_a_lane_that_diverges_is_stopped_and_named_and_the_others_go_on(together, tmp_path, monkeypatch, capsys):
    """Also where the run is stopped afterwards and continued from a checkpoint of after its end."""
    monkeypatch.setitem(ARMS, "smoothing", ARMS["smoothing"]._replace(corrector=exploding))
    monkeypatch.setattr(chains, "CHECKPOINT", 1)
    config, append = replace(together.config, out=tmp_path / "grid"), record.append

    def stop(path, row):
        append(path, row)
        if row["generation"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(record, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            grid.run(config)
    folder = blocks.folder_of(config.out, blocks.plan(config)[0])
    assert [path.name for path in folder.glob("*.msgpack")] == ["generation_0002.msgpack"]
    damaged = shutil.copytree(config.out, tmp_path / "damaged")
    capsys.readouterr()
    grid.run(config)
    assert "stopped: smoothing, n = 8, guidance 1, lambda 1, seed 1: not finite in generation 2\n" in (
        capsys.readouterr().out
    )
    assert (folder / "done").exists()
    assert not list(folder.glob("*.msgpack"))
    check_stopped(by_lane(config.out), by_lane(together.out))
    found, expected = observations(config.out), observations(together.out)
    others = [i for i, lane in enumerate(blocks.plan(config)[0].lanes) if lane != Lane("smoothing", 1.0, 1, 1)]
    assert len(others) == 5
    for kept in (found, expected):
        for path in kept:
            here = slice(None) if path.endswith(("0000.npz", "0001.npz")) else others
            kept[path] = {name: values[here] for name, values in kept[path].items()}
    same_arrays(found, expected)
    refuse_damaged(replace(config, out=damaged))


MOMENTS = [
    (observing, "keep", 1, "before"),
    (record, "append", 1, "after"),
    (record, "append", 12, "before"),
    (checkpoint, "save", 1, "before"),
    (checkpoint, "save", 2, "before"),
    (checkpoint, "save", 2, "after"),
    (checkpoint, "prune", 2, "before"),
    (record, "append", 24, "after"),
]


@pytest.mark.parametrize(("module", "name", "call", "when"), MOMENTS)
def test_a_stop_at_any_moment_continues_to_the_same_results(together, tmp_path, monkeypatch, module, name, call, when):
    """Six lanes: six rows a generation; the first ``save`` is that of generation 0's models."""
    monkeypatch.setattr(chains, "CHECKPOINT", 1)
    config, original, calls = replace(together.config, out=tmp_path / "grid"), getattr(module, name), []

    def stopping(*given, **named):
        calls.append(1)
        if len(calls) == call and when == "before":
            raise KeyboardInterrupt
        original(*given, **named)
        if len(calls) == call:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, name, stopping)
        with pytest.raises(KeyboardInterrupt):
            grid.run(config)
    grid.run(config)
    assert rows(config.out) == rows(together.out)
    same_arrays(observations(config.out), observations(together.out))


def check_stopped(found, expected):
    """The rows of a grid whose second lane of smoothing has diverged in generation 2, beside those of a sound one."""
    died = ("smoothing", 1.0, 1, 1)
    assert expected.keys() - found.keys() == {(*died, 3)}
    assert found.keys() <= expected.keys()
    last = found[*died, 2]
    assert last["stopped"] == "nan"
    assert not np.isfinite(record.number(last["loss"]))
    for at in found.keys() - {(*died, 2)}:
        assert found[at] == expected[at]


def refuse_damaged(config):
    """A checkpoint that cannot be read is named."""
    path = next(config.out.rglob("generation_0002.msgpack"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="generation_0002.msgpack: truncated or corrupt"):
        grid.run(config)


def test_a_grid_of_other_data_is_refused(apart, tmp_path, monkeypatch):
    shutil.copytree(apart.out, tmp_path / "grid")
    load = setup.load
    monkeypatch.setattr(setup, "load", lambda config: load(config)._replace(digest="other"))
    with pytest.raises(ConfigError, match="holds a grid on other data than --data"):
        grid.run(replace(apart.config, out=tmp_path / "grid", seeds=3))
