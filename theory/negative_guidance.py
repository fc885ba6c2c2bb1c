"""Negative guidance: how far from its own samples a Gaussian must go back to undo its bias, and to stop collapse."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.extrapolation import extrapolated, extrapolation
from selfloop.models import charts
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Coordinates, Loop, Model
from selfloop.stability.extrapolation import covariance_weight, log_bias, log_drift, log_weight, precision_weight
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N, M = 4, 6
"""Real points and samples of a single step back in the variance."""
D, REAL, OWN = 2, 14, 18
"""Dimensions, real points and samples of one in the precision, whose variance needs more."""
POINTS, GENERATIONS = 5, 6
"""Of the loop without real data."""
WEIGHTS = np.array([0.0, 0.5, 1.0])


def variances() -> Model:
    """A Gaussian on the line in the coordinates (mean, variance)."""
    chart = Coordinates(lambda s: jnp.append(s.mean, s.covariance), lambda t: GaussianState(t[:1], t[1:, None]))
    return gaussian(1, jnp.float64)._replace(coordinates=chart)


@cache
def once(kind: str, weights: tuple[float, ...], seeds: int) -> np.ndarray:
    """What `looked_at` says [W, S]: models of n points of N(0, I), extrapolated from fits to m of their own."""
    model, d, n, m, of = looked_at(kind)

    def one(key: Array, w: Array) -> Array:
        of_data, of_samples, of_fit = jax.random.split(key, 3)
        state, _ = model.fit(of_fit, uniform(jax.random.normal(of_data, (n, d), jnp.float64)), model.init(of_fit))
        return of(extrapolated(model, w)(of_fit, model.sample(of_samples, state, None, m), state))

    run = jax.jit(jax.vmap(jax.vmap(one, (0, None)), (None, 0)))
    return np.asarray(run(jax.random.split(jax.random.key(46), seeds), jnp.asarray(weights)))


def looked_at(kind: str) -> tuple[Model, int, int, int, Callable]:
    """A model in the coordinates in which it is extrapolated, d, n, m, and what is looked at."""
    if kind == "variance":
        return variances(), 1, N, M, lambda s: s.covariance[0, 0]
    if kind == "log variance":
        return gaussian(1, jnp.float64), 1, N, M, lambda s: jnp.log(s.covariance[0, 0])
    model = gaussian(D, jnp.float64)._replace(coordinates=charts.natural(D))
    return model, D, REAL, OWN, lambda s: jnp.linalg.inv(s.covariance)[0, 0]


@cache
def loops(seeds: int) -> np.ndarray:
    """log sigma_t^2 [G, S, T + 1] without real data."""

    def build(key: Array, w: Array) -> Loop:
        model = gaussian(1, jnp.float64)
        source = sources.fixed(uniform(jax.random.normal(key, (POINTS, 1), jnp.float64)))
        return Loop(model, policies.replace(), source, POINTS, extrapolation(model, w))

    return chains(build, WEIGHTS, seeds, GENERATIONS, lambda r: jnp.log(r.state.covariance[0, 0]), seed=47)


def spread(n: int, m: int, w: float) -> float:
    """E sigma'^2 of an extrapolated variance, in units of the truth's."""
    return (1 - 1 / n) * (1 + w / m)


def sharpness(n: int, m: int, d: int, w: float) -> float:
    """E P' of an extrapolated precision, in units of the truth's."""
    return n / (n - d - 2) * (1 - w * (d + 2) / (m - d - 2))


def check(effort: Effort) -> Finding:
    """One step back in the variance and in the precision; loops without real data that go back in log variance."""
    best, deep = float(covariance_weight(N, M)), float(log_weight(N, M))
    wide = (0.0, best, M / N)
    variance = once("variance", wide, 60 * effort.seeds)
    sharp = (0.0, float(precision_weight(REAL, OWN, D)), 1 - 1 / OWN)
    precision = once("precision", sharp, 25 * effort.seeds)
    single = once("log variance", (0.0, deep), 25 * effort.seeds)
    log = loops(20 * effort.seeds)
    t, first = np.arange(GENERATIONS + 1), float(log_bias(POINTS))
    drift = np.asarray(log_drift(POINTS, WEIGHTS))
    return Finding(
        hypotheses={
            "the precision of a fit has a variance: n and m above d + 4": min(REAL, OWN) > D + 4,
            "without going back, a generation loses: drift below 0": bool(drift[0] < 0),
        },
        comparisons=[
            *(
                mean(f"n = {N}, m = {M}: E sigma^2, w = {w:.3g}", spread(N, M, w), found)
                for w, found in zip(wide, variance, strict=True)
            ),
            *(
                mean(f"d = {D}, n = {REAL}, m = {OWN}: E precision, w = {w:.3g}", sharpness(REAL, OWN, D, w), found)
                for w, found in zip(sharp, precision, strict=True)
            ),
            *(
                mean(f"loop, w = {w:g}: E log sigma^2, t = {one}", first + one * step, found[:, one])
                for w, step, found in zip(WEIGHTS, drift, log, strict=True)
                for one in (1, GENERATIONS)
            ),
            mean("no bias of the variance at w = m / (n - 1)", 1.0, variance[1]),
            mean("no bias of the precision at w = (m - d - 2) / n", 1.0, precision[1]),
            mean("no bias of the log variance at w = delta_n / delta_m", 0.0, single[1]),
            mean(f"n = {N}: E log sigma^2, w = 0", float(log_bias(N)), single[0]),
            mean("loop, w = 1: log sigma^2 is kept, t = 6 less t = 0", 0, log[2][:, -1] - log[2][:, 0]),
        ],
        control=Control(
            "a near miss: w = m / n for m / (n - 1) leaves no bias",
            mean(f"n = {N}, m = {M}: E sigma^2, w = m / n", 1.0, variance[2]),
        ),
        figure=lines(
            [
                Line(f"w = {w:g}", t, first + t * step, found.mean(0), half_width(found))
                for w, step, found in zip(WEIGHTS, drift, log, strict=True)
            ],
            "generation",
            "E log sigma^2, 5 points a generation",
        ),
    )


CLAIM = Claim(
    name="negative_guidance",
    source="SIMS (arXiv 2408.16333) and Neon (arXiv 2510.03597), as recalled; not re-read; finite-sample "
    "optima derived here",
    statement="theta' = (1 + w) theta - w theta_s, theta_s refitted to m samples of theta, itself fitted to n "
    "points. In Gaussian variances w = m / (n - 1) leaves no bias, in precisions (scores) w = (m - d - "
    "2) / n, in log variances w = delta_n / delta_m. A loop without real data drifts by (1 - w) delta_m "
    "in E log sigma^2: w = 1 stops collapse.",
    check=check,
    slips=(
        Slip("m / n for m / (n - 1)", covariance_weight, lambda right, n, m: m / n),
        Slip("(m - 1) / (n - 1) for m / (n - 1)", covariance_weight, lambda right, n, m: (m - 1) / (n - 1)),
        Slip("(m - 1) / n for (m - d - 2) / n", precision_weight, lambda right, n, m, d: (m - 1) / n),
        Slip("(m - d - 2) / (n - d - 2)", precision_weight, lambda right, n, m, d: (m - d - 2) / (n - d - 2)),
        Slip("1 for any n and m", log_weight, lambda right, n, m: 1.0),
        Slip("-2 / k for delta_k", log_bias, lambda right, k: -2 / k),
        Slip("psi(k / 2) for psi((k - 1) / 2)", log_bias, lambda right, k: right(k + 1) + np.log(1 + 1 / k)),
        Slip("the drift of one step in place of its rest", log_drift, lambda right, m, w: w * log_bias(m)),
        Slip("half the drift", log_drift, scaled(0.5)),
        Slip("w / m left out", spread, lambda right, n, m, w: 1 - 1 / n),
        Slip("w / (m - 1) for w / m", spread, lambda right, n, m, w: (1 - 1 / n) * (1 + w / (m - 1))),
        Slip("d + 1 for d + 2", sharpness, lambda right, n, m, d, w: right(n, m, d - 1, w)),
    ),
)
