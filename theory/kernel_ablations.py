"""What a kernel without its Metropolis step or its noise does: unadjusted Langevin heats, minimisation freezes."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.markov import langevin
from selfloop.correctors.unadjusted import minimisation, unadjusted_langevin
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop
from selfloop.stability import mixing
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_least, at_most, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

H, N = 1.0, 200
STEPS = (1, 2, 8)
COLLAPSED = 0.64
"""Variance of raw samples that have lost a fifth of their spread."""
M, T = 10, 6


def check(effort: Effort) -> Finding:
    """Samples of N(0, 1) and of a collapsed normal after the real correctors, and a loop that minimises."""
    hot, cold, exact = _variances(effort.seeds)
    loop = _loop(effort.seeds)
    comparisons = [
        *(
            mean(f"unadjusted, {k} steps from p*: E x²", mixing.unadjusted_variance(1.0, H, k), hot[:, i])
            for i, k in enumerate(STEPS)
        ),
        *(
            mean(f"minimisation, {k} steps: E x²", mixing.minimised_variance(COLLAPSED, H, k), cold[:, i])
            for i, k in enumerate(STEPS)
        ),
        *(mean(f"Metropolised, {k} steps from p*: E x²", 1.0, exact[:, i]) for i, k in enumerate(STEPS)),
        at_least("unadjusted: least KL from p* after a step, which was 0", 1e-3, _kl(float(hot[:, 0].mean()))),
        at_most(
            "minimisation: effective gamma in W2 after one step, negative",
            0,
            _gamma(float(cold[:, 0].mean())),
        ),
        mean("loop that minimises one step, generation 2: E variance", _collapse(2), loop[:, 2]),
    ]
    t = np.arange(T + 1)
    return Finding(
        hypotheses={
            "the step is below 2, where the unadjusted scheme is stable": bool(H < 2),
            "raw samples of the minimiser are too narrow already": bool(cold[:, 0].mean() < COLLAPSED < 1),
        },
        comparisons=comparisons,
        control=Control(
            "unadjusted Langevin settles at 1 + h²/4, its first order",
            mean("unadjusted, 8 steps from p*: E x²", 1 + H**2 / 4, hot[:, 2]),
        ),
        figure=lines(
            [
                Line(
                    "unadjusted",
                    STEPS,
                    mixing.unadjusted_variance(1.0, H, np.array(STEPS)),
                    hot.mean(0),
                    half_width(hot),
                ),
                Line(
                    "minimisation",
                    STEPS,
                    mixing.minimised_variance(COLLAPSED, H, np.array(STEPS)),
                    cold.mean(0),
                    half_width(cold),
                ),
                Line("Metropolised", STEPS, np.ones(3), exact.mean(0), half_width(exact)),
                Line("loop that minimises", t, [_collapse(i) for i in t], loop.mean(0), half_width(loop)),
            ],
            "steps, or generation",
            "E x²",
        ),
    )


def _kl(v: float) -> float:
    """KL(N(0, v) || N(0, 1))."""
    return (v - 1 - np.log(v)) / 2


def _gamma(v: float) -> float:
    """Effective gamma in W2: |sqrt(raw) - 1| / |sqrt(v) - 1| - 1."""
    return abs(COLLAPSED**0.5 - 1) / abs(v**0.5 - 1) - 1


def _collapse(t: int) -> float:
    """E variance of generation t of a loop on m samples after one step of descent: (1 - 1/m) q a generation."""
    return (1 - 1 / M) * ((1 - 1 / M) * float(mixing.minimised_variance(1.0, H, 1))) ** t


def _log_density(x: jax.Array) -> jax.Array:
    return -(x**2).sum(1) / 2


@cache
def _variances(seeds: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """E x² [S, steps] of N samples after each corrector."""

    def once(key: jax.Array) -> list[jax.Array]:
        of_x, of_step = jax.random.split(key)
        x = jax.random.normal(of_x, (N, 1))
        makers = ((unadjusted_langevin, 1.0), (minimisation, COLLAPSED), (langevin, 1.0))
        corrected = lambda make, v, k: make(_log_density, k, H)(of_step, uniform(x * v**0.5), None)[0].x  # noqa: E731
        steps = jnp.asarray(STEPS)
        return [jax.vmap(lambda k, make=make, v=v: (corrected(make, v, k) ** 2).mean())(steps) for make, v in makers]

    return tuple(map(np.asarray, jax.jit(jax.vmap(once))(jax.random.split(jax.random.key(0), seeds))))


@cache
def _loop(seeds: int) -> np.ndarray:
    """The fitted variance [S, T + 1] without real data, after one step of descent each generation."""

    def build(key: jax.Array, _: jax.Array) -> Loop:
        real = sources.fixed(uniform(jax.random.normal(key, (M, 1), jnp.float64)))
        corrector = minimisation(_log_density, 1, H)
        return Loop(gaussian(1, jnp.float64), policies.replace(), real, M, corrector)

    return chains(build, np.zeros(1), seeds, T, lambda result: result.state.covariance[0, 0])[0]


CLAIM = Claim(
    name="kernel_ablations",
    source="derived here (docs/correctors.md); Euler-Maruyama's bias: Roberts and Tweedie, Bernoulli 1996 "
    "(as recalled; not re-read)",
    statement="At N(0, 1) k unadjusted Langevin steps turn v into v* + (1 - h²/2)^(2k) (v - v*), v* = 1 / (1 - h²/4) "
    "> 1: they heat p* itself. Without noise the variance falls by (1 - h²/2)² a step, so that gamma is negative where "
    "spread is seen and the loop collapses faster. The Metropolis step leaves p* as it is.",
    check=check,
    slips=(
        Slip(
            "v* = 1 / (1 - h²/2)",
            mixing.unadjusted_variance,
            lambda right, v, h, k: (lambda s: s + (1 - h**2 / 2) ** (2 * k) * (v - s))(1 / (1 - h**2 / 2)),
        ),
        Slip("one step fewer", mixing.minimised_variance, lambda right, v, h, k: v * (1 - h**2 / 2) ** (2 * (k - 1))),
        Slip("(1 - h²/2) for its square", mixing.minimised_variance, lambda right, v, h, k: v * (1 - h**2 / 2) ** k),
    ),
)
