"""Checkpoints: a pytree of arrays in one msgpack file, replaced in one step and checked when read.

The file holds a map from each leaf's path in the tree to the leaf, and a CRC-32 of that map. Same tree, same bytes.
Large leaves of mostly zero bytes (tables of counts, memories that are not full) are compressed; all come back bit for
bit.
"""

import math
import re
import zlib
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.errors import DataError
from selfloop.runs import files

Tree = TypeVar("Tree")
_NAME = re.compile(r"generation_(\d+)\.msgpack")
LARGE = 1 << 16
"""Bytes from which a leaf may be compressed; weights of networks, which have few zero bytes, never are."""


def save(path: str | Path, tree: Any) -> None:
    """Write a pytree of arrays, Python numbers and PRNG keys.

    Raises:
        SelfloopError: where the file cannot be written (disk full); an older file is then untouched.
    """
    named = jax.tree_util.tree_leaves_with_path(tree)
    leaves = {jax.tree_util.keystr(at): _packed(_stored(leaf)) for at, leaf in named}
    from flax import serialization  # seconds to import, which `import selfloop` need not take

    data = serialization.msgpack_serialize(leaves)
    files.replace(path, data + _checksum(data))


def load(path: str | Path, like: Tree, grown: int | None = None) -> Tree:
    """Read what `save` wrote, in the structure of ``like``, whose leaves (arrays, shapes, numbers) say what to expect.

    Leaves come back as what ``like`` holds: numpy arrays for numpy arrays, numbers for Python numbers, else JAX arrays.
    A leaf that was shorter along axis ``grown`` of numpy arrays ends with what ``like`` holds there.

    Raises:
        DataError: where the file is absent, truncated or corrupt, or holds other paths, shapes or dtypes than ``like``.
    """
    leaves = _read(Path(path))
    expected, structure = jax.tree_util.tree_flatten_with_path(like)
    names = [jax.tree_util.keystr(at) for at, _ in expected]
    if other := sorted(set(names) ^ leaves.keys()):
        raise DataError(f"{path}: holds another state: {_some(other)} on one side only; start anew in another folder")
    restored = [
        _restored(f"{path}: {name}", _filled(leaves[name], leaf, grown), leaf)
        for name, (_, leaf) in zip(names, expected, strict=True)
    ]
    return jax.tree.unflatten(structure, restored)


def name(folder: str | Path, generation: int) -> Path:
    """Where a generation's checkpoint lies: ``generation_0007.msgpack``."""
    return Path(folder) / f"generation_{generation:04d}.msgpack"


def latest(folder: str | Path, upto: float = math.inf) -> int | None:
    """The last generation, ``upto`` at most, with a checkpoint in ``folder``, or None."""
    return max((t for t in _generations(Path(folder)) if t <= upto), default=None)


def prune(folder: str | Path, keep_last: int = 2, every: int = 10) -> None:
    """Remove all checkpoints but the last ``keep_last``, each ``every``-th and 0; and what kills left over."""
    folder = Path(folder)
    found = _generations(folder)
    for generation in sorted(found)[: max(len(found) - keep_last, 0)]:
        if generation % every:
            files.remove_quietly(found[generation])
    for stale in folder.glob(".generation_*.msgpack.*.tmp"):
        files.remove_quietly(stale)


def _generations(folder: Path) -> dict[int, Path]:
    matches = [(_NAME.fullmatch(path.name), path) for path in folder.glob("generation_*.msgpack")]
    return {int(match[1]): path for match, path in matches if match}


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _stored(leaf: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(leaf) if _is_key(leaf) else leaf)


def _packed(value: np.ndarray) -> np.ndarray | dict[str, Any]:
    """The leaf, or how it is stored where more than half of its bytes are 0."""
    if value.nbytes < LARGE:
        return value
    held = np.ascontiguousarray(value)
    if 2 * np.count_nonzero(held.reshape(-1).view(np.uint8)) >= value.nbytes:
        return value
    return {"zlib": zlib.compress(held, 1), "dtype": value.dtype.name, "shape": list(value.shape)}


def _unpacked(stored: Any) -> np.ndarray:
    if not isinstance(stored, dict):
        return stored
    return np.frombuffer(zlib.decompress(stored["zlib"]), jnp.dtype(stored["dtype"])).reshape(stored["shape"])


def _filled(value: np.ndarray, like: Any, axis: int | None) -> np.ndarray:
    """The value with the end of ``like`` after it, where only its length along the axis falls short."""
    if axis is None or value.ndim <= axis or np.ndim(like) != value.ndim or value.shape[axis] >= like.shape[axis]:
        return value
    rest = np.take(like, np.arange(value.shape[axis], like.shape[axis]), axis)
    same = [a == b for i, (a, b) in enumerate(zip(value.shape, like.shape, strict=True)) if i != axis]
    return np.concatenate([value, rest.astype(value.dtype)], axis) if all(same) else value


def _restored(where: str, value: np.ndarray, like: Any) -> Any:
    if _is_key(like):
        data = jax.eval_shape(jax.random.key_data, like)
        return jax.random.wrap_key_data(_restored(where, value, data), impl=jax.random.key_impl(jnp.empty_like(like)))
    shape, dtype = np.shape(like), np.dtype(getattr(like, "dtype", None) or type(like))
    if value.shape != shape or value.dtype != dtype:
        raise DataError(f"{where} is {value.dtype}{list(value.shape)}, expected {dtype}{list(shape)}; start anew")
    if isinstance(like, np.ndarray | np.generic):
        return value.copy()
    return value.item() if isinstance(like, bool | int | float) else jnp.array(value)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    body, checksum = data[:-5], data[-5:]
    if not body or checksum != _checksum(body):
        raise DataError(f"{path}: truncated or corrupt; remove it to continue from the checkpoint before it")
    from flax import serialization

    return {name: _unpacked(stored) for name, stored in serialization.msgpack_restore(body).items()}


def _checksum(data: bytes) -> bytes:
    """CRC-32 as a msgpack uint32, so that the file stays a msgpack stream."""
    return b"\xce" + zlib.crc32(data).to_bytes(4, "big")


def _some(names: list[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
