"""A corrector with a target of its own: the loop is as stable as ever, and settles between the data and that target."""

from functools import cache

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
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, equal, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import cases, mean_loop
from theory.shared.chains import chains, half_width
from theory.shared.population import population, pull, trajectory

LAM = np.array([0.5, 2.0, 50.0])
GAMMA = np.array([0.3, 1.0, 1.0])
GENERATIONS = 60
SETTING = (2.0, 4.0)
"""lambda and gamma of Student's t: its start is forgotten to 1e-5 in six generations."""
TARGET = (3.0, 0.25)
"""Mean and variance of the corrector's own target."""


def check(effort: Effort) -> Finding:
    """A Gaussian on skew data pulled to another Gaussian; Student's t pulled aside a little; a mean of 10 points."""
    share, rate = _population()
    predicted = limit(LAM, GAMMA)
    aside, first_order = _student(), moved(cases.student_on_skew(), *SETTING) @ np.array([1.0, 0.0])
    settled = _finite(50 * effort.seeds)
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
            mean("n = 10: mean at t = 12, target at 1, lambda 0.5, gamma 1", limit(0.5, 1.0), settled[:, -1]),
        ],
        control=Control(
            "it does not settle at the corrector's share of the training set",
            mean("n = 10: mean at t = 12, target at 1", 0.5 / 1.5 * 0.5, settled[:, -1]),
        ),
        figure=lines(
            [
                Line("predicted limit", times, np.full(times.size, limit(0.5, 1.0)), dashed=True),
                Line("mean of chains, n = 10", times, None, settled.mean(0), half_width(settled)),
            ],
            "generation, lambda 0.5, gamma 1",
            "mean, corrector's target at 1",
        ),
    )


def limit(lam: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """lambda gamma / (1 + gamma + lambda gamma)."""
    return lam * gamma / (1 + gamma + lam * gamma)


def moved(case: cases.Case, lam: float, gamma: float) -> np.ndarray:
    """(H + k F)^-1 k F [P, P], k = lambda gamma / (1 + gamma): theta_inf - theta* from a small move of the target."""
    h, f, k = np.asarray(case.curvature.H), np.asarray(case.curvature.F), lam * gamma / (1 + gamma)
    return np.linalg.solve(h + k * f, k * f)


@cache
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


@cache
def _student() -> np.ndarray:
    """theta_inf - theta* [P] of Student's t whose corrector's target is moved by 1e-3 in location, over 1e-3."""
    case, (lam, gamma), move = cases.student_on_skew(), SETTING, np.array([1e-3, 0.0])
    star = np.asarray(case.chart.theta(case.star))
    sides = []
    for sign in (1, -1):
        target = quadrature.own(case.model, case.chart.state(star + sign * move), case.nodes)
        sides.append(cases.paths(case._replace(own=target), [lam], [gamma], star[None])[0, 0, -1])
    return (sides[0] - sides[1]) / 2 / 1e-3


@cache
def _finite(seeds: int) -> np.ndarray:
    """The means [S, T + 1] of loops on 10 points, whose corrector replaces by draws of N(1, 1)."""

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        corrector = biased(lambda key, n: 1 + mean_loop.draw(key, n), gamma)
        source = sources.fixed(uniform(mean_loop.draw(key, mean_loop.N)))
        return Loop(mean_loop.model(), policies.augment(0.5), source, 5, corrector)

    return chains(build, np.array([1.0]), seeds, 12, lambda result: result.state.mean[0])[0]


CLAIM = Claim(
    name="biased_corrector",
    source=f"derived here; compare Yi et al., ICLR 2026 (arXiv 2510.16657; {RECALLED}): retraining goes to the "
    "verifier's centre",
    statement="A corrector of target p_c leaves an exponential family's loop at mu* + lambda gamma / "
    "(1 + gamma + lambda gamma) (mu_c - mu*), at the same rate; any smooth model, to first order, at "
    "theta* + (H + k F)^-1 k E_c[score], k = lambda gamma / (1 + gamma).",
    check=check,
    slips=(
        Slip("lambda left out of the denominator", limit, lambda right, lam, gamma: lam * gamma / (1 + gamma)),
        Slip("1 + lambda for 1 + gamma", limit, lambda right, lam, gamma: lam * gamma / (1 + lam + lam * gamma)),
        Slip("a factor 2", limit, scaled(2.0)),
        Slip("half the first order", moved, scaled(0.5)),
        Slip(
            "the data's law for the target's: H for F",
            moved,
            lambda right, case, lam, gamma: np.eye(2) * limit(lam, gamma),
        ),
        Slip("lambda for k", moved, lambda right, case, lam, gamma: right(case, lam, 1e9)),
        Slip("tau squared", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, m) / (1 + gamma)),
    ),
)
