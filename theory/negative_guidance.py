"""Negative guidance: how far from its own samples a Gaussian must go back to undo its bias, and to stop collapse."""

from collections.abc import Callable

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
from selfloop.stability import extrapolation as theory
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
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


def once(model: Model, d: int, n: int, m: int, weights: np.ndarray, seeds: int, of: Callable) -> np.ndarray:
    """``of(state)`` [W, S] of models fitted to n points of N(0, I), extrapolated from fits to m of their samples."""

    def one(key: Array, w: Array) -> Array:
        of_data, of_samples, of_fit = jax.random.split(key, 3)
        state, _ = model.fit(of_fit, uniform(jax.random.normal(of_data, (n, d), jnp.float64)), model.init(of_fit))
        return of(extrapolated(model, w)(of_fit, model.sample(of_samples, state, None, m), state))

    run = jax.jit(jax.vmap(jax.vmap(one, (0, None)), (None, 0)))
    return np.asarray(run(jax.random.split(jax.random.key(46), seeds), jnp.asarray(weights)))


def check(effort: Effort) -> Finding:
    """One step back in the variance and in the precision; loops without real data that go back in log variance."""
    best = float(theory.covariance_weight(N, M))
    wide = np.array([0.0, best, M / N])
    variance = once(variances(), 1, N, M, wide, 60 * effort.seeds, lambda s: s.covariance[0, 0])
    sharp = np.array([0.0, float(theory.precision_weight(REAL, OWN, D)), 1 - 1 / OWN])
    natural = gaussian(D, jnp.float64)._replace(coordinates=charts.natural(D))
    precision = once(natural, D, REAL, OWN, sharp, 10 * effort.seeds, lambda s: jnp.linalg.inv(s.covariance)[0, 0])
    undone = REAL / (REAL - D - 2) * (1 - sharp * (D + 2) / (OWN - D - 2))

    def build(key: Array, w: Array) -> Loop:
        model = gaussian(1, jnp.float64)
        source = sources.fixed(uniform(jax.random.normal(key, (POINTS, 1), jnp.float64)))
        return Loop(model, policies.replace(), source, POINTS, extrapolation(model, w))

    log = chains(
        build, WEIGHTS, 20 * effort.seeds, GENERATIONS, lambda result: jnp.log(result.state.covariance[0, 0]), seed=47
    )
    t, first = np.arange(GENERATIONS + 1), float(theory.log_bias(POINTS))
    drift = np.asarray(theory.log_drift(POINTS, WEIGHTS))
    return Finding(
        hypotheses={
            "the precision of a fit has a variance: n and m above d + 4": min(REAL, OWN) > D + 4,
            "without going back, a generation loses: drift below 0": bool(drift[0] < 0),
        },
        comparisons=[
            *(
                mean(f"n = {N}, m = {M}: E sigma^2, w = {w:.3g}", (1 - 1 / N) * (1 + w / M), found)
                for w, found in zip(wide, variance, strict=True)
            ),
            *(
                mean(f"d = {D}, n = {REAL}, m = {OWN}: E precision, w = {w:.3g}", one, found)
                for w, one, found in zip(sharp, undone, precision, strict=True)
            ),
            *(
                mean(f"loop, w = {w:g}: E log sigma^2, t = {one}", first + one * step, found[:, one])
                for w, step, found in zip(WEIGHTS, drift, log, strict=True)
                for one in (1, GENERATIONS)
            ),
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
)
