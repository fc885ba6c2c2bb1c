"""The covariance of corrected samples: a mixture of covariances, and a term for the means' distance."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines

GAMMA = np.array([0.25, 1.0, 4.0])
AWAY = np.array([2.0, -1.0])
ROOT = np.array([[0.5, 0.0], [0.3, 0.4]])
N = 50


def check(effort: Effort) -> Finding:
    """Samples of a Gaussian in the plane corrected toward N(0, I) by replacement: their covariance, entry by entry."""
    found = _sampled(2 * effort.seeds)
    tau = 1 / (1 + GAMMA)
    kappa = tau * (1 - tau)
    without = tau[:, None, None] * (ROOT @ ROOT.T) + (1 - tau)[:, None, None] * np.eye(2)
    predicted = without + kappa[:, None, None] * np.outer(AWAY, AWAY)
    entries = [(0, 0), (0, 1), (1, 1)]
    fine = np.linspace(0, 6, 61)
    return Finding(
        hypotheses={"the means differ": bool(np.linalg.norm(AWAY) > 1)},
        comparisons=[
            *(
                mean(f"entry {i + 1}{j + 1} of the covariance, gamma {g:g}", predicted[k, i, j], found[k, :, i, j])
                for k, g in enumerate(GAMMA)
                for i, j in entries
            ),
            equal(
                "kappa = gamma / (1 + gamma)² is largest at gamma = 1",
                1,
                fine[np.argmax(fine / (1 + fine) ** 2)],
                1e-12,
            ),
        ],
        control=Control(
            "without the term of the means' distance",
            mean("entry 11 of the covariance, gamma 1", without[1, 0, 0], found[1, :, 0, 0]),
        ),
        figure=lines(
            [Line(f"entry {i + 1}{j + 1}", GAMMA, predicted[:, i, j], found[:, :, i, j].mean(1)) for i, j in entries]
            + [Line("entry 11 without kappa", GAMMA, without[:, 0, 0], dashed=True)],
            "gamma",
            "covariance of corrected samples",
        ),
    )


def _sampled(seeds: int) -> np.ndarray:
    """Unbiased covariances [gammas, S, 2, 2] of N corrected samples."""
    draw = lambda key, n: jax.random.normal(key, (n, 2), float)  # noqa: E731

    def one(gamma: jax.Array, key: jax.Array) -> jax.Array:
        of_raw, of_correct = jax.random.split(key)
        x = replacement(draw, gamma)(of_correct, uniform(AWAY[None] + draw(of_raw, N) @ ROOT.T), None)[0].x
        centred = x - jnp.mean(x, 0)[None]
        return centred.T @ centred / (N - 1)

    run = jax.jit(jax.vmap(jax.vmap(one, (None, 0)), (0, None)))
    return np.asarray(run(GAMMA, jax.random.split(jax.random.key(0), seeds)))


CLAIM = Claim(
    name="second_moments",
    source="derived here",
    statement="Cov(pi_gamma p) = tau Sigma_p + (1 - tau) Sigma* + kappa (mu_p - mu*)(mu_p - mu*)^T, "
    "kappa = gamma / (1 + gamma)^2, at most 1/4.",
    check=check,
)
