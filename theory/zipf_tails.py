"""The tail of Zipf's law, as a lookup table learns it from real data and from its own samples."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from selfloop import policies, sources
from selfloop.batch import Batch
from selfloop.metrics.tails import expected_unseen_mass, unseen_mass
from selfloop.models.discrete import discrete, zipf
from selfloop.protocols import Loop
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

BETA = 2.0
SYMBOLS = 1000
MOST = 256
COUNTS = np.array([16, 64, MOST])
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


def check(effort: Effort) -> Finding:
    """Unseen mass after learning from 16, 64 and 256 real symbols, then three times from 256 synthetic ones."""
    probs = zipf(BETA, SYMBOLS, jnp.float64)
    mass = chains(
        build, COUNTS, effort.seeds, GENERATIONS, lambda result: unseen_mass(probs, result.state.probs), seed=12
    )
    exact = np.array([unseen(count, GENERATIONS) for count in COUNTS])
    c = 1 - 1 / BETA
    first = np.array([float(expected_unseen_mass(probs, float(count))) for count in COUNTS])
    ratio = np.log(first[0] / first[2]) / np.log(COUNTS[2] / COUNTS[0])
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "the law has the tail n^-(1 - 1/beta): slope between 16 and 256 symbols within 0.03": bool(
                abs(ratio - c) < 0.03
            ),
            "the chain's generation 0 is sum p (1 - p)^n": bool(np.allclose(exact[:, 0], first, rtol=1e-9)),
        },
        comparisons=[
            *(mean(f"{n} real symbols: unseen mass", first[i], mass[i, :, 0]) for i, n in enumerate(COUNTS)),
            *(
                mean(f"{n} real symbols, t = {one}", exact[i, one], mass[i, :, one])
                for i, n in enumerate(COUNTS)
                for one in (1, 3)
            ),
            mean("64 real symbols: three generations add", 0.0, mass[1, :, 3] - mass[1, :, 0], ">="),
        ],
        control=Control(
            "256 synthetic symbols count as 256 real ones",
            mean("16 real symbols, t = 1", first[2], mass[0, :, 1]),
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
    source="Dohmatob et al. 2024 (A Tale of Tails, arXiv 2402.07043) for the exponents; the exact chain derived here",
    statement="A lookup table on n draws of Zipf's law i^-beta leaves sum p (1 - p)^n ~ n^-(1 - 1/beta) unseen; "
    "learned from samples of such a table it never falls below that, and every generation adds to it.",
    check=check,
)
