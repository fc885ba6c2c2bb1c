"""Correctors that learn while the loop runs, chain by chain: what each has learned, and its next lesson.

Chains of other arms have learned nothing, so that what is learned is kept by arm, stacked over that arm's chains: one
more part of the carry, checkpointed and resumed with the rest. Shapes: L chains, A chains of an arm.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from selfloop.batch import Batch
from selfloop.contracts import adapted
from selfloop.engine.chains import host, one_chain, stacked
from selfloop.engine.plan import Chain
from selfloop.loop import first_corrector, role_key
from selfloop.protocols import Adaptive, Corrector

Learned = dict[str, Any]
"""By arm, of those whose corrector learns: what its chains have learned [A, ...], in the host's memory."""


def start(chains: Sequence[Chain], correctors: Mapping[str, Corrector | Adaptive], real: Batch) -> Learned:
    """What correctors know before the first generation."""
    found: Learned = {}
    for arm, mine in _learning(chains, correctors).items():
        each = [first_corrector(correctors[arm], jax.random.key(chains[i].seed), real) for i in mine]
        found[arm] = stacked(list(map(host, each)))
    return found


def adapt(
    chains: Sequence[Chain],
    correctors: Mapping[str, Corrector | Adaptive],
    t: int,
    reals: Sequence[Batch],
    raw: Batch,
    learned: Learned,
) -> Learned:
    """What they know once they have seen the samples [L, N, ...] of generation t, beside each chain's real data."""
    found: Learned = {}
    for arm, mine in _learning(chains, correctors).items():
        each = []
        for place, i in enumerate(mine):
            key = role_key(jax.random.key(chains[i].seed), t, "adapt")
            own, seen = (jax.tree.map(jnp.asarray, one_chain(*one)) for one in ((learned[arm], place), (raw, i)))
            after = adapted(correctors[arm], key, jnp.asarray(t, jnp.int32), reals[i], seen, own)
            each.append(host(after))
        found[arm] = stacked(each)
    return found


def by_chain(chains: Sequence[Chain], learned: Learned) -> list[Any]:
    """What the corrector of every chain has learned [L]; () of one that does not learn."""
    places, found = dict.fromkeys(learned, 0), []
    for chain in chains:
        if chain.arm not in learned:
            found.append(())
            continue
        found.append(jax.tree.map(jnp.asarray, one_chain(learned[chain.arm], places[chain.arm])))
        places[chain.arm] += 1
    return found


def _learning(chains: Sequence[Chain], correctors: Mapping[str, Corrector | Adaptive]) -> dict[str, list[int]]:
    """The chains of each arm whose corrector learns."""
    learns = [arm for arm, one in correctors.items() if isinstance(one, Adaptive)]
    return {arm: [i for i, chain in enumerate(chains) if chain.arm == arm] for arm in learns}
