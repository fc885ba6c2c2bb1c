"""The battery of laws that every corrector keeps, of the library and of every domain.

Each law takes a `Subject`; tests run all of `LAWS` over all rows of a table of correctors, and `POINTWISE` over those
rows that say they are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch, concatenate, keep, take

SICK = 2
"""The row that laws make not finite."""


class Subject(NamedTuple):
    """A corrector, samples that suit it, and how its domain measures a distance."""

    correct: Callable[[int, Batch], tuple[Batch, dict[str, jax.Array]]]
    """``correct(seed, batch)``."""
    samples: Callable[[int, int], Batch]
    """``samples(seed, n)``: present samples with conditions."""
    distance: Callable[[Batch, Any], Any]
    """``distance(batch, x)`` [n]: how far samples moved that have become ``x``, in the domain's unit."""
    slack: float = 1e-5
    """What rounding may change in a sample, and relatively in a distance."""
    n: int = 8


def shapes_dtypes_and_keys(subject: Subject) -> None:
    batch = subject.samples(0, subject.n)
    corrected, info = subject.correct(1, batch)
    look = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)  # noqa: E731
    assert look(corrected) == look(batch)
    assert {"moved", "failed"} <= info.keys()
    assert {value.shape[0] for value in info.values()} == {subject.n}
    assert (info["failed"].shape, info["failed"].dtype) == ((subject.n,), bool)
    assert (info["moved"].shape, info["moved"].dtype) == ((subject.n,), batch.weight.dtype)


def conditions_stay(subject: Subject) -> None:
    batch = subject.samples(0, subject.n)
    jax.tree.map(np.testing.assert_array_equal, subject.correct(1, batch)[0].cond, batch.cond)


def weights_are_none_for_what_failed_and_never_negative(subject: Subject) -> None:
    batch = subject.samples(0, subject.n)
    corrected, info = subject.correct(1, batch)
    assert (np.asarray(corrected.weight) >= 0).all()
    np.testing.assert_array_equal(np.asarray(corrected.weight)[np.asarray(info["failed"])], 0)
    same_at(info["failed"], corrected.x, batch.x)
    np.testing.assert_array_equal(np.asarray(info["moved"])[np.asarray(info["failed"])], 0)


def moved_is_the_distance_in_the_domains_unit(subject: Subject) -> None:
    batch = subject.samples(3, subject.n)
    corrected, info = subject.correct(1, batch)
    expected = np.where(info["failed"], 0, subject.distance(batch, corrected.x))
    np.testing.assert_allclose(info["moved"], expected, rtol=10 * subject.slack, atol=10 * subject.slack)


def what_is_not_finite_fails_and_spoils_no_other(subject: Subject) -> None:
    """As if the sick sample were absent: the same others fail, and come to the same."""
    batch = subject.samples(4, subject.n)
    well = np.arange(subject.n) != SICK
    absent, known = subject.correct(1, keep(batch, jnp.asarray(well)))
    for value in (np.nan, np.inf, -np.inf):
        corrected, info = subject.correct(1, with_value(batch, value))
        np.testing.assert_array_equal(info["failed"][well], known["failed"][well])
        assert info["failed"][SICK]
        assert corrected.weight[SICK] == info["moved"][SICK] == 0
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((corrected.x, corrected.weight, info)))
        same_at(well, corrected.x, absent.x, subject.slack)
        same_at(~well, corrected.x, with_value(batch, 0).x)


def what_comes_out_is_finite(subject: Subject) -> None:
    """Of huge samples too, which may fail."""
    batch = subject.samples(5, subject.n)
    for size in (1e3, 1e30):
        huge = batch._replace(x=jax.tree.map(lambda leaf, size=size: scaled(leaf, size), batch.x))
        corrected, info = subject.correct(1, huge)
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((corrected.x, corrected.weight, info)))


def absent_samples_stay_absent_and_have_no_influence(subject: Subject) -> None:
    present = np.arange(subject.n) % 3 > 0
    blank = keep(subject.samples(6, subject.n), jnp.asarray(present))
    other = keep(subject.samples(7, subject.n), jnp.asarray(~present))
    filled = blank._replace(x=jax.tree.map(jnp.add, blank.x, other.x))
    (one, known), (two, info) = (subject.correct(1, batch) for batch in (blank, filled))
    np.testing.assert_array_equal(two.weight[~present], 0)
    np.testing.assert_array_equal(one.weight, two.weight)
    np.testing.assert_array_equal(known["failed"][present], info["failed"][present])
    same_at(present, one.x, two.x, subject.slack)


def the_key_is_all_its_chance(subject: Subject) -> None:
    batch = subject.samples(8, subject.n)
    jax.tree.map(np.testing.assert_array_equal, subject.correct(1, batch), subject.correct(1, batch))


def order_company_and_key_are_nothing(subject: Subject) -> None:
    batch, order = subject.samples(9, subject.n), np.random.default_rng(0).permutation(subject.n)
    half = subject.n // 2
    company = concatenate(take(batch, slice(half)), subject.samples(10, subject.n - half))
    whole, known = subject.correct(1, batch)
    for given, rows, key in ((take(batch, order), order, 2), (company, np.arange(half), 3)):
        corrected, info = subject.correct(key, given)
        some = slice(len(rows))
        np.testing.assert_array_equal(info["failed"][some], known["failed"][rows])
        same_at(slice(None), take_x(corrected.x, some), take_x(whole.x, rows), subject.slack)


LAWS = (
    shapes_dtypes_and_keys,
    conditions_stay,
    weights_are_none_for_what_failed_and_never_negative,
    moved_is_the_distance_in_the_domains_unit,
    what_is_not_finite_fails_and_spoils_no_other,
    what_comes_out_is_finite,
    absent_samples_stay_absent_and_have_no_influence,
    the_key_is_all_its_chance,
)
POINTWISE = (order_company_and_key_are_nothing,)


def with_value(batch: Batch, value: float) -> Batch:
    """The batch, its row `SICK` holding ``value`` in one place of every leaf of real numbers."""

    def leaf(one: jax.Array) -> jax.Array:
        return one.at[(SICK, *(size // 2 for size in one.shape[1:]))].set(value) if real(one) else one

    return batch._replace(x=jax.tree.map(leaf, batch.x))


def scaled(leaf: jax.Array, size: float) -> jax.Array:
    return leaf * jnp.asarray(size, leaf.dtype) if real(leaf) else leaf


def real(leaf: jax.Array) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def take_x(x: Any, rows: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], x)


def same_at(rows: Any, one: Any, other: Any, slack: float = 0) -> None:
    """Rows of two pytrees are alike, up to ``slack`` of their size."""
    rows = np.asarray(rows) if not isinstance(rows, slice) else rows
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(np.asarray(a)[rows], np.asarray(b)[rows], rtol=slack, atol=slack),
        one,
        other,
    )
