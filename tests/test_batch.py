"""What is refused of data, and when it can be known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import sources
from selfloop.batch import Batch, finite, uniform
from selfloop.errors import DataError


def spoilt(value, row=3):
    return uniform(jnp.ones((5, 2)).at[row, 1].set(value))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_told_by_its_row(value):
    with pytest.raises(DataError, match=r"the real data hold 1 of 5 samples .* row 3"):
        sources.fixed(spoilt(value))


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(DataError, match="row 2"):
        finite(Batch(jnp.ones((5, 2)), jnp.ones(5).at[2].set(weight)))


def test_absent_samples_and_labels_may_be_anything():
    batch = spoilt(float("nan"))._replace(weight=jnp.ones(5).at[3].set(0))
    assert finite(batch) is batch
    labels = uniform(jnp.arange(5))
    assert finite(labels) is labels


def test_traced_data_are_let_through_and_concrete_ones_checked_inside_a_trace():
    good, bad = uniform(jnp.ones((5, 2))), spoilt(float("nan"))
    np.testing.assert_array_equal(jax.jit(lambda x: finite(uniform(x)).x)(bad.x), bad.x)
    assert jax.jit(lambda scale: scale * finite(good).x.sum())(2.0) == 20
    with pytest.raises(DataError, match="row 3"):
        jax.jit(lambda scale: scale * finite(bad).x.sum())(2.0)


class Frame:
    """Stands for a data frame: knows how to become an array, and has no dtype."""

    def __init__(self, rows):
        self.rows = rows

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.rows, dtype)


@pytest.mark.parametrize("make", [lambda rows: rows, lambda rows: [tuple(row) for row in rows], np.array, Frame])
def test_rows_of_numbers_become_samples_however_they_are_held(make):
    rows = [[1.5, 2.0], [0.5, -1.0], [4.0, 3.25]]
    batch = uniform(make(rows))
    np.testing.assert_array_equal(batch.x, np.asarray(rows))
    assert batch.x.dtype == batch.weight.dtype == jnp.float32
    assert batch.capacity == 3


def test_a_tree_of_frames_stays_a_tree():
    batch = uniform({"a": Frame([1, 2]), "b": np.ones((2, 3))}, cond=[0, 1])
    assert jax.tree.map(jnp.shape, batch.x) == {"a": (2,), "b": (2, 3)}
    np.testing.assert_array_equal(batch.cond, [0, 1])
