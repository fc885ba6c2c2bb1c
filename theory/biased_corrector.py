"""A corrector with a target of its own: the loop is as stable as ever, and settles between the data and that target."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.biased import biased
from selfloop.models.charts import mean_parameters
from selfloop.models.states import GaussianState
from selfloop.protocols import Loop
from selfloop.stability import quadrature, rates
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared import cases, mean_loop
from theory.shared.chains import chains, half_width
from theory.shared.population import population, pull, trajectory

LAM = np.array([0.5, 2.0, 50.0])
GAMMA = np.array([0.3, 1.0, 1.0])
GENERATIONS = 60
TARGET = (3.0, 0.25)
"""Mean and variance of the corrector's own target."""


def check(effort: Effort) -> Finding:
    """A Gaussian on skew data pulled to another Gaussian; Student's t pulled aside a little; a mean of 40 points."""
    share, rate = _population()
    predicted = limit(LAM, GAMMA)
    aside, first_order = _student()
    settled = _finite(2 * effort.seeds)
    times = np.arange(settled.shape[1])
    return Finding(
        hypotheses={
            "the target is not near p*": bool(abs(TARGET[0] - cases.gaussian_on_skew().star.mean[0]) > 1),
            "t5: H is positive definite": cases.concave(cases.student_on_skew()),
        },
        comparisons=[
            *(
                equal(
                    f"(mu_inf - mu*) / (mu_c - mu*), lambda {lam:g}, gamma {gamma:g}, mean parameter {i + 1}",
                    one,
                    found,
                    1e-9,
                )
                for lam, gamma, one, row in zip(LAM, GAMMA, predicted, share, strict=True)
                for i, found in enumerate(row)
            ),
            *(
                equal(f"rate of approach, lambda {lam:g}, gamma {gamma:g}", one, found, 1e-9)
                for lam, gamma, one, found in zip(LAM, GAMMA, np.asarray(rates.exact(LAM, GAMMA)), rate, strict=True)
            ),
            *(
                equal(
                    f"t5, target moved by 1e-3: coordinate {i + 1} of theta_inf - theta*, over 1e-3", one, found, 1e-4
                )
                for i, (one, found) in enumerate(zip(first_order, aside, strict=True))
            ),
            mean("n = 40: mean at t = 30, target at 1, lambda 0.5, gamma 0.3", limit(0.5, 0.3), settled[:, -1]),
        ],
        control=Control(
            "it does not settle at theta*, where a corrector that aims at p* would",
            mean("n = 40: mean at t = 30, target at 1", 0, settled[:, -1]),
        ),
        figure=lines(
            [
                Line("predicted limit", times, np.full(times.size, limit(0.5, 0.3)), dashed=True),
                Line("mean of chains, n = 40", times, None, settled.mean(0), half_width(settled)),
            ],
            "generation, lambda 0.5, gamma 0.3",
            "mean, corrector's target at 1",
        ),
    )


def limit(lam: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """lambda gamma / (1 + gamma + lambda gamma)."""
    return lam * gamma / (1 + gamma + lam * gamma)


def _population() -> tuple[np.ndarray, np.ndarray]:
    """Where the mean parameters settle, in units of the target's distance [G, 2]; and the rate of approach [G]."""
    case, chart = cases.gaussian_on_skew(), mean_parameters(1).theta
    target = GaussianState(jnp.full(1, TARGET[0]), jnp.full((1, 1), TARGET[1]))
    law = quadrature.own(case.model, target, case.nodes)

    def path(lam: jax.Array, gamma: jax.Array) -> jax.Array:
        loop = population(case.model, case.nodes, case.data, lam, pull(law, gamma))
        return trajectory(loop, case.star, GENERATIONS, chart)

    found = np.asarray(jax.jit(jax.vmap(path))(LAM, GAMMA)) - np.asarray(chart(case.star))
    size = np.linalg.norm(found - found[:, -1:], axis=-1)
    return found[:, -1] / np.asarray(chart(target) - chart(case.star)), size[:, 2] / size[:, 1]


def _student() -> tuple[np.ndarray, np.ndarray]:
    """Student's t, lambda 2 and gamma 1, the target's location moved by 1e-3: measured and first order [P], per 1e-3.

    (H + k F)^-1 k F, k = lambda gamma / (1 + gamma), of the move: E_c s = F (move) to first order.
    """
    case, lam, gamma, move = cases.student_on_skew(), 2.0, 1.0, np.array([1e-3, 0.0])
    h, f, k = np.asarray(case.curvature.H), np.asarray(case.curvature.F), lam * gamma / (1 + gamma)
    predicted = np.linalg.solve(h + k * f, k * f @ move)
    star = np.asarray(case.chart.theta(case.star))
    sides = []
    for sign in (1, -1):
        target = quadrature.own(case.model, case.chart.state(star + sign * move), case.nodes)
        path = cases.paths(case._replace(own=target), [lam], [gamma], (star + sign * predicted)[None])
        sides.append(path[0, 0, -1])
    return (sides[0] - sides[1]) / 2 / 1e-3, predicted / 1e-3


def _finite(seeds: int) -> np.ndarray:
    """The means [S, T + 1] of loops on 40 points, whose corrector replaces by draws of N(1, 1)."""

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        corrector = biased(lambda key, n: 1 + mean_loop.draw(key, n), gamma)
        source = sources.fixed(uniform(mean_loop.draw(key, mean_loop.N)))
        return Loop(mean_loop.model(), policies.augment(0.5), source, 20, corrector)

    return chains(build, np.array([0.3]), seeds, 30, lambda result: result.state.mean[0])[0]


CLAIM = Claim(
    name="biased_corrector",
    source="derived here; compare Yi et al., ICLR 2026 (arXiv 2510.16657): retraining goes to the verifier's centre",
    statement="A corrector of target p_c leaves an exponential family's loop at mu* + lambda gamma / "
    "(1 + gamma + lambda gamma) (mu_c - mu*), at the same rate; any smooth model, to first order, at "
    "theta* + (H + k F)^-1 k E_c[score], k = lambda gamma / (1 + gamma).",
    check=check,
)
