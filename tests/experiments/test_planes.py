"""Planes of Gaussian loops: chunks, rates and errors against the theory, and memory."""

import jax
import numpy as np
import planes
import pytest
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(1, 256), min_size=1, max_size=60), st.integers(1, 9))
def test_chunks_hold_every_cell_once_under_its_bound(m, size):
    m = np.asarray(m)
    found = list(planes.chunks(m, size))
    assert sorted(np.concatenate([cells for _, cells in found]).tolist()) == list(range(len(m)))
    for most, cells in found:
        assert len(cells) <= size
        assert (m[cells] <= most).all()


def test_rates_and_errors_are_the_theorys(monkeypatch):
    monkeypatch.setattr(planes, "CHAINS", 1600)  # several chunks, the last one padded
    m, gamma = np.asarray([5, 25, 20, 10, 25]), np.asarray([0.0, 0.0, 0.5, 2.0, np.inf], np.float32)
    cells, ticks = planes.Cells(np.full(5, 50, np.int32), m.astype(np.int32), gamma, 2), []
    found = planes.measure(cells, 400, 80, 0, ticks.append)
    assert sum(ticks) == 5
    assert (np.abs(found.rate - found.rate_exact) <= 5 * found.rate_error + 1e-6).all()
    assert (np.abs(found.s - found.s_exact) < 5 * found.s_error).all()
    assert found.rate_exact == pytest.approx(m / 50 / (1 + m / 50) / (1 + gamma.astype(float)))


@pytest.mark.slow
def test_memory_does_not_grow_with_generations():
    def temporary(generations):
        program = planes._program(2, 25, 4, generations)
        shapes = [jax.ShapeDtypeStruct((3,), dtype) for dtype in ("int32", "int32", "float32")]
        keys = jax.random.split(jax.random.key(0), 3)
        return program.lower(keys, *shapes).compile().memory_analysis().temp_size_in_bytes

    assert abs(temporary(2000) - temporary(20)) < 100_000 / 3  # the generations' numbers alone, an int32 each
