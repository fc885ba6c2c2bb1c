"""A polluted pool settles at a variance that share and temperature decide, whatever the number of families."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.stability.pollution import expected_web, gaussian_web, kept_share, stationary_variance
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import half_width

N, T, PUBLISHED = 8, 40, 0.8
CASES = ((0.2, 0.2, 0.9, 1), (0.2, 0.2, 0.9, 4), (0.5, 0.2, 0.9, 4), (0.5, 0.2, 0.7, 1), (0.9, 0.3, 1.0, 4))
"""TPR, FPR, temperature and number of families."""


def check(effort: Effort) -> Finding:
    """The variance of pools with a filter that errs, against the recursion and where it settles."""
    found = {case: measured(20 * effort.seeds, *case) for case in CASES}
    share = {case: float(kept_share(PUBLISHED, *case[:2])) for case in CASES}
    exact = {case: np.array(expected_web(share[case], case[2], N, case[3], T))[:, 0] for case in CASES}
    settled = {case: stationary_variance(share[case], case[2], N, case[3]) for case in CASES}
    first = CASES[3]
    return Finding(
        hypotheses={
            "a model's first variance is unbiased": all(
                abs(one[:, 0].mean() - 1) <= half_width(one[:, 0]) for one in found.values()
            ),
        },
        comparisons=[
            *(mean(f"E v, {_named(case)}", settled[case], found[case][:, T]) for case in CASES),
            *(mean(f"E v after 3 steps, {_named(case)}", exact[case][3], found[case][:, 3]) for case in CASES),
            *(identity(f"recursion at {T}, {_named(case)}", settled[case], exact[case][-1], 1e-4) for case in CASES),
        ],
        control=Control(
            "temperature enters as its square: with T for T² the variance is another",
            mean(
                f"E v, {_named(first)}, beside (1 - s) / (1 - s T)",
                (1 - share[first]) / (1 - share[first] * first[2]),
                found[first][:, T],
            ),
        ),
        figure=lines(
            [
                Line(_named(case), np.arange(T + 1), exact[case], found[case].mean(0), half_width(found[case]))
                for case in CASES
            ],
            "step",
            "variance of a model",
        ),
        definitions=["some human documents are kept in every case"],
    )


@cache
def measured(seeds: int, tpr: float, fpr: float, temperature: float, families: int) -> np.ndarray:
    """The families' mean variance [S, T + 1]; of 100 documents published, those that are kept are counted."""
    synthetic, human = PUBLISHED * (1 - tpr), (1 - PUBLISHED) * (1 - fpr)
    s = synthetic / (synthetic + human)
    keys = jax.random.split(jax.random.key(families), seeds)
    return np.asarray(_program(families)(keys, s, temperature))


@cache
def _program(families: int) -> Callable[..., jax.Array]:
    """The variances of chains [S, steps + 1] from keys [S], a share and a temperature."""

    def one(key: jax.Array, s: jax.Array, temperature: jax.Array) -> jax.Array:
        return gaussian_web(key, s, temperature, N, families, T, jnp.float64).variance.mean(1)

    return jax.jit(jax.vmap(one, (0, None, None)))


def _named(case: tuple) -> str:
    tpr, _, temperature, families = case
    return f"TPR {tpr:g}, T {temperature:g}, K {families}"


CLAIM = Claim(
    name="pollution_variance",
    source="derived here",
    statement="Where a share s of what is kept is synthetic, sampled at temperature T, the variance settles at "
    "(1 - s) / (1 - s T² - c / n), c = s - s² / (K (1 + s)): for large n at (1 - s) / (1 - s T²), whatever K.",
    check=check,
    slips=(
        Slip(
            "T for T²", stationary_variance, lambda right, s, temperature, *others: right(s, temperature**0.5, *others)
        ),
        Slip(
            "c / n left out: many documents",
            stationary_variance,
            lambda right, s, temperature, n, k: right(s, temperature),
        ),
        Slip("one family for K", stationary_variance, lambda right, s, temperature, n, k: right(s, temperature, n, 1)),
        Slip("n - 1 for n", stationary_variance, lambda right, s, temperature, n, k: right(s, temperature, n - 1, k)),
        Slip("FPR left out", kept_share, lambda right, published, tpr, fpr: right(published, tpr, 0.0)),
        Slip("TPR left out", kept_share, lambda right, published, tpr, fpr: right(published, 0.0, fpr)),
    ),
)
