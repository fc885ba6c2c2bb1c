"""The tail of Zipf's law, as a lookup table learns it from real data and from its own samples."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from selfloop import policies, sources
from selfloop.batch import Batch
from selfloop.metrics.tails import expected_unseen_mass, unseen_mass
from selfloop.models.discrete import discrete, zipf
from selfloop.protocols import Loop
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

BETA = 2.0
SYMBOLS = 1000
MOST = 256
COUNTS = np.array([4, 32, MOST])
GENERATIONS = 3


def build(key: jax.Array, count: jax.Array) -> Loop:
    """A table learned from ``count`` real symbols, then from 256 of its own in every generation."""
    probs = zipf(BETA, SYMBOLS, jnp.float64)
    symbols = jax.random.choice(key, SYMBOLS, (MOST,), p=probs).astype(jnp.int32)
    real = Batch(symbols, (jnp.arange(MOST) < count).astype(jnp.float64))
    return Loop(discrete(SYMBOLS, jnp.float64), policies.replace(), sources.fixed(real), MOST)


def unseen(count: int, generations: int) -> np.ndarray:
    """The exact expected unseen mass [T + 1]: every symbol's count is a Markov chain of binomial steps."""
    probs = np.asarray(zipf(BETA, SYMBOLS, jnp.float64))
    law = stats.binom.pmf(np.arange(count + 1), count, probs[:, None])
    found = [probs @ law[:, 0]]
    for past in [count] + [MOST] * (generations - 1):
        step = stats.binom.pmf(np.arange(MOST + 1), MOST, np.arange(past + 1)[:, None] / past)
        law = law @ step
        found.append(probs @ law[:, 0])
    return np.array(found)


def first_unseen(count: int) -> float:
    """sum p (1 - p)^n."""
    return float(expected_unseen_mass(zipf(BETA, SYMBOLS, jnp.float64), float(count)))


@cache
def measured(seeds: int) -> np.ndarray:
    """Unseen mass [counts, S, T + 1]."""
    probs = zipf(BETA, SYMBOLS, jnp.float64)
    return chains(build, COUNTS, seeds, GENERATIONS, lambda result: unseen_mass(probs, result.state.probs), seed=12)


def check(effort: Effort) -> Finding:
    """Unseen mass after learning from 4, 32 and 256 real symbols, then three times from 256 synthetic ones."""
    mass = measured(8 * effort.seeds)
    exact = np.array([unseen(int(count), GENERATIONS) for count in COUNTS])
    first = np.array([first_unseen(int(count)) for count in COUNTS])
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "256 synthetic symbols of a table that has seen 4 of them add none that it has not": bool(
                (mass[0][:, 1:] >= mass[0][:, :1] - 1e-12).all()
            ),
        },
        comparisons=[
            *(mean(f"{n} real symbols: unseen mass", first[i], mass[i, :, 0]) for i, n in enumerate(COUNTS)),
            *(
                mean(f"{n} real symbols, t = {one}", exact[i, one], mass[i, :, one])
                for i, n in enumerate(COUNTS)
                for one in (1, 3)
            ),
            identity(
                "the tail n^-(1 - 1 / beta): slope between 64 and 256 real symbols",
                -(1 - 1 / BETA),
                np.log(first_unseen(256) / first_unseen(64)) / np.log(4),
                0.03,
            ),
            identity(
                "the chain's generation 0 over sum p (1 - p)^n, 32 real symbols", 1.0, exact[1, 0] / first[1], 1e-9
            ),
            mean("32 real symbols: three generations add", 0.0, mass[1, :, 3] - mass[1, :, 0], ">="),
        ],
        control=Control(
            "the newest synthetic symbols add nothing to what is unseen",
            mean("256 real symbols, t = 1", first[2], mass[2, :, 1]),
        ),
        figure=lines(
            [
                Line(f"{n} real symbols", t, exact[i], mass[i].mean(0), half_width(mass[i]))
                for i, n in enumerate(COUNTS)
            ],
            "generation (256 synthetic symbols each)",
            "unseen mass",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="zipf_tails",
    source=f"Dohmatob et al. 2024 (A Tale of Tails, arXiv 2402.07043; {RECALLED}) for the exponents; the exact chain "
    "derived here",
    statement="A lookup table on n draws of Zipf's law i^-beta leaves sum p (1 - p)^n ~ n^-(1 - 1/beta) unseen; "
    "learned from samples of such a table it never falls below that, and every generation adds to it.",
    check=check,
    slips=(
        Slip("n + 1 for n", first_unseen, lambda right, count: right(count + 1)),
        Slip(
            "e^(-n p) for (1 - p)^n",
            first_unseen,
            lambda right, count: float((p := np.asarray(zipf(BETA, SYMBOLS, jnp.float64))) @ np.exp(-count * p)),
        ),
        Slip("a factor 2", first_unseen, scaled(2.0)),
        Slip("one generation off", unseen, early),
        Slip("what is unseen stays as it was", unseen, lambda right, count, t: np.full(t + 1, right(count, 0)[0])),
    ),
)
