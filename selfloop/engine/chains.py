"""Vectorised chains: many chains of one shape as one compiled program, spread over the devices of this process.

Chains differ in their keys, states and in settings that are leaves (lambda, gamma); they share sizes, the real data and
the code. What is a function of one chain becomes a function of all by `over_chains`. No chain ever sees another, so
devices exchange nothing, and a result does not depend on its company but for rounding.
Shapes: C chains, filled up (`filled`) to L, a multiple of the number of devices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from selfloop.errors import ConfigError

AXIS = "chain"


def chain_mesh(devices: Sequence[Any] | None = None) -> Mesh:
    """The devices (by default all of this process) as one axis of chains."""
    return Mesh(np.array(jax.local_devices() if devices is None else list(devices)), (AXIS,))


@dataclass(frozen=True)
class AllChains:
    """A function of one chain, as `over_chains` makes it one of all chains; called as ``(shared, *own)``."""

    mapped: Any

    def __call__(self, shared: Any, *own: Any) -> Any:
        """The results of all chains [L, ...]."""
        return self.mapped(shared, own)

    def shapes(self, shared: Any, *own: Any) -> Any:
        """Shapes and dtypes of the result, for arguments of which only these need be known."""
        return jax.eval_shape(self.mapped, shared, own)

    def compile(self, shared: Any, *own: Any) -> None:
        """Make the first call with such arguments find its program; they need shapes, dtypes and places alone."""
        self.mapped.lower(shared, own).compile()


def over_chains(function: Callable, mesh: Mesh) -> AllChains:
    """Compile ``function(shared, *own) -> result`` of one chain into one of all chains.

    Every leaf of ``own`` and of the result gets a leading axis [L], which is split evenly over the mesh and mapped on
    each device; ``shared`` (real data, a reference) is the same for all chains and held by every device.
    """
    one, many = PartitionSpec(), PartitionSpec(AXIS)

    def local(shared: Any, own: tuple) -> Any:
        return jax.vmap(lambda *own: function(shared, *own))(*own)

    return AllChains(jax.jit(jax.shard_map(local, mesh=mesh, in_specs=(one, many), out_specs=many, check_vma=False)))


def one_by_one(function: Callable, mesh: Mesh) -> Callable:
    """The same as `over_chains` for a function that cannot be compiled: chain after chain, on concrete arrays.

    Nothing of it runs inside a program, as a callback would, which can wait for ever for a thread to copy its arrays.
    """

    def run(shared: Any, *own: Any) -> Any:
        shared, own = jax.tree.map(jnp.asarray, host(shared)), host(own)
        count = len(jax.tree.leaves(own)[0])
        found = [host(function(shared, *jax.tree.map(jnp.asarray, one_chain(own, i)))) for i in range(count)]
        return place(stacked(found), mesh)

    return run


def place(tree: Any, mesh: Mesh) -> Any:
    """A pytree of host arrays [L, ...] with each chain on its device."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec(AXIS)))


def placed(tree: Any, mesh: Mesh) -> Any:
    """Shapes and dtypes [L, ...] as those of arrays that `place` has placed."""
    each = NamedSharding(mesh, PartitionSpec(AXIS))
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=each), tree)


def everywhere(tree: Any, mesh: Mesh) -> Any:
    """A pytree that all chains share, on every device."""
    return jax.device_put(tree, NamedSharding(mesh, PartitionSpec()))


def host(tree: Any) -> Any:
    """The same pytree in the host's memory: the inverse of `place`."""
    return jax.tree.map(np.asarray, tree)


def filled(count: int, mesh: Mesh) -> np.ndarray:
    """Indices [L] of ``count`` chains, the last repeated until their number is a multiple of the devices.

    Raises:
        ConfigError: no chain.
    """
    if count < 1:
        raise ConfigError(f"{count} chains; give at least one to run")
    return np.minimum(np.arange(-(-count // mesh.size) * mesh.size), count - 1)


def stacked(trees: Sequence[Any]) -> Any:
    """Chains' pytrees of host arrays as one, with a leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def one_chain(tree: Any, i: int) -> Any:
    """The pytree of chain i."""
    return jax.tree.map(lambda leaf: leaf[i], tree)
