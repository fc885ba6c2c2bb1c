"""Checkpoints: any tree comes back with its types, damage is noticed, old files survive a failed write."""

import os
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selfloop.errors import DataError, SelfloopError
from selfloop.runs import checkpoint
from tests.runs.disk import small_files


class Pair(NamedTuple):
    left: object
    right: object


arrays = st.sampled_from([np.bool_, np.int32, np.uint32, np.int64, np.float32, np.float64]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3))
)
leaves = arrays | st.none() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.booleans()
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.tuples(inner, inner).map(lambda pair: Pair(*pair))
        | st.dictionaries(st.text("ab/['].", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(a, b):
    kind = type(a) is type(b) or (isinstance(a, jax.Array) and isinstance(b, jax.Array))
    equal = np.asarray(a).dtype == np.asarray(b).dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return kind and np.shape(a) == np.shape(b) and equal


@settings(deadline=None)
@given(tree=trees)
def test_any_tree_comes_back(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("checkpoint")
    checkpoint.save(folder / "a.msgpack", tree)
    back = checkpoint.load(folder / "a.msgpack", tree)
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    assert all(map(same, jax.tree.leaves(back), jax.tree.leaves(tree)))
    checkpoint.save(folder / "b.msgpack", back)
    assert (folder / "a.msgpack").read_bytes() == (folder / "b.msgpack").read_bytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, jnp.bfloat16, np.bool_])
def test_a_table_of_mostly_zeros_takes_little_room_and_comes_back_bit_for_bit(tmp_path, dtype):
    table = np.zeros((4, 100_000), dtype)
    table[:, ::50] = np.arange(1, 2001) % 100
    if dtype == np.float32:
        table[0, :3] = -0.0, np.nan, 1e-45
    path = tmp_path / "a.msgpack"
    checkpoint.save(path, {"table": table})
    assert same(checkpoint.load(path, {"table": table})["table"], table)
    assert path.stat().st_size < table.nbytes / 10


def test_what_was_stored_as_it_is_is_still_read(tmp_path, monkeypatch):
    tree = {"table": np.zeros((4, 100_000), np.float32)}
    monkeypatch.setattr(checkpoint, "LARGE", 1 << 40)
    checkpoint.save(tmp_path / "a.msgpack", tree)
    assert (tmp_path / "a.msgpack").stat().st_size > tree["table"].nbytes
    monkeypatch.undo()
    assert same(checkpoint.load(tmp_path / "a.msgpack", tree)["table"], tree["table"])


def state():
    params = {"dense": {"kernel": jnp.full((3, 2), 0.1), "bias": jnp.zeros(2, jnp.bfloat16)}}
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3)).init(params)
    return Pair({"params": params, "optimiser": optimiser}, {"t": jnp.int32(3), "raw": jax.random.PRNGKey(2)})


def test_optimiser_state_and_keys(tmp_path):
    tree = (state(), jax.random.key(7), jax.random.split(jax.random.key(1, impl="rbg"), 3))
    checkpoint.save(tmp_path / "c", tree)
    back, key, many = checkpoint.load(tmp_path / "c", jax.eval_shape(lambda: tree))  # shapes alone are enough
    assert jax.tree.structure(back) == jax.tree.structure(tree[0])
    assert all(map(same, jax.tree.leaves(back), jax.tree.leaves(tree[0])))
    assert all(isinstance(leaf, jax.Array) and not leaf.weak_type for leaf in jax.tree.leaves(back))
    np.testing.assert_array_equal(jax.random.normal(key, (4,)), jax.random.normal(tree[1], (4,)))
    np.testing.assert_array_equal(jax.random.bits(many[2]), jax.random.bits(tree[2][2]))


def test_every_truncation_and_every_flipped_byte_is_noticed(tmp_path):
    path, tree = tmp_path / "generation_0001.msgpack", {"a": jnp.arange(3.0), "b": jnp.uint32(5)}
    checkpoint.save(path, tree)
    whole = path.read_bytes()
    damaged = [whole[:cut] for cut in range(len(whole))] + [whole + b"\0"]
    damaged += [whole[:i] + bytes([whole[i] ^ 0x10]) + whole[i + 1 :] for i in range(len(whole))]
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"generation_0001\.msgpack"):
            checkpoint.load(path, tree)


@pytest.mark.parametrize(
    ("like", "told"),
    [
        ({"a": jnp.zeros((2, 3))}, r"\['b'\]"),
        ({"a": jnp.zeros((2, 3)), "b": 1, "c": 2}, r"\['c'\]"),
        ({"a": jnp.zeros((3, 2)), "b": 1}, r"\['a'\] is float32\[2, 3\], expected float32\[3, 2\]"),
        ({"a": jnp.zeros((2, 3), jnp.int32), "b": 1}, r"\['a'\] is float32\[2, 3\], expected int32"),
        ({"a": jnp.zeros((2, 3)), "b": 1.0}, r"\['b'\] is int64\[\], expected float64"),
    ],
)
def test_another_state_is_refused(tmp_path, like, told):
    checkpoint.save(tmp_path / "c", {"a": jnp.zeros((2, 3)), "b": 1})
    with pytest.raises(DataError, match=told):
        checkpoint.load(tmp_path / "c", like)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(DataError, match="none"):
        checkpoint.load(tmp_path / "none", {})


def test_a_full_disk_keeps_the_old_file(tmp_path):
    path = tmp_path / "generation_0001.msgpack"
    checkpoint.save(path, {"a": jnp.zeros(2)})
    before = path.read_bytes()
    with small_files(200), pytest.raises(SelfloopError, match=r"0001\.msgpack: cannot .* [48]\d\d\d bytes are needed"):
        checkpoint.save(path, {"a": jnp.zeros(1000)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(SelfloopError, match="cannot be written"):
        checkpoint.save(tmp_path / "out" / "c", {})


def test_prune_keeps_the_last_every_tenth_and_the_first(tmp_path):
    assert checkpoint.latest(tmp_path) is None
    for generation in range(24):
        checkpoint.name(tmp_path, generation).touch()
        checkpoint.prune(tmp_path)
        left = {int(path.stem[-4:]) for path in tmp_path.glob("*.msgpack")}
        assert left == {g for g in range(generation + 1) if g % 10 == 0 or g > generation - 2}
        assert checkpoint.latest(tmp_path) == generation


def test_prune_leaves_other_files_and_clears_what_kills_left(tmp_path):
    others = {"generation_x.msgpack", "config.json", "generation_0001.msgpack.bak"}
    for name in [*others, ".generation_0003.msgpack.12.tmp", *(f"generation_{g:04d}.msgpack" for g in range(1, 5))]:
        (tmp_path / name).touch()
    checkpoint.prune(tmp_path, keep_last=1, every=3)
    assert set(os.listdir(tmp_path)) == others | {"generation_0003.msgpack", "generation_0004.msgpack"}
