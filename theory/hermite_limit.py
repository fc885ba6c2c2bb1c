"""With real data in it the loop tends to a smoothed mixture of the data, whose fine structure is damped by order."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.polynomial.hermite_e import hermeval

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.kde import kernel_density
from selfloop.protocols import Generation, Loop, Model
from selfloop.stability.kde import hermite_damping
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

N, M, T = 10, 20, 8
RHO, W = 0.8, M / (N + M)
GAMMA = np.array([0.0, 1.0])
ORDERS = np.arange(1, 5)
POINTS, CHANCE = np.array([-2.0, 1.5]), np.array([0.3, 0.7])
"""The data: two values, of which kernels and mixtures remember all Hermite coefficients."""
FREQUENCY = 1.2


def coefficient(order: int) -> float:
    """E He_j(x) of the data."""
    return float(CHANCE @ hermeval(POINTS, np.eye(order + 1)[order]))


def remembering() -> Model:
    """A diffusion model that remembers its data and stops early: samples rho x_i + sqrt(1 - rho^2) z."""
    base = kernel_density(float(np.sqrt(1 - RHO**2)), N + M, 1, jnp.float64)

    def fit(key: Array, batch: Batch, state: object) -> tuple[object, dict]:
        return base.fit(key, batch._replace(x=RHO * batch.x), state)

    return base._replace(fit=fit)


def _draw(key: Array, n: int) -> Array:
    return jnp.where(jax.random.uniform(key, (n, 1), float) < CHANCE[0], *POINTS)


@cache
def measured(seeds: int) -> dict[str, np.ndarray]:
    """E He_j [G, S, T + 1, orders] and E cos [G, S, T + 1] of every generation's law, N real points kept."""

    def build(key: Array, gamma: Array) -> Loop:
        source = sources.fixed(uniform(_draw(key, N)))
        return Loop(remembering(), policies.augment(M / N), source, M, replacement(_draw, gamma))

    def measure(result: Generation) -> dict[str, Array]:
        x, weight = result.state.points[:, 0] / RHO, result.state.weights
        he = jnp.stack([x, x**2 - 1, x**3 - 3 * x, x**4 - 6 * x**2 + 3])
        bell = jnp.exp(-((FREQUENCY**2) * (1 - RHO**2)) / 2)
        return {"hermite": RHO**ORDERS * (he @ weight), "wave": bell * (weight @ jnp.cos(FREQUENCY * RHO * x))}

    return chains(build, GAMMA, seeds, T, measure, seed=42)


def smoothed_mixture(gamma: float, parts: int = 60) -> float:
    """E cos of sum_k (1 - r) r^k K^(k + 1) p: the data shrunk by rho^(k + 1) and blurred to match, mixed."""
    r, k = W / (1 + gamma), np.arange(1, parts + 1)
    blur = np.exp(-(FREQUENCY**2) * (1 - RHO ** (2 * k)) / 2)
    return float(((1 - r) * r ** (k - 1) * blur * (CHANCE @ np.cos(FREQUENCY * POINTS[:, None] * RHO**k))).sum())


def check(effort: Effort) -> Finding:
    """Hermite coefficients 1 to 4 of loops over 10 real and 20 synthetic points."""
    found = measured(5 * effort.seeds)
    path = {(j, g): coefficient(j) * np.asarray(hermite_damping(j, RHO, W, g, T)) for j in ORDERS for g in GAMMA}
    limit = {j: RHO**j * (1 - W) / (1 - W * RHO**j) for j in ORDERS}
    he = found["hermite"]
    return Finding(
        hypotheses={
            "the data's coefficients are all far from 0": all(abs(coefficient(j)) > 0.4 for j in ORDERS),
            "generation 8 is stationary to 1 %": all(
                abs(path[j, 0.0][-1] / (coefficient(j) * limit[j]) - 1) < 0.01 for j in ORDERS
            ),
        },
        comparisons=[
            *(
                mean(f"E He_{j}, gamma {g:g}, t = {t}", path[j, g][t], he[i, :, t, j - 1])
                for j in ORDERS
                for i, g in enumerate(GAMMA)
                for t in (0, 1, T)
            ),
            *(
                mean(f"E cos of the smoothed mixture, gamma {g:g}", smoothed_mixture(g), found["wave"][i, :, T])
                for i, g in enumerate(GAMMA)
            ),
            *(
                identity(f"limit of order {j}", limit[j], float(hermite_damping(j, RHO, W, 0.0, 200)[-1]), 1e-9)
                for j in ORDERS
            ),
        ],
        control=Control(
            "a near miss: one smoothing too few, (1 - r) / (1 - r rho^j)",
            mean("E He_4, gamma 0, t = 8", coefficient(4) * limit[4] / RHO**4, he[0, :, T, 3]),
        ),
        figure=lines(
            [
                Line(
                    f"order {j}",
                    np.arange(T + 1),
                    path[j, 0.0],
                    he[0, :, :, j - 1].mean(0),
                    half_width(he[0, :, :, j - 1]),
                )
                for j in ORDERS
            ],
            "generation",
            "E He_j(x), gamma 0",
        ),
    )


CLAIM = Claim(
    name="hermite_limit",
    source="arXiv 2606.13796, as recalled; not re-read; derived here for a model that remembers its data",
    statement="A kernel that leaves N(0, 1) as it is multiplies the Hermite coefficient of order j by rho^j. With "
    "a share w of synthetic data, r = w / (1 + gamma), the law tends to the mixture of the data "
    "smoothed k + 1 times, weights (1 - r) r^k: order j is damped to rho^j (1 - r) / (1 - r rho^j), "
    "fine structure most.",
    check=check,
    slips=(
        Slip("one smoothing too few", hermite_damping, lambda right, j, rho, *rest: right(j, rho, *rest) / rho**j),
        Slip("all orders damped alike", hermite_damping, lambda right, j, rho, *rest: right(1, rho, *rest)),
        Slip("rho^(2 j) for rho^j", hermite_damping, lambda right, j, rho, *rest: right(j, rho**2, *rest)),
        Slip("w for r", hermite_damping, lambda right, j, rho, w, gamma, t: right(j, rho, w, 0.0, t)),
        Slip("one generation early", hermite_damping, early),
        Slip("a factor 2", hermite_damping, scaled(2.0)),
        Slip(
            "weights of the mixture that do not add up", smoothed_mixture, lambda right, g: right(g) / (1 - W / (1 + g))
        ),
    ),
)
