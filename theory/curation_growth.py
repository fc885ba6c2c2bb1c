"""K-choice curation without real data: the reward grows by a known amount, until the best symbols are left alone."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import Batch
from selfloop.correctors.curation import curation
from theory.frame.claim import Claim, Control, Effort, Finding, at_least, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.curation import REWARD, START, gain, path, reward, spread

CHOICES = (2, 4, float("inf"))
T, M = 120, 240


def check(effort: Effort) -> Finding:
    """The population loop over five symbols for three K, and samples of the real corrector for one generation."""
    p = {k: path(k, np.array([np.inf]), T)[0] for k in CHOICES}
    growth = {k: np.diff(gain(one)) for k, one in p.items()}
    least = {k: (1 - 1 / k) * spread(one)[:-1] / np.exp(REWARD.max()) for k, one in p.items()}
    best = START * (np.exp(REWARD) > 0.999 * np.exp(REWARD.max()))
    times = np.arange(13)
    tilted = START * np.exp(np.outer(times, REWARD))
    sampled = _sampled(2 * effort.seeds)
    return Finding(
        hypotheses={
            "rewards are bounded": bool(np.isfinite(REWARD).all()),
            "the start gives the best symbols mass": bool(best.sum() > 0),
        },
        comparisons=[
            *(
                at_least(
                    f"K = {k:g}: growth of E e^r less its least, smallest of {T} generations",
                    -1e-12,
                    (growth[k] - least[k]).min(),
                )
                for k in CHOICES
            ),
            *(
                equal(
                    f"K = {k:g}: largest distance from the start restricted to the best symbols, t = {T}",
                    0,
                    abs(p[k][-1] - best / best.sum()).max(),
                    1e-9,
                )
                for k in CHOICES
            ),
            equal(
                "K = inf: largest distance from p_0 e^(t r), normalised, t <= 12",
                0,
                abs(p[np.inf][:13] - tilted / tilted.sum(1, keepdims=True)).max(),
                1e-12,
            ),
            mean("samples, K = 2: E e^r of those kept, one generation", gain(p[2][1]), sampled),
            mean("samples, K = 2: the least E e^r of those kept", gain(START) + least[2][0], sampled, ">="),
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
                Line("least growth, K = 2", times[1:], gain(p[2])[:12] + least[2][:12], dashed=True),
            ],
            "generation",
            "E e^r",
        ),
    )


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
    source="Ferbach et al., NeurIPS 2024 (arXiv 2407.09499): lemmas and limit of the purely synthetic curated loop",
    statement="p_t+1 = p_t H_K raises E e^r by ((K - 1) / K) Var(e^r) / e^r_max or more; p_t tends to p_0 restricted "
    "to the largest reward; as K goes to infinity p_t is p_0 e^(t r), normalised.",
    check=check,
)
