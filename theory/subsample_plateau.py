"""Accumulate-subsample: a budget of n points drawn from all that ever was."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.exponential import BERNOULLI, natural_family
from selfloop.protocols import Generation, Loop
from selfloop.stability import recursions
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

N, GENERATIONS = 2, 12
GAMMA = np.array([0.0, 1.0])
MEAN = 0.3
TIMES = (1, 2, 5, 12)


def subsampled(gamma: float, generations: int) -> np.ndarray:
    """s_t [T + 1] of the fits."""
    return np.asarray(recursions.accumulate_subsample(N, gamma, generations)[1])


@cache
def measured(seeds: int) -> np.ndarray:
    """e_t^2 / V* [gammas, S, T + 1] of Bernoulli laws, for which v2 = -1 as for a Gaussian of unknown covariance."""

    def draw(key: jax.Array, n: int) -> jax.Array:
        return BERNOULLI.draw(key, jnp.asarray(MEAN), (n, 1), jnp.float64)

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        model, real = natural_family(BERNOULLI, jnp.float64), sources.fixed(uniform(draw(key, N)))
        return Loop(model, policies.accumulate_subsample(), real, N, replacement(draw, gamma))

    def square(result: Generation) -> jax.Array:
        return (result.state.mean[0] - MEAN) ** 2 / (MEAN * (1 - MEAN))

    return chains(build, GAMMA, seeds, GENERATIONS, square, seed=17)


def check(effort: Effort) -> Finding:
    """The fit's error along the generations, without and with correction; the plateau above accumulation's.

    Two points a generation, where drawing without replacement and with it are farthest apart.
    """
    errors = measured(100 * effort.seeds)
    theory = [subsampled(gamma, GENERATIONS) for gamma in GAMMA]
    late = subsampled(0.0, 4000)
    all_kept = float(recursions.accumulate_limit(N, -1.0))
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "generation 0 is one fit to 2 points": bool(
                abs(errors[0][:, 0].mean() - 1 / N) <= half_width(errors[0][:, 0])
            ),
        },
        comparisons=[
            *(
                mean(f"s, gamma {gamma:g}, t = {one}", s[one], error[:, one])
                for gamma, s, error in zip(GAMMA, theory, errors, strict=True)
                for one in TIMES
            ),
            mean("gamma 0, t = 12: above accumulation's limit", all_kept, errors[0][:, -1], ">="),
            identity(
                "the recursion has a plateau: generation 4000 over generation 1000", 1.0, late[-1] / late[1000], 0.01
            ),
        ],
        control=Control(
            "draws with replacement: N for N - 1",
            mean("s, gamma 0, t = 1", with_replacement(0.0, 1)[1], errors[0][:, 1]),
        ),
        figure=lines(
            [
                *(
                    Line(f"gamma {gamma:g}", t, s, error.mean(0), half_width(error))
                    for gamma, s, error in zip(GAMMA, theory, errors, strict=True)
                ),
                Line("plateau, gamma 0", t, np.full(t.size, late[-1]), dashed=True),
                Line("accumulation's limit, gamma 0", t, np.full(t.size, all_kept), dashed=True),
            ],
            "generation, Bernoulli laws, n = 2",
            "error of the mean s",
        ),
    )


def with_replacement(gamma: float, generations: int) -> np.ndarray:
    """The same, had the pool's variance N in place of N - 1: the slip of `CLAIM`."""
    pool, _ = recursions.accumulate_subsample(N, gamma, generations)
    total = N * np.arange(1, generations + 2)
    return np.asarray(pool) + (1 - np.asarray(pool)) * (total - N) / (total * N)


CLAIM = Claim(
    name="subsample_plateau",
    source=f"Kazdan et al. 2024 (arXiv 2410.16713; {RECALLED}) for the workflow; the exact recursion is derived here",
    statement="Fits on n points drawn without replacement from a pool that keeps everything: E = B + (1 - B)(N - n) / "
    "((N - 1) n) with the pool's own recursion for B; a plateau above that of accumulation.",
    check=check,
    slips=(
        Slip("N for N - 1", subsampled, lambda right, gamma, t: with_replacement(gamma, t)),
        Slip(
            "the pool's error for the fit's",
            subsampled,
            lambda right, gamma, t: np.asarray(recursions.accumulate_subsample(N, gamma, t)[0]),
        ),
        Slip("one generation off", subsampled, early),
        Slip(
            "accumulation's error",
            subsampled,
            lambda right, gamma, t: np.asarray(recursions.accumulate(N, N, gamma, -1.0, t)),
        ),
        Slip("a factor 2", subsampled, scaled(2.0)),
    ),
)
