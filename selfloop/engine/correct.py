"""Correction of many chains: each by its own arm's corrector, together where the corrector allows it.

Shapes: L chains, N samples a chain.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop.batch import Batch
from selfloop.contracts import corrected
from selfloop.engine.chains import one_chain
from selfloop.engine.domain import Arm
from selfloop.engine.plan import Chain
from selfloop.loop import now
from selfloop.protocols import Adaptive, Corrector, identity


def correct_chains(
    arms: Mapping[str, Arm],
    chains: Sequence[Chain],
    correctors: Mapping[str, Corrector | Adaptive],
    keys: Sequence[Array],
    raw: Batch,
    states: Any = None,
    learned: Sequence[Any] = (),
) -> tuple[Batch, dict[str, np.ndarray]]:
    """The corrected batch [L, N, ...], and ``failed``, ``moved`` and what else correctors tell [L, N], NaN for chains
    whose corrector does not; everything is in the host's memory.

    ``learned`` is what each chain's corrector has learned, where it is one that does (`engine.adapt`). Samples of
    chains of one arm are corrected in one call where its corrector looks at each alone; else each chain has
    its own call with its own key and state.
    """
    x, weight = jax.tree.map(np.array, raw.x), np.array(raw.weight)
    info = {"failed": np.zeros(weight.shape, bool), "moved": np.zeros(weight.shape, weight.dtype)}
    for arm in dict.fromkeys(chain.arm for chain in chains):
        mine = [i for i, chain in enumerate(chains) if chain.arm == arm]
        learns = isinstance(correctors[arm], Adaptive)
        pointwise = (arms[arm].pointwise or correctors[arm] is identity) and not learns
        for group in [mine] if pointwise else [[i] for i in mine]:
            part = jax.tree.map(lambda leaf, group=group: jnp.asarray(leaf[group].reshape(-1, *leaf.shape[2:])), raw)
            state = None if pointwise or states is None else one_chain(states, group[0])
            corrector = now(correctors[arm], learned[group[0]] if learns else ())
            fixed, found = corrected(corrector, keys[group[0]], part, state)
            for into, values in zip(jax.tree.leaves(x), jax.tree.leaves(fixed.x), strict=True):
                into[group] = _apart(values, len(group))
            weight[group] = _apart(fixed.weight, len(group))
            for name, values in found.items():
                if name not in info:
                    info[name] = np.full(weight.shape, np.nan, weight.dtype)
                info[name][group] = _apart(values, len(group))
    return raw._replace(x=x, weight=weight), info


def _apart(leaf: Any, count: int) -> np.ndarray:
    """Samples of ``count`` chains in a row, each chain's by itself."""
    leaf = np.asarray(leaf)
    return leaf.reshape(count, -1, *leaf.shape[1:])
