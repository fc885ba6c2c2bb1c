"""Many chains of one shape as one compiled program: a leading lane axis, spread over the devices at hand.

A *lane* is one chain of a loop. Lanes differ in their keys, states and in settings that are leaves (lambda, gamma);
they share sizes, the real data and the code. What is a function of one lane becomes a function of all by `over_lanes`.
No lane ever sees another, so devices exchange nothing, and a result does not depend on its company but for rounding.
Shapes: L lanes, a multiple of the number of devices (`mine` fills up).
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from selfloop.errors import ConfigError

AXIS = "lane"


def lane_mesh(devices: Sequence[Any] | None = None) -> Mesh:
    """The devices (by default all, those of other processes too) as one axis of lanes."""
    return Mesh(np.array(jax.devices() if devices is None else list(devices)), (AXIS,))


def over_lanes(function: Callable, mesh: Mesh) -> Callable:
    """Compile ``function(shared, *own) -> result`` of one lane into one of all lanes.

    Every leaf of ``own`` and of the result gets a leading axis [L], which is split evenly over the mesh and mapped on
    each device; ``shared`` (real data, a reference) is the same for all lanes and held by every device.
    """
    one, many = PartitionSpec(), PartitionSpec(AXIS)

    def local(shared: Any, own: tuple) -> Any:
        return jax.vmap(lambda *own: function(shared, *own))(*own)

    mapped = jax.jit(jax.shard_map(local, mesh=mesh, in_specs=(one, many), out_specs=many, check_vma=False))
    return lambda shared, *own: mapped(shared, own)


def place(tree: Any, mesh: Mesh) -> Any:
    """A pytree of this process's lanes [own, ...] as one of all lanes [L, ...], each on its device."""
    sharding = NamedSharding(mesh, PartitionSpec(AXIS))
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, np.asarray(leaf)), tree)


def everywhere(tree: Any, mesh: Mesh) -> Any:
    """A pytree that all lanes share, on every device."""
    sharding = NamedSharding(mesh, PartitionSpec())
    return jax.tree.map(lambda leaf: jax.make_array_from_process_local_data(sharding, np.asarray(leaf)), tree)


def own(tree: Any) -> Any:
    """The lanes [own, ...] of this process, in the host's memory: the inverse of `place`."""
    return jax.tree.map(_own, tree)


def _own(leaf: Array) -> np.ndarray:
    if leaf.is_fully_addressable:
        return np.asarray(leaf)
    shards = sorted(leaf.addressable_shards, key=lambda shard: shard.index[0].start)
    return np.concatenate([np.asarray(shard.data) for shard in shards])


def mine(count: int, mesh: Mesh) -> np.ndarray:
    """Which of ``count`` lanes this process runs: indices [own], those of its devices in the mesh's order.

    The last lane is repeated until their number L is a multiple of the devices.

    Raises:
        ConfigError: no lane.
    """
    if count < 1:
        raise ConfigError(f"{count} lanes; give at least one chain to run")
    return np.minimum(_slots(count, mesh), count - 1)


def genuine(count: int, mesh: Mesh) -> int:
    """How many of `mine` are no repetitions: the first ones. Over all processes they add up to ``count``."""
    return int(np.sum(_slots(count, mesh) < count))


def _slots(count: int, mesh: Mesh) -> np.ndarray:
    """The places [own] of this process among the L of all devices, in ascending order."""
    each = -(-count // mesh.size)
    here = [i for i, device in enumerate(mesh.devices.flat) if device.process_index == jax.process_index()]
    return np.concatenate([np.arange(i * each, (i + 1) * each) for i in here])


def stacked(trees: Sequence[Any]) -> Any:
    """Lanes' pytrees of host arrays as one, with a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def one_lane(tree: Any, i: int) -> Any:
    """The pytree of lane i."""
    return jax.tree.map(lambda leaf: leaf[i], tree)


def sound(tree: Any) -> Array:
    """Whether one lane's pytree holds only finite numbers in its floating leaves: a lane that does not has diverged."""
    leaves = [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()
