"""Chains of a misspecified model, for which eps, L > 0: Student's t with 5 degrees of freedom on the skew mixture D1.

The finite-sample theorems ask for a and b of Assumption 4, which no closed form gives here. To first order in 1 / n a
step's error is normal with covariance Xi / n, Xi = K^-1 (C + lambda F) K^-1, K = H + lambda F; so, with P = 2,

    P(|error| > s / sqrt n) <= 2^(P / 2) exp(-s^2 / a^2),    a = 2 (largest eigenvalue of Xi)^(1/2)

(Markov on exp(|Z|^2 / 4 Var)). The claims check that, too. Letters: G settings, S seeds, T generations, e in the
coordinates (location, log s).
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.student import Shape, location_scale
from selfloop.protocols import Loop, Model
from selfloop.stability import bounds, jacobian, rates
from selfloop.stability.constants import eta
from theory.frame.claim import Comparison, fails, share
from theory.shared import cases
from theory.shared.chains import chains

N, LAM, GENERATIONS = 1000, 0.1, 4
GAMMA = np.array([0.0, 1.0])
TIME = np.arange(GENERATIONS + 1)


def draw_skew(key: jax.Array, n: int) -> jax.Array:
    """n points of D1 = 0.7 N(-0.5, 0.5^2) + 0.3 N(2, 1.2^2)."""
    of_part, of_noise = jax.random.split(key)
    first = jax.random.uniform(of_part, (n, 1), jnp.float64) < 0.7
    noise = jax.random.normal(of_noise, (n, 1), jnp.float64)
    return jnp.where(first, -0.5 + 0.5 * noise, 2.0 + 1.2 * noise)


def quick() -> Model:
    """Student's t with 5 degrees of freedom, whose fit takes as many steps as these data need for 1e-9."""
    shape = Shape(lambda z: -3 * jnp.log1p(z**2 / 5), lambda z: 6 / (5 + z**2), None)
    return location_scale(shape, jnp.float64, reweighted=9, newton=2)._replace(sample=cases.student5().sample)


@cache
def errors(n: int, lam: tuple[float, ...], gamma: tuple[float, ...], generations: int, seeds: int) -> np.ndarray:
    """e_t [G, S, T + 1, 2]: n real points, the same in every generation, and lambda n corrected ones."""
    case = cases.student_on_skew()
    model = quick()

    def draw(key: jax.Array, count: int) -> jax.Array:
        return model.sample(key, case.star, None, count).x

    def build(key: jax.Array, setting: dict[str, jax.Array]) -> Loop:
        real = sources.fixed(uniform(draw_skew(key, n)))
        slots = round(max(lam) * n)
        return Loop(model, policies.augment(setting["lam"]), real, slots, replacement(draw, setting["gamma"]))

    settings = {"lam": np.array(lam), "gamma": np.array(gamma)}
    theta = chains(build, settings, seeds, generations, lambda result: case.chart.theta(result.state), seed=10)
    return theta - np.asarray(case.chart.theta(case.star))


def measured(seeds: int) -> np.ndarray:
    """e_t [GAMMA, S, T + 1, 2] at N, LAM."""
    return errors(N, (LAM,) * GAMMA.size, tuple(GAMMA), GENERATIONS, seeds)


def rate() -> np.ndarray:
    """The factor of Theorem 4.3 for every gamma [G], its eps L / alpha that of the case."""
    return np.asarray(rates.gillman(LAM, GAMMA, eta(cases.constants(cases.student_on_skew()))))


def spread() -> float:
    """a of Assumption 4."""
    c = cases.student_on_skew().curvature
    half = np.linalg.inv(np.asarray(jacobian.k_matrix(c, LAM)))
    return 2 * float(np.linalg.eigvalsh(half @ np.asarray(c.C + LAM * c.F) @ half)[-1] ** 0.5)


def step(delta: float) -> float:
    """A step's error (a / sqrt n) sqrt(log(b / delta)), b = 2."""
    return float(bounds.fluctuation(N, spread(), 2.0, delta))


def assumption(seeds: int, deltas: tuple[float, ...]) -> bool:
    """Whether |G^n(theta_0) - G^inf(theta_0)| is inside the fluctuation as often as Assumption 4 asks for.

    G^inf to first order: theta* + J (theta_0 - theta*).
    """
    c, found = cases.student_on_skew().curvature, measured(seeds)
    linear = [np.asarray(jacobian.jacobian(c, LAM, gamma)) for gamma in GAMMA]
    off = [np.linalg.norm(e[:, 1] - e[:, 0] @ j.T, axis=-1) for e, j in zip(found, linear, strict=True)]
    return not any(fails(share("", 1 - delta, one <= step(delta))) for one in off for delta in deltas)


def largest_failing(label: str, level: float, over: np.ndarray) -> tuple[float, Comparison]:
    """The largest hundredth of a bound that fails, and that it does: errors over the bound are ``over`` [S] or [S, T].

    A chain is inside a part of the bound where all its errors are.
    """
    worst = over.reshape(len(over), -1).max(1)
    for part in np.arange(99, 0, -1) / 100:
        found = share(f"{label}, {part:g} of the bound", level, worst <= part)
        if fails(found):
            return part, found
    return 0.0, share(f"{label}, none of the bound", level, worst <= 0)
