"""Exponential families: the loop is linear in the mean parameters, from anywhere and for any data."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.models.charts import mean_parameters
from selfloop.models.exponential import poisson
from selfloop.models.states import GaussianState, MeanState
from selfloop.stability import quadrature, rates
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, Slip, equal
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases
from theory.shared.population import population, pull, trajectory, whole

LAM = np.array([0.5, 0.5, 2.0, 2.0, 10.0, 10.0])
GAMMA = np.array([0.0, 1.0, 0.0, 1.0, 0.3, np.inf])
GENERATIONS = 12


def check(effort: Effort) -> Finding:
    """A Gaussian on a skew mixture and a Poisson law on two clusters of counts, from starts far away."""
    error, spread, count = _measured()
    predicted = np.asarray(rates.exact(LAM, GAMMA))
    powers = predicted[:, None] ** np.arange(GENERATIONS + 1)
    shares = {"Gaussian on a skew mixture": _share(error), "Poisson on counts 1 and 9": _share(count)}
    return Finding(
        hypotheses={
            "the starts are not near theta*": bool(min(abs(error[:, 0]).max(), abs(count[:, 0]).max()) > 3),
            "the mean parameters stay inside their space": bool(np.isfinite(error).all() and np.isfinite(spread).all()),
        },
        comparisons=[one for name, share in shares.items() for one in _compared(name, share, powers)],
        control=Control(
            "the logarithm of the variance is no mean parameter: its error does not fall by r in the first generation",
            equal(
                "error ratio of log s^2, lambda 10, gamma 0.3", predicted[4], spread[4, 1, 0] / spread[4, 0, 0], 1e-3
            ),
        ),
        figure=lines(
            [
                Line(f"lambda {lam:g}, gamma {gamma:g}", np.arange(GENERATIONS + 1), p, found)
                for lam, gamma, p, found in zip(LAM[:5], GAMMA[:5], powers, _share(error), strict=False)
            ],
            "generation",
            "error of (E x, E x²) / start",
            yscale="log",
        ),
    )


@cache
def _measured() -> list[np.ndarray]:
    """Errors [settings, T + 1, P] of a Gaussian's mean parameters and log variance, and of a Poisson law's mean."""
    normal, chart = cases.gaussian_on_skew(), mean_parameters(1).theta
    far = GaussianState(jnp.full(1, 4.0), jnp.full((1, 1), 9.0))
    model, nodes = poisson(jnp.float64), quadrature.counts(80)
    clusters = whole(nodes._replace(weight=jnp.where((nodes.x == 1) | (nodes.x == 9), 0.5, 0.0)[:, 0]))
    return [
        *_errors(normal, far, lambda state: (chart(state), jnp.log(state.covariance[0]))),
        *_errors(cases.case(model, nodes, clusters), MeanState(jnp.full(1, 20.0)), lambda state: (state.mean,)),
    ]


def _errors(case: cases.Case, start: object, measure: object) -> list[np.ndarray]:
    """What is measured of the states less what is measured of theta*, each [settings, T + 1, P]."""

    def path(lam: jax.Array, gamma: jax.Array) -> object:
        loop = population(case.model, case.nodes, case.data, lam, pull(case.own, gamma))
        return trajectory(loop, start, GENERATIONS, measure)

    found = jax.jit(jax.vmap(path))(LAM, GAMMA)
    return [np.asarray(one) - np.asarray(best) for one, best in zip(found, measure(case.star), strict=True)]


def _share(error: np.ndarray) -> np.ndarray:
    """|e_t| / |e_0|."""
    size = np.linalg.norm(error, axis=-1)
    return size / size[:, :1]


def _compared(name: str, share: np.ndarray, powers: np.ndarray) -> list[Comparison]:
    first = [
        equal(f"{name}: first ratio, lambda {lam:g}, gamma {gamma:g}", power, one, 1e-9)
        for lam, gamma, power, one in zip(LAM, GAMMA, powers[:, 1], share[:, 1], strict=True)
    ]
    return [*first, equal(f"{name}: largest distance from r^t in 12 generations", 0, abs(share - powers).max(), 1e-9)]


CLAIM = Claim(
    name="exponential_global",
    source="derived here: maximum likelihood in an exponential family is moment matching",
    statement="In an exponential family with mean parameters mu, mu_t - mu* = r^t (mu_0 - mu*) with "
    "r = lambda / ((1 + lambda) (1 + gamma)): for any data, any start, any lambda.",
    check=check,
    slips=(
        Slip("a factor 2", rates.exact, scaled(2.0)),
        Slip("lambda for lambda / (1 + lambda)", rates.exact, lambda right, lam, gamma, m=1.0: lam * m / (1 + gamma)),
        Slip("tau squared", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, m) / (1 + gamma)),
    ),
)
