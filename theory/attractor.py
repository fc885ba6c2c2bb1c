"""Where a corrected loop settles: between the fit to its real points and the truth; and when it breaks even."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

N = 10
M = 80
GENERATIONS = 25


def settles(lam: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """b = (1 + gamma) / (1 + gamma + lambda gamma), the share of the real points' own error that stays."""
    return (1 + gamma) / (1 + gamma + lam * gamma)


def break_even(lam: float) -> float:
    """The gamma at which the stationary error is that of one fit to the real points, by bisection."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        above = float(recursions.reuse_limit(N, lam * N, middle, 0.0)) > 1 / N
        low, high = (middle, high) if above else (low, middle)
    return (low + high) / 2


def draw(key: jax.Array, n: int) -> jax.Array:
    """n points of N(0, 1)."""
    return jax.random.normal(key, (n, 1), jnp.float64)


def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
    """A Gaussian's mean, the same N real points in every generation."""
    model, real = gaussian_mean(np.eye(1), jnp.float64), sources.fixed(uniform(draw(key, N)))
    return Loop(model, policies.augment(setting["lam"]), real, M, replacement(draw, setting["gamma"]))


def check(effort: Effort) -> Finding:
    """The part of the real points' error that generation 25 carries, and the gamma that makes the loop break even."""
    lam = np.array([1.0, 1.0, 8.0, 8.0, 8.0, 1.0])
    gamma = np.array([0.0, 1.0, 0.0, 0.5, 2.0, break_even(1.0)])
    error = chains(
        build, {"lam": lam, "gamma": gamma}, 5 * effort.seeds, GENERATIONS, lambda r: r.state.mean[0], seed=4
    )
    first, last = error[:, :, 0], error[:, :, -1]
    # Regression through the origin: the residual b e_0 is taken off where it is known, which sharpens the interval.
    b = settles(lam, gamma)
    kept = b[:, None] + N * first * (last - b[:, None] * first)
    even = N * (error[-1, :, 8:] ** 2).mean(1)
    t = np.arange(GENERATIONS + 1)
    r = lam / (1 + lam) / (1 + gamma)
    carried = b[:, None] + (1 - b[:, None]) * r[:, None] ** t
    ties = N * error * error[:, :, :1]
    return Finding(
        hypotheses={
            "generation 25 is within 6 % of the attractor's share in all settings": bool(
                (abs(carried[:, -1] - b) < 0.06 * b).all()
            ),
            "generation 0 is one fit to n points": bool(
                abs(N * (first[0] ** 2).mean() - 1) <= N * half_width(first[0] ** 2)
            ),
        },
        comparisons=[
            *(
                mean(f"share of the real points' error, lambda {x:g}, gamma {g:.3g}", y[-1], one)
                for x, g, y, one in zip(lam, gamma, carried, kept, strict=True)
            ),
            mean(f"error over one fit's at break-even, lambda 1, gamma {gamma[-1]:.3g}", 1.0, even),
        ],
        control=Control(
            "the loop settles at the fit to its real points, corrected or not",
            mean("share of the real points' error, lambda 8, gamma 2", 1.0, kept[4]),
        ),
        figure=lines(
            [
                Line(f"lambda {x:g}, gamma {g:.3g}", t, y, one.mean(0), half_width(one))
                for x, g, y, one in zip(lam[:5], gamma[:5], carried, ties, strict=False)
            ],
            "generation",
            "share of the real points' error",
        ),
    )


CLAIM = Claim(
    name="attractor",
    source="derived here (docs/stability.md)",
    statement="With re-used real points an exponential family's loop settles around theta* + b (theta_MLE - theta*), "
    "b = (1 + gamma) / (1 + gamma + lambda gamma): the fit to the real points without correction, the truth as lambda "
    "and gamma grow. There is a gamma at which its error is exactly that of the one fit.",
    check=check,
)
