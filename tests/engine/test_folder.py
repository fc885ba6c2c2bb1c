"""What is read of a grid's folder: lanes that died, files that are broken."""

import grid_made
import numpy as np
import pytest
from grid_made import made_grid
from selfloop.domains.motion.grid import evidence

from selfloop.errors import DataError


@pytest.fixture
def held(tmp_path):
    evidence.observed.cache_clear()
    return evidence.lanes(made_grid(tmp_path))


def test_every_chain_is_found_once(held):
    assert len(held) == 2 * 3 * 3
    assert sum(one.twin for one in held) == 9
    for one in held:
        assert len(evidence.trace(one, "features")) == 1 + (grid_made.TWINS if one.twin else grid_made.GENERATIONS)


def test_a_lane_that_died_ends_where_it_died(held):
    lane = held[0]
    path = lane.folder / "generation_0003.npz"
    with np.load(path) as arrays:
        broken = dict(arrays)
    broken["features"][lane.index] = np.nan
    np.savez(path, **broken)
    assert list(evidence.trace(lane, "features")) == [0, 1, 2]
    other = next(one for one in held if one.folder == lane.folder and one.index != lane.index)
    assert len(evidence.trace(other, "features")) > 3


def test_a_file_that_cannot_be_read_is_named(held):
    path = held[0].folder / "generation_0002.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"generation_0002\.npz: cannot be read"):
        evidence.trace(held[0], "features")
