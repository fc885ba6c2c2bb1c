"""A table of frequencies that trains on its own samples is a Wright-Fisher chain: it forgets all symbols but one."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import Batch
from selfloop.correctors.idealized import replacement
from selfloop.models.discrete import discrete
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early
from theory.shared import slips
from theory.shared.chains import chains, half_width

M = 3
GENERATIONS = 24
PROBS = np.array([0.4, 0.3, 0.2, 0.1])
GAMMA = np.array([0.0, 1.0])


def draw(key: jax.Array, n: int) -> jax.Array:
    """n symbols of the truth."""
    return jax.random.choice(key, PROBS.size, (n,), p=jnp.asarray(PROBS)).astype(jnp.int32)


def build(key: jax.Array, gamma: jax.Array) -> Loop:
    """m symbols a generation, from the generation before."""
    real = sources.fixed(Batch(draw(key, M), jnp.ones(M, jnp.float64)))
    return Loop(discrete(PROBS.size, jnp.float64), policies.replace(), real, M, replacement(draw, gamma))


def differs(m: int) -> np.ndarray:
    """E[1 - sum p_t^2] [T + 1], (1 - 1 / m)^(t + 1) of the truth's."""
    return (1 - (PROBS**2).sum()) * (1 - 1 / m) ** np.arange(1, GENERATIONS + 2)


def ends_at() -> np.ndarray:
    """The chance of every symbol to be the last: p."""
    return PROBS


@cache
def measured(seeds: int) -> np.ndarray:
    """p_t [gammas, S, T + 1, 4]."""
    return chains(build, GAMMA, seeds, GENERATIONS, lambda result: result.state.probs, seed=8)


def check(effort: Effort) -> Finding:
    """The chance that two draws differ, generation by generation; where the chains end."""
    probs = measured(40 * effort.seeds)
    truth, t = 1 - (PROBS**2).sum(), np.arange(GENERATIONS + 1)
    mixed = 1 - (probs**2).sum(-1)
    decay = differs(M)
    corrected = truth * (1 - np.asarray(recursions.replace(M, M, GAMMA[1], -1.0, GENERATIONS)))
    ends = probs[0, :, -1] == 1
    return Finding(
        hypotheses={
            "every chain loses symbols for good: a symbol at 0 stays at 0": bool(
                ((probs[0, :, :-1] > 0) | (probs[0, :, 1:] == 0)).all()
            ),
        },
        comparisons=[
            *(mean(f"chance that two draws differ, t = {one}", decay[one], mixed[0][:, one]) for one in (1, 3, 6)),
            *(
                mean(f"ends at symbol {i + 1}", p, hits)
                for i, (p, hits) in enumerate(zip(ends_at(), ends.T, strict=True))
            ),
            mean("chains that ended at a point mass", 0.98, ends.any(1), ">="),
            mean("gamma 1: chance that two draws differ, t = 1", corrected[1], mixed[1][:, 1]),
            mean("gamma 1: chance that two draws differ, t = 24", corrected[-1], mixed[1][:, -1]),
        ],
        control=Control(
            "the same decay with correction of gamma 1",
            mean("chance that two draws differ, t = 1", decay[1], mixed[1][:, 1]),
        ),
        figure=lines(
            [
                Line("no correction", t[:33], decay[:33], mixed[0].mean(0)[:33], half_width(mixed[0])[:33]),
                Line("gamma 1", t[:33], corrected[:33], mixed[1].mean(0)[:33], half_width(mixed[1])[:33]),
            ],
            "generation",
            "chance that two draws differ",
        ),
    )


CLAIM = Claim(
    name="discrete_forgetting",
    source=f"Shumailov et al., Nature 2024 (arXiv 2305.17493), and Seddik et al. 2024 (arXiv 2404.05090): {RECALLED}; "
    "rates of the Wright-Fisher chain, derived here",
    statement="Re-estimated from m of its own samples, a discrete law ends as a point mass at symbol i with "
    "probability p_i, and E[1 - sum p_t^2] falls by 1 - 1 / m a generation; with correction it does not.",
    check=check,
    slips=(
        *slips.SLOPE,
        Slip("m + 1 for m", differs, lambda right, m: right(m + 1)),
        Slip("t for t + 1", differs, early),
        Slip(
            "exp(-t / m), to first order",
            differs,
            lambda right, m: (1 - (PROBS**2).sum()) * np.exp(-np.arange(1, GENERATIONS + 2) / m),
        ),
        Slip("a half for all symbols alike", ends_at, lambda right: np.full(4, 0.25)),
        Slip("p² for p", ends_at, lambda right: PROBS**2 / (PROBS**2).sum()),
    ),
)
