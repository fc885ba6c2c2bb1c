"""In the norm of K = H + lambda F every generation contracts at once; the Euclidean norm may grow first."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.stability import jacobian, rates
from selfloop.stability.curvature import Curvature
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, equal, identity
from theory.frame.drawing import Line, lines
from theory.shared import cases
from theory.shared.slips import RATE

LAM, GAMMA = 2.0, 0.5
DIRECTIONS = 22


def check(effort: Effort) -> Finding:
    """One-generation growth of errors in all directions, by two norms; and the norms of random Jacobians."""
    case = cases.student_on_skew()
    along = cases.directions(case)
    angle = np.linspace(0, np.pi, DIRECTIONS, endpoint=False)
    kicks = np.concatenate([along, np.stack([np.cos(angle), np.sin(angle)], 1)])
    error = cases.decay(case, [LAM], [GAMMA], 1e-3 * kicks)[0]
    growth = _growth(error, np.linalg.cholesky(np.asarray(jacobian.k_matrix(case.curvature, LAM))).T)
    # Coordinates in which the two eigenvectors are 3 degrees apart: as good as any others for the same model.
    apart = np.array([[1.0, 0.0], [np.cos(0.05), np.sin(0.05)]]).T @ np.linalg.inv(along.T)
    euclidean = _growth(error, apart)
    ratio, corrected = _random(effort.cases)
    predicted = float(rates.exact(LAM, GAMMA, case.m[-1]))
    return Finding(
        hypotheses={
            "H is positive definite": cases.concave(case),
        },
        comparisons=[
            equal("largest K-norm growth of an error, all directions and generations", predicted, growth.max(), 1e-5),
            at_most("the same beside 1 / (1 + gamma)", 1 / (1 + GAMMA), growth.max()),
            identity("random H, F: ||J||_K / rho(J), farthest from 1", 1, ratio[abs(ratio - 1).argmax()], 1e-9),
            at_most("random H, F: largest (1 + gamma) ||J||_K", 1, corrected.max())._replace(identity=True),
        ],
        control=Control(
            "in coordinates in which the eigenvectors are 3 degrees apart the Euclidean norm grows",
            at_most("largest Euclidean growth of an error", 1, euclidean.max()),
        ),
        figure=lines(
            [
                Line("norm of K", angle * 180 / np.pi, growth[2:, 0], growth[2:, 0]),
                Line("Euclidean, sheared coordinates", angle * 180 / np.pi, euclidean[2:, 0], euclidean[2:, 0]),
                Line("spectral radius of J", angle * 180 / np.pi, np.full(DIRECTIONS, predicted), dashed=True),
            ],
            "direction of the error (degrees)",
            "growth in one generation",
        ),
    )


def _growth(error: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Growth a generation [kicks, T] of errors [kicks, T + 1, P] in the norm |half e|."""
    size = np.linalg.norm(error @ half.T, axis=-1)
    return size[:, 1:] / size[:, :-1]


@cache
def _random(count: int) -> tuple[np.ndarray, np.ndarray]:
    """||J||_K over the spectral radius, and (1 + gamma) ||J||_K, of ``count`` random H, F, lambda, gamma."""

    def one(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        of_h, of_f, of_rest = jax.random.split(key, 3)
        h, f = (_definite(k) for k in (of_h, of_f))
        lam, gamma = jnp.exp(2 * jax.random.normal(of_rest, (2,), h.dtype))
        c = Curvature(h, f, h)
        norm = jacobian.k_norm(jacobian.jacobian(c, lam, gamma), jacobian.k_matrix(c, lam))
        return norm / jacobian.rates(jacobian.spectrum(c), lam, gamma)[-1], (1 + gamma) * norm

    keys = jax.random.split(jax.random.key(1), count)
    ratio, corrected = jax.jit(lambda keys: jax.lax.map(one, keys))(keys)
    return np.asarray(ratio), np.asarray(corrected)


def _definite(key: jax.Array) -> jax.Array:
    a = jax.random.normal(key, (4, 5), jnp.float64)
    return a @ a.T


CLAIM = Claim(
    name="k_norm",
    source="derived here (docs/stability.md)",
    statement="With K = H + lambda F the Jacobian is self-adjoint for <u, v>_K, so ||J||_K is its spectral radius, "
    "below 1 / (1 + gamma): in that norm errors shrink from the first generation on, without transient growth.",
    check=check,
    slips=(
        *RATE,
        Slip("tau squared", rates.exact, lambda right, lam, gamma, m=1.0: right(lam, gamma, m) / (1 + gamma)),
        Slip("the Euclidean norm for that of K", jacobian.k_matrix, lambda right, c, lam: jnp.eye(len(c.H))),
    ),
)
