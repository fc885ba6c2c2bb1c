"""K-choice curation without real data: the reward grows by a known amount, until the best symbols are left alone."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.correctors.curation import curation
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, at_least, equal, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.curation import REWARD, START, gain, path, reward, spread

CHOICES = (2, 4, float("inf"))
T, M = 120, 240


def least_growth(choices: float, p: np.ndarray) -> np.ndarray:
    """((K - 1) / K) Var(e^r) / e^r_max of laws p [..., 5]."""
    return (1 - 1 / choices) * spread(p) / np.exp(REWARD.max())


def settles() -> np.ndarray:
    """The start restricted to the symbols of the largest reward."""
    best = START * (REWARD.max() == REWARD)
    return best / best.sum()


def tilted(t: np.ndarray) -> np.ndarray:
    """p_0 e^(t r), normalised [T, 5]."""
    law = START * np.exp(np.outer(t, REWARD))
    return law / law.sum(1, keepdims=True)


@cache
def populations() -> dict[float, np.ndarray]:
    """p_t [T + 1, 5] of every K."""
    return {k: path(k, np.array([np.inf]), T)[0] for k in CHOICES}


def check(effort: Effort) -> Finding:
    """The population loop over five symbols for three K, and samples of the real corrector for one generation."""
    p, times = populations(), np.arange(13)
    growth = {k: np.diff(gain(one[:13])) / least_growth(k, one[:12]) for k, one in p.items()}
    sampled = _sampled(4 * effort.seeds)
    return Finding(
        hypotheses={
            "the population loop keeps to laws": all(np.allclose(one.sum(1), 1) for one in p.values()),
        },
        comparisons=[
            *(
                at_least(f"K = {k:g}: growth of E e^r over its least, smallest of 12 generations", 1, growth[k].min())
                for k in CHOICES
            ),
            *(
                equal(f"K = {k:g}: mass of symbol {i + 1}, t = {T}", one, p[k][-1][i], 1e-9)
                for k in CHOICES
                for i, one in enumerate(settles())
            ),
            *(
                equal(f"K = inf: mass of symbol {i + 1}, t = 4", one, p[np.inf][4, i], 1e-12)
                for i, one in enumerate(tilted(times)[4])
            ),
            mean("samples, K = 2: E e^r of those kept, one generation", gain(p[2][1]), sampled),
            mean("samples, K = 2: the least E e^r of those kept", gain(START) + least_growth(2, START), sampled, ">="),
        ],
        control=Control(
            "two choices do not do what infinitely many do: growth Var(e^r) / E e^r",
            mean(
                "samples, K = 2: E e^r of those kept, one generation",
                gain(START) + spread(START) / gain(START),
                sampled,
            ),
        ),
        figure=lines(
            [
                *(Line(f"K = {k:g}", times, gain(p[k])[:13]) for k in CHOICES),
                Line("samples, K = 2", [1], None, [sampled.mean()]),
                Line("least growth, K = 2", times[1:], gain(p[2])[:12] + least_growth(2, p[2][:12]), dashed=True),
            ],
            "generation",
            "E e^r",
        ),
        definitions=["rewards are bounded, by 1; the start gives the best symbols a mass of 0.2"],
    )


@cache
def _sampled(seeds: int) -> np.ndarray:
    """The mean e^r [S] of the samples that curation with K = 2 keeps of M drawn from the start."""

    def one(key: jax.Array) -> jax.Array:
        of_draw, of_choice = jax.random.split(key)
        x = jax.random.choice(of_draw, 5, (M,), p=jnp.asarray(START))
        kept, _ = curation(reward, 2)(of_choice, Batch(x, jnp.ones(M)), None)
        return kept.weight @ jnp.exp(reward(kept.x)) / jnp.sum(kept.weight)

    return np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(0), seeds)))


CLAIM = Claim(
    name="curation_growth",
    source="Ferbach et al., NeurIPS 2024 (arXiv 2407.09499): lemmas and limit of the purely synthetic curated loop, "
    f"from a note that quotes them; {RECALLED}",
    statement="p_t+1 = p_t H_K raises E e^r by ((K - 1) / K) Var(e^r) / e^r_max or more; p_t tends to p_0 restricted "
    "to the largest reward; as K goes to infinity p_t is p_0 e^(t r), normalised.",
    check=check,
    slips=(
        Slip("K - 1 for (K - 1) / K", least_growth, lambda right, k, p: right(k, p) * min(k, 1e9)),
        Slip("e^r_max left out", least_growth, lambda right, k, p: right(k, p) * np.exp(REWARD.max())),
        Slip("a factor 2", least_growth, scaled(2.0)),
        Slip("the uniform law on the best symbols", settles, lambda right: (right() > 0) / 2),
        Slip("the best symbol alone", settles, lambda right: np.eye(5)[3]),
        Slip("e^r for e^(t r)", tilted, lambda right, t: right(np.minimum(t, 1))),
        Slip("one generation off", tilted, early),
    ),
)
