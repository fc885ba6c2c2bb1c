"""Without real data a loop stays bounded where its samples grow faster than the number of generations."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.special import zeta

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.models.exponential import gaussian_mean
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop, Model
from selfloop.stability.recursions import replace_sizes
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_least, at_most, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early
from theory.shared.chains import chains, half_width

N, FIRST, GENERATIONS = 4, 4, 8
POWER = np.array([0.0, 1.0, 1.5])
SLOTS = int(FIRST * GENERATIONS ** POWER.max() * (1 + 1e-6))
TIMES = (1, 3, GENERATIONS)


def sizes(power: float, generations: int = GENERATIONS) -> np.ndarray:
    """m_1 .. m_T [T]."""
    return np.floor(FIRST * np.arange(1, generations + 1) ** power * (1 + 1e-6))


@cache
def measured(seeds: int, kind: str) -> np.ndarray:
    """What `looked_at` says [G, S, T + 1] in loops that grow with each power."""
    model, of = looked_at(kind)

    def build(key: Array, power: Array) -> Loop:
        source = sources.fixed(uniform(jax.random.normal(key, (N, 1), jnp.float64)))
        return Loop(model, policies.growing(FIRST, power), source, SLOTS)

    return chains(build, POWER, seeds, GENERATIONS, lambda result: of(result.state), seed=49)


def looked_at(kind: str) -> tuple[Model, Callable]:
    """A model, and what is looked at."""
    if kind == "mean":
        return gaussian_mean(np.eye(1), jnp.float64), lambda s: s.mean[0] ** 2
    return gaussian(1, jnp.float64), lambda s: s.covariance[0, 0]


def check(effort: Effort) -> Finding:
    """4 real points, then 4 t^p samples of generation t: squared error of a mean, expected variance of a Gaussian."""
    square = measured(16 * effort.seeds, "mean")
    variance = measured(16 * effort.seeds, "variance")
    path = {(v2, p): np.asarray(replace_sizes(N, sizes(p), 0.0, v2)) for v2 in (0.0, -1.0) for p in POWER}
    far = {p: np.asarray(replace_sizes(N, sizes(p, 4000), 0.0, 0.0)) for p in POWER}
    t = np.arange(GENERATIONS + 1)
    return Finding(
        hypotheses={
            "sums of 1 / m_t: the power 1.5 bounds them, at most 1.1 zeta(1.5) / 4, the others do not": bool(
                (1 / sizes(1.5, 4000)).sum() < 1.1 * zeta(1.5) / FIRST and (1 / sizes(1.0, 4000)).sum() > 8 / FIRST
            ),
        },
        comparisons=[
            *(
                mean(f"m = 4 t^{p:g}: E mu^2, t = {one}", path[0.0, p][one], square[i][:, one])
                for i, p in enumerate(POWER)
                for one in TIMES
            ),
            *(
                mean(f"m = 4 t^{p:g}: E sigma^2, t = {one}", 1 - path[-1.0, p][one], variance[i][:, one])
                for i, p in enumerate(POWER)
                for one in TIMES
            ),
            at_most(
                "power 1.5: error of generation 4000 beside 1 / n + 1.1 zeta(1.5) / 4",
                1 / N + 1.1 * zeta(1.5) / FIRST,
                far[1.5][-1],
            ),
            at_least(
                "power 1: error grows by log(10) / 4 from generation 400 to 4000",
                0.99 * np.log(10) / FIRST,
                far[1.0][-1] - far[1.0][400],
            ),
        ],
        control=Control(
            "a near miss: one generation off, m_t = 4 (t + 1)^p",
            mean(
                "m = 4 t^1.5: E sigma^2, t = 8",
                (1 - 1 / N) * np.prod(1 - 1 / sizes(1.5, GENERATIONS + 1)[1:]),
                variance[2][:, -1],
            ),
        ),
        figure=lines(
            [
                Line(f"4 t^{p:g} samples", t, path[0.0, p], square[i].mean(0), half_width(square[i]))
                for i, p in enumerate(POWER)
            ],
            "generation",
            "E mu^2",
        ),
    )


CLAIM = Claim(
    name="growing_samples",
    source="arXiv 2505.13947, as recalled; not re-read; exact for every size derived here",
    statement="Without real data and correction, m_t samples in generation t: E mu_t^2 = 1 / n + sum 1 / m_i of a "
    "mean, E sigma_t^2 = (1 - 1 / n) prod (1 - 1 / m_i) of a Gaussian's variance. It stays bounded, and "
    "above 0, exactly where sum 1 / m_t does: superlinear growth; linear growth errs as log t.",
    check=check,
    slips=(
        Slip("one generation early", replace_sizes, early),
        Slip("m - 1 for m", replace_sizes, lambda right, n, m, *rest: right(n, m - 1, *rest)),
        Slip("n + 1 for n", replace_sizes, lambda right, n, *rest: right(n + 1, *rest)),
        Slip("c = 0", replace_sizes, lambda right, n, m, gamma, v2: right(n, m, gamma, 0.0)),
        Slip("the first size for all", replace_sizes, lambda right, n, m, *rest: right(n, 0 * m + m[0], *rest)),
        Slip("sizes in reverse", replace_sizes, lambda right, n, m, *rest: right(n, m[::-1], *rest)),
    ),
)
