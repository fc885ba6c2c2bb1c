"""The spread of a misspecified model's parameters in the loop: a sandwich, as that of one fit."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.protocols import Loop
from selfloop.stability import sandwich
from theory.frame.claim import Claim, Control, Effort, Finding, mean
from theory.frame.drawing import Line, lines
from theory.shared.cases import student5, student_on_skew
from theory.shared.chains import chains, half_width

N = 250
GENERATIONS = 6
SETTLED = 4
GAMMA = np.array([0.0, 0.5])


def draw_skew(key: jax.Array, n: int) -> jax.Array:
    """n points of D1 = 0.7 N(-0.5, 0.5^2) + 0.3 N(2, 1.2^2)."""
    of_part, of_noise = jax.random.split(key)
    first = jax.random.uniform(of_part, (n, 1), jnp.float64) < 0.7
    noise = jax.random.normal(of_noise, (n, 1), jnp.float64)
    return jnp.where(first, -0.5 + 0.5 * noise, 2.0 + 1.2 * noise)


def check(effort: Effort) -> Finding:
    """Student's t with 5 degrees of freedom on D1, lambda = 1: generations 4 to 6."""
    case = student_on_skew()
    model, star = student5(), case.star

    def draw(key: jax.Array, n: int) -> jax.Array:
        return model.sample(key, star, None, n).x

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        real = sources.fixed(uniform(draw_skew(key, N)))
        return Loop(model, policies.augment(1.0), real, N, replacement(draw, gamma))

    theta = chains(build, GAMMA, 500 + effort.seeds // 4, GENERATIONS, lambda r: case.chart.theta(r.state), seed=10)
    error = theta - np.asarray(case.chart.theta(star))
    products = N * error[..., :, None] * error[..., None, :]
    fisher = np.asarray(case.curvature.F)
    excess = (products * fisher).sum((-2, -1)) / 2
    theory = [np.asarray(sandwich.stationary_covariance(case.curvature, 1.0, gamma, 1.0)) for gamma in GAMMA]
    right = case.curvature._replace(H=case.curvature.F, C=case.curvature.F)
    naive = float(sandwich.excess_divergence(right, sandwich.stationary_covariance(right, 1.0, 0.0, 1.0)))
    expected = [float(sandwich.excess_divergence(case.curvature, one)) for one in theory]
    t = np.arange(GENERATIONS + 1)
    compared = []
    for gamma, one, divergence, covariance, total in zip(GAMMA, theory, expected, products, excess, strict=True):
        late = covariance[:, SETTLED:].mean(1)
        compared.append(mean(f"gamma {gamma:g}: n E KL", divergence, total[:, SETTLED:].mean(1)))
        for name, i, j in (("Var location", 0, 0), ("Cov", 0, 1), ("Var log s", 1, 1)):
            compared.append(mean(f"gamma {gamma:g}: n {name}", one[i, j], late[:, i, j]))
    return Finding(
        hypotheses={
            "H is positive definite": bool(np.linalg.eigvalsh(np.asarray(case.curvature.H)).min() > 0),
            "misspecified: the scores' covariance is not the Fisher information": bool(
                abs(np.asarray(case.curvature.C) - fisher).max() > 0.1
            ),
            "generation 0 is centred at theta*, up to the bias of order 1 / n": bool(
                abs(error[0][:, 0].mean(0)).max() < 5 / N
            ),
        },
        comparisons=compared,
        control=Control(
            "the covariance of a well specified model (H and C taken for the Fisher information)",
            mean("gamma 0: n E KL", naive, excess[0][:, SETTLED:].mean(1)),
        ),
        figure=lines(
            [
                Line(f"gamma {gamma:g}", t, np.full(t.size, one), total.mean(0), half_width(total))
                for gamma, one, total in zip(GAMMA, expected, excess, strict=True)
            ]
            + [Line("if it were well specified, gamma 0", t, np.full(t.size, naive), dashed=True)],
            "generation",
            "n E KL(p*, model) to second order",
        ),
    )


CLAIM = Claim(
    name="sandwich_covariance",
    source="derived here (docs/stability.md), after Huber 1967 for one fit",
    statement="Re-used data, any smooth model: n Cov(theta_t) -> G C G + V, G = (H + lambda (1 - tau) F)^-1, "
    "V = J V J^T + lambda K^-1 F K^-1, K = H + lambda F, to first order in 1 / n.",
    check=check,
)
