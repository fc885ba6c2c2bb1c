"""Blocks: every lane in exactly one, of one shape; what is known is never planned again; what is written is read."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selfloop.domains.motion.grid import blocks
from tests.domains.motion.grid.test_grid_config import grids

from selfloop.engine.plan import Block, Lane
from selfloop.engine.settings import GridConfig, cells
from selfloop.errors import DataError

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
plans = st.builds(
    replace, grids(), seeds=st.integers(2, 4), twins=st.sampled_from((0, 2, 100)), together=st.sampled_from((1, 3, 64))
)


def wanted(config):
    """Every lane that the grid asks for, with its n, guidance and number of generations."""
    found = set()
    for cell in cells(config):
        for seed in range(config.seeds):
            found.add((cell.n, cell.guidance, config.generations, Lane(cell.arm, cell.lam, seed, seed)))
            if config.twins:
                twin = Lane(cell.arm, cell.lam, seed, (seed + 1) % config.seeds)
                found.add((cell.n, cell.guidance, min(config.twins, config.generations), twin))
    return found


def held(planned):
    """The same of blocks, as a list."""
    return [(block.n, block.guidance, block.generations, lane) for block in planned for lane in block.lanes]


@FEW
@given(plans)
def test_every_lane_is_in_exactly_one_block(config):
    found = held(blocks.plan(config))
    assert len(set(found)) == len(found)
    assert set(found) == wanted(config)


@FEW
@given(plans)
def test_lanes_of_a_block_are_of_one_shape(config):
    planned = blocks.plan(config)
    for block in planned:
        packed = {(lane.arm, lane.lam) for lane in block.lanes}
        assert len(packed) <= config.together
        assert len({lane.seed == lane.start for lane in block.lanes}) == 1
        assert block.synthetic == max(max(1, int(lane.lam * block.n)) for lane in block.lanes)
        if "accumulate" in {arm for arm, _ in packed}:
            assert len(packed) == 1
    twins = [any(lane.seed != lane.start for lane in block.lanes) for block in planned]
    assert twins == sorted(twins)


@FEW
@given(plans)
def test_as_many_as_may_go_together_do(config):
    planned = blocks.plan(config)
    for n in config.n:
        for guidance in config.guidance:
            here = [cell for cell in cells(config) if (cell.n, cell.guidance) == (n, guidance)]
            alone = sum(cell.arm == "accumulate" for cell in here)
            most = -(-(len(here) - alone) // config.together) + alone
            chains = [block for block in planned if (block.n, block.guidance) == (n, guidance)]
            chains = [block for block in chains if all(lane.seed == lane.start for lane in block.lanes)]
            assert len(chains) == most


@FEW
@given(plans, grids(), st.integers(0, 3), st.sampled_from((1, 2, 64)))
def test_what_is_known_stays_as_it_is_when_more_is_asked_for(config, other, seeds, together):
    known = blocks.plan(config)

    def both(name):
        return tuple(dict.fromkeys(getattr(config, name) + getattr(other, name)))

    more = replace(config, **{name: both(name) for name in ("n", "lam", "guidance", "arms")})
    more = replace(more, seeds=config.seeds + seeds, together=together)
    planned = blocks.plan(more, known)
    assert set(known) <= set(planned)
    found = held(planned)
    assert len(set(found)) == len(found)
    # A twin of fewer seeds starts from another one: the last one's is computed again from its new neighbour.
    assert wanted(more) <= set(found) <= wanted(more) | set(held(known))
    assert set(blocks.plan(more, planned)) == set(planned)


@FEW
@given(plans)
def test_what_is_not_asked_for_is_left_alone(config):
    known = blocks.plan(config)
    less = replace(config, arms=config.arms[:1], lam=config.lam[:1], skip=())
    planned = blocks.plan(replace(less, together=1), known)
    for block in planned:
        assert block in known or not set(held([block])) & set(held(known))
    assert wanted(less) <= set(held(planned))


def test_other_schedules_are_other_blocks():
    config = GridConfig(n=(64,), first_steps=(2000,), twins=0, skip=())
    known = blocks.plan(config)
    for changes in ({"steps": (60,)}, {"first_steps": (2001,)}, {"generations": 60}):
        assert not set(blocks.plan(replace(config, **changes), known)) & set(known)


@FEW
@given(plans)
def test_names_are_one_to_one_and_fit_a_file_system(config):
    planned = blocks.plan(config)
    names = [block.name for block in planned]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_.+-]{1,200}", name)


def test_long_names_differ_where_blocks_do():
    lanes = tuple(Lane("nearest_real", 0.001 + i / 7, seed, seed) for i in range(60) for seed in range(2))
    block = Block(64, 1.0, 500, 10, 4, 2, lanes)
    other = replace(block, lanes=lanes[:-1])
    assert block.name != other.name
    assert max(len(block.name), len(other.name)) <= 150


@settings(FEW, max_examples=5)
@given(plans)
def test_what_is_stored_is_found_again(tmp_path_factory, config):
    out, planned = tmp_path_factory.mktemp("grid"), blocks.plan(config)[:5]
    for block in planned:
        blocks.store(out, block)
    found = blocks.stored(out)
    assert sorted(found, key=str) == sorted(planned, key=str)
    for block in found:
        assert blocks.folder_of(out, block) == out / "blocks" / block.name
        assert not blocks.finished(out, block)
    for block in planned:
        (blocks.folder_of(out, block) / "done").touch()
    assert all(blocks.finished(out, block) for block in found)


def test_a_folder_that_was_only_begun_holds_no_block(tmp_path):
    (tmp_path / "blocks" / "begun").mkdir(parents=True)
    assert blocks.stored(tmp_path) == []
    assert blocks.stored(tmp_path / "nowhere") == []


def _description(**changes):
    lanes = [Lane("baseline", 0.0, 0, 0)._asdict()]
    return asdict(Block(8, 1.0, 1, 3, 4, 2, ())) | {"lanes": lanes} | changes


@pytest.mark.parametrize(
    "text",
    [
        "",
        json.dumps(_description())[:-20],
        "[]",
        "{}",
        json.dumps(_description(lanes=None)),
        json.dumps(_description(lanes=[{"arm": "baseline"}])),
        json.dumps(_description(more=1)),
        json.dumps({name: value for name, value in _description().items() if name != "steps"}),
    ],
)
def test_a_damaged_description_is_named(tmp_path, text):
    path = Path(tmp_path / "blocks" / "one" / "block.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(_description()))
    assert len(blocks.stored(tmp_path)) == 1
    path.write_text(text)
    with pytest.raises(DataError) as error:
        blocks.stored(tmp_path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
