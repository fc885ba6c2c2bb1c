"""Where a corrected loop settles: between the fit to its real points and the truth; and when it breaks even."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Loop
from selfloop.stability import recursions
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N = 4
M = 32
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


def carried(lam: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """The share [G, T + 1] of the real points' own error in that of generation t: b + (1 - b) r^t."""
    b, r = settles(lam, gamma)[:, None], (lam / (1 + lam) / (1 + gamma))[:, None]
    return b + (1 - b) * r ** np.arange(GENERATIONS + 1)


@cache
def measured(lam: tuple[float, ...], gamma: tuple[float, ...], seeds: int) -> np.ndarray:
    """Errors [G, S, T + 1]."""
    settings = {"lam": np.array(lam), "gamma": np.array(gamma)}
    return chains(build, settings, seeds, GENERATIONS, lambda r: r.state.mean[0], seed=4)


def check(effort: Effort) -> Finding:
    """The part of the real points' error that generation 25 carries, and the gamma that makes the loop break even."""
    lam = np.array([1.0, 1.0, 8.0, 8.0, 8.0, 1.0])
    gamma = np.array([0.0, 1.0, 0.0, 0.5, 2.0, break_even(1.0)])
    seeds = 20 * effort.seeds
    error = np.concatenate([measured(tuple(lam[:-1]), tuple(gamma[:-1]), seeds), measured((1.0,), (gamma[-1],), seeds)])
    first, last = error[:, :, 0], error[:, :, -1]
    # b e_0 is taken off, with the slope b that the chains themselves have, which sharpens the interval.
    b = (first * last).mean(1) / (first**2).mean(1)
    kept = b[:, None] + N * first * (last - b[:, None] * first)
    even = N * (error[-1, :, 8:] ** 2).mean(1)
    t = np.arange(GENERATIONS + 1)
    shares = carried(lam, gamma)
    ties = N * error * error[:, :, :1]
    return Finding(
        hypotheses={
            "generation 0 is one fit to n points": bool(
                abs(N * (first[0] ** 2).mean() - 1) <= N * half_width(first[0] ** 2)
            ),
        },
        comparisons=[
            *(
                mean(f"share of the real points' error, lambda {x:g}, gamma {g:.3g}", y[-1], one)
                for x, g, y, one in zip(lam, gamma, shares, kept, strict=True)
            ),
            mean(f"error over one fit's at break-even, lambda 1, gamma {gamma[-1]:.3g}", 1.0, even),
            identity(
                "the share at generation 25 over the attractor's, farthest from 1",
                1.0,
                (shares[:, -1] / settles(lam, gamma)).max(),
                0.06,
            ),
        ],
        control=Control(
            "tau² for tau in what its own samples carry on: b = (1 - w) / (1 - w tau²)",
            mean("share of the real points' error, lambda 1, gamma 1", 0.5 / (1 - 0.5 / 4), kept[1]),
        ),
        figure=lines(
            [
                Line(f"lambda {x:g}, gamma {g:.3g}", t, y, one.mean(0), half_width(one))
                for x, g, y, one in zip(lam[:5], gamma[:5], shares, ties, strict=False)
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
    slips=(
        Slip("lambda left out", settles, lambda right, lam, gamma: right(1.0, gamma) + 0 * lam),
        Slip("gamma for 1 + gamma", settles, lambda right, lam, gamma: gamma / (1 + gamma + lam * gamma)),
        Slip("half the share", settles, scaled(0.5)),
        Slip("the fit itself, b = 1", settles, lambda right, lam, gamma: 1 + 0 * lam * gamma),
        Slip("a break-even gamma doubled", break_even, scaled(2.0)),
    ),
)
