"""Keeping all data does not save a model that shrinks: its bias adds up like a harmonic sum."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Loop, Model
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

N, GENERATIONS = 10, 20
SHRINK = np.array([1.0, 0.7, 0.4])
NEAR = 0.05
"""By how much the near miss errs in c."""


def shrinking(c: jax.Array) -> Model:
    """A Gaussian of mean 0 whose samples have c times the variance of its training set: a stand-in for decoder means,
    guidance above 1, truncation. The variance is fitted about the known mean, so that the fit itself has no bias.
    """
    base = gaussian(1, jnp.float64)

    def fit(key: jax.Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
        square = (batch.weight[:, None, None] * batch.x[:, :, None] ** 2).sum(0) / batch.weight.sum()
        return state._replace(mean=jnp.zeros(1, jnp.float64), covariance=square), {}

    def sample(key: jax.Array, state: GaussianState, cond: None, n: int) -> Batch:
        return base.sample(key, state._replace(covariance=c * state.covariance), cond, n)

    return base._replace(fit=fit, sample=sample)


def accumulated(c: float) -> np.ndarray:
    """prod_{k=1}^{t} (k + c) / (k + 1) for t = 0 to T, by gamma functions."""
    t = np.arange(GENERATIONS + 1)
    return np.exp(gammaln(t + 1 + c) - gammaln(t + 2) - gammaln(1 + c))


def augmented(c: float) -> np.ndarray:
    """v_t of augmentation with lambda 1: v -> (1 + c v) / 2, from 1."""
    path = [1.0]
    for _ in range(GENERATIONS):
        path.append((1 + c * path[-1]) / 2)
    return np.array(path)


@cache
def _loops(workflow: str, seeds: int) -> np.ndarray:
    """Variances [C, S, T + 1] of loops with each c."""
    policy = policies.accumulate() if workflow == "all kept" else policies.augment(1.0)

    def build(key: jax.Array, c: jax.Array) -> Loop:
        real = uniform(jax.random.normal(key, (N, 1), jnp.float64))
        return Loop(shrinking(c), policy, sources.fixed(real), N)

    return chains(build, SHRINK, seeds, GENERATIONS, lambda result: result.state.covariance[0, 0], seed=31)


def check(effort: Effort) -> Finding:
    """Expected variance of 10 points a generation, kept or not, for three strengths of shrinking."""
    kept, newest = _loops("all kept", 5 * effort.seeds), _loops("newest only", 5 * effort.seeds)
    t = np.arange(GENERATIONS + 1)
    theory = [accumulated(c) for c in SHRINK]
    times = np.array([1e6, 1e8])
    slope = np.diff(gammaln(times + 1.4) - gammaln(times + 2)) / np.diff(np.log(times))
    product = np.cumprod([1.0, *((k + 0.4) / (k + 1) for k in range(1, GENERATIONS + 1))])
    return Finding(
        hypotheses={
            "a fit has no bias: E v_0 = 1": bool(abs(kept[1][:, 0].mean() - 1) <= half_width(kept[1][:, 0])),
        },
        comparisons=[
            *(
                mean(f"all kept, c = {c:g}: E v, t = {one}", theory[i][one], kept[i][:, one])
                for i, c in enumerate(SHRINK)
                for one in (1, 10, GENERATIONS)
            ),
            *(
                mean(f"newest only, lambda 1, c = {c:g}: E v, t = {GENERATIONS}", augmented(c)[-1], newest[i][:, -1])
                for i, c in enumerate(SHRINK)
            ),
            identity(
                "the ratio of gamma functions over the product of (k + c) / (k + 1)",
                1.0,
                theory[2][-1] / product[-1],
                1e-12,
            ),
            identity("exponent of t at t = 1e6 to 1e8, c = 0.4", -(1 - 0.4), slope[0], 1e-5),
            *(
                identity(f"limit 1 / (1 + lambda (1 - c)), c = {c:g}", 1 / (2 - c), augmented(c)[-1], 1e-3)
                for c in SHRINK[1:]
            ),
        ],
        control=Control(
            "a near miss: the product for c = 0.45 where c = 0.4",
            mean(f"all kept, c = 0.4: E v, t = {GENERATIONS}", accumulated(0.4 + NEAR)[-1], kept[2][:, -1]),
        ),
        figure=lines(
            [
                Line(f"all kept, c = {c:g}", t, theory[i], kept[i].mean(0), half_width(kept[i]))
                for i, c in enumerate(SHRINK)
            ]
            + [Line("newest only, c = 0.4", t, augmented(0.4), newest[2].mean(0), half_width(newest[2]))],
            "generation",
            "E v / v*",
        ),
    )


CLAIM = Claim(
    name="accumulate_shrinking",
    source="derived here; the loops are those of Gerstgrasser et al. 2024 (arXiv 2404.01413)",
    statement="A model whose samples have c < 1 times the variance of its training pool. All data kept, as many "
    "synthetic points a generation as real: E v_t = Gamma(t + 1 + c) / (Gamma(t + 2) Gamma(1 + c)) v* ~ t^-(1 - c), "
    "which goes to 0. Only the newest kept beside the real ones: E v_t -> v* / (1 + lambda (1 - c)), which does not.",
    check=check,
    slips=(
        Slip("one generation off", accumulated, early),
        Slip("c² for c: the standard deviation's factor", accumulated, lambda right, c: right(c**2)),
        Slip("the root of c for c", accumulated, lambda right, c: right(c**0.5)),
        Slip(
            "t^-(1 - c), without the gamma functions",
            accumulated,
            lambda right, c: np.arange(1.0, GENERATIONS + 2) ** (c - 1),
        ),
        Slip("c left out beside the newest", augmented, lambda right, c: right(1.0)),
        Slip("a factor 2 beside the newest", augmented, scaled(2.0)),
    ),
)
