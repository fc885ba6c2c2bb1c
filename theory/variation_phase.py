"""Total variation first rises with the amount of synthetic data, then falls: both ends are harmless at any one time."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Loop
from selfloop.stability.variation import copy_error, normal_variation, worst_ratio
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N, SLOTS, GENERATIONS = 1, 32, 8
RATIO = np.array([1.0, 2.0, 4.0, 10.0, 32.0])
TIMES = (1, 3, GENERATIONS)


def variation(e: Array) -> Array:
    """TV(N(e, 1), N(0, 1))."""
    return 2 * jax.scipy.stats.norm.cdf(abs(e) / 2) - 1


@cache
def measured(seeds: int) -> dict[str, np.ndarray]:
    """mu_t and its total variation to the real points' own fit and to the truth, [G, S, T + 1]."""

    def build(key: Array, lam: Array) -> Loop:
        source = sources.fixed(uniform(jax.random.normal(key, (N, 1), jnp.float64)))
        return Loop(gaussian_mean(np.eye(1), jnp.float64), policies.augment(lam), source, SLOTS)

    def measure(result) -> dict[str, Array]:
        return {"mean": result.state.mean[0], "truth": variation(result.state.mean[0])}

    found = chains(build, RATIO, seeds, GENERATIONS, measure, seed=48)
    gap = found["mean"] - found["mean"][:, :, :1]
    return found | {"gap": gap, "copy": np.asarray(variation(jnp.asarray(gap)))}


def check(effort: Effort) -> Finding:
    """Loops with one real point and up to 32 synthetic ones, after 1, 3 and 8 generations."""
    found = measured(20 * effort.seeds)
    own = np.array([[float(copy_error(N, lam * N, t)) for t in range(1, GENERATIONS + 1)] for lam in RATIO])
    whole = np.asarray(normal_variation(1 / N + own))
    gap, worst = found["gap"] ** 2, {t: float(worst_ratio(t)) for t in TIMES}
    last = GENERATIONS - 1
    peak = int(own[:, last].argmax())
    many = 20_000.0
    grid = np.geomspace(0.1, 32, 60)
    return Finding(
        hypotheses={
            "the worst amount after 8 generations is neither the least nor the most measured": 0
            < peak
            < RATIO.size - 1,
            "a constant share of real data suffices: 1 / n + E (mu_t - x)^2 below 1.5 / n in all settings": bool(
                (own < 0.5 / N).all()
            ),
        },
        comparisons=[
            *(
                mean(f"lambda {lam:g}: E (mu_t - x)^2, t = {t}", own[i, t - 1], gap[i, :, t])
                for i, lam in enumerate(RATIO)
                for t in TIMES
            ),
            *(
                mean(f"lambda {lam:g}: E TV to the truth, t = {t}", whole[i, t - 1], found["truth"][i, :, t])
                for i, lam in enumerate(RATIO)
                for t in (1, GENERATIONS)
            ),
            mean("rises: E TV to the real points' fit, peak less least", 0, step(found, peak, 0), ">="),
            mean("falls: E TV to the real points' fit, most less peak", 0, step(found, RATIO.size - 1, peak), "<="),
            identity("worst lambda of one generation", 1.0, worst[1], 1e-6),
            identity(
                "worst lambda of 20,000 generations over 2 t / log(4 t)",
                1,
                worst_ratio(many) / (2 * many / np.log(4 * many)),
                0.03,
            ),
            at_most(
                "largest error at lambda 1e4, t = 1e6, beside 1.5 / n",
                1.5 / N,
                1 / N + float(copy_error(N, 1e4 * N, 1e6)),
            ),
        ],
        control=Control(
            "a near miss: one generation too many, w^(2 (t + 1))",
            mean("lambda 32: E (mu_t - x)^2, t = 3", float(copy_error(N, 32 * N, 4)), gap[-1][:, 3]),
        ),
        figure=lines(
            [
                Line(
                    f"t = {t}",
                    RATIO,
                    None,
                    found["copy"][:, :, t].mean(1),
                    half_width(found["copy"][:, :, t].T),
                )
                for t in TIMES
            ]
            + [Line(f"t = {t}, predicted", grid, normal_variation(copy_error(N, grid * N, t))) for t in TIMES],
            "lambda",
            "E TV to the fit of generation 0",
            xscale="log",
        ),
    )


def step(found: dict[str, np.ndarray], one: int, other: int) -> np.ndarray:
    """The difference [S] of the last generation's total variation between two settings, on the same random numbers."""
    return found["copy"][one, :, -1] - found["copy"][other, :, -1]


CLAIM = Claim(
    name="variation_phase",
    source="Fu et al. 2024 (arXiv 2402.11778) and Fu et al. 2025 (arXiv 2502.18865), as recalled; not re-read; "
    "this exact case derived here",
    statement="A Gaussian's mean, n real points x kept and lambda n synthetic ones: E (mu_t - x)^2 = lambda / (n "
    "(1 + 2 lambda)) (1 - w^(2 t)), w = lambda / (1 + lambda); the mean total variation of N(0, s) "
    "errors is (2 / pi) arctan(sqrt(s) / 2). At fixed t it rises with lambda and falls again, worst "
    "near 2 t / log(4 t); for no t is E (mu_t - mu*)^2 above 1.5 / n.",
    check=check,
    slips=(
        Slip("w^t for w^(2 t)", copy_error, lambda right, n, m, t: right(n, m, t / 2)),
        Slip("one generation early", copy_error, lambda right, n, m, t: right(n, m, t - 1)),
        Slip("the limit at once", copy_error, lambda right, n, m, t: right(n, m, np.inf)),
        Slip("n + m for n + 2 m", copy_error, lambda right, n, m, t: right(n, m, t) * (n + 2 * m) / (n + m)),
        Slip("m / n^2 for m / (n (n + 2 m))", copy_error, lambda right, n, m, t: right(n, m, t) * (n + 2 * m) / n),
        Slip("half", copy_error, scaled(0.5)),
        Slip("first order, sqrt(s) / pi", normal_variation, lambda right, s: np.sqrt(s) / np.pi),
        Slip("sqrt(s) for sqrt(s) / 2", normal_variation, lambda right, s: right(4 * s)),
    ),
)
