"""The covariance of corrected samples: a mixture of covariances, and a term for the means' distance."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines

GAMMA = np.array([0.25, 1.0, 4.0])
AWAY = np.array([2.0, -1.0])
ROOT = np.array([[0.5, 0.0], [0.3, 0.4]])
N = 50


def covariance(gamma: np.ndarray) -> np.ndarray:
    """tau Sigma_p + (1 - tau) Sigma* + tau (1 - tau) (mu_p - mu*)(mu_p - mu*)^T [G, 2, 2]."""
    tau = (1 / (1 + gamma))[:, None, None]
    return tau * (ROOT @ ROOT.T) + (1 - tau) * np.eye(2) + tau * (1 - tau) * np.outer(AWAY, AWAY)


def apart(gamma: np.ndarray) -> np.ndarray:
    """The term of the means' distance alone [G, 2, 2]."""
    return (gamma / (1 + gamma) ** 2)[:, None, None] * np.outer(AWAY, AWAY)


def check(effort: Effort) -> Finding:
    """Samples of a Gaussian in the plane corrected toward N(0, I) by replacement: their covariance, entry by entry."""
    found = _sampled(4 * effort.seeds)
    predicted = covariance(GAMMA)
    without = predicted - apart(GAMMA)
    entries = [(0, 0), (0, 1), (1, 1)]
    fine = np.linspace(0, 6, 61)
    return Finding(
        hypotheses={
            "the samples' covariances are positive definite": bool((np.linalg.det(found) > 0).all()),
        },
        comparisons=[
            *(
                mean(f"entry {i + 1}{j + 1} of the covariance, gamma {g:g}", predicted[k, i, j], found[k, :, i, j])
                for k, g in enumerate(GAMMA)
                for i, j in entries
            ),
            identity(
                "kappa = gamma / (1 + gamma)² is largest at gamma = 1",
                1,
                fine[np.argmax(fine / (1 + fine) ** 2)],
                1e-12,
            ),
        ],
        control=Control(
            "with kappa = tau² / 2, where gamma / (1 + gamma)² is meant",
            mean("entry 11 of the covariance, gamma 0.25", without[0, 0, 0] + 0.32 * AWAY[0] ** 2, found[0, :, 0, 0]),
        ),
        figure=lines(
            [Line(f"entry {i + 1}{j + 1}", GAMMA, predicted[:, i, j], found[:, :, i, j].mean(1)) for i, j in entries]
            + [Line("entry 11 without kappa", GAMMA, without[:, 0, 0], dashed=True)],
            "gamma",
            "covariance of corrected samples",
        ),
        definitions=["the means differ, by (2, -1)"],
    )


@cache
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
    slips=(
        Slip("kappa left out", covariance, lambda right, gamma: right(gamma) - apart(gamma)),
        Slip("kappa doubled", covariance, lambda right, gamma: right(gamma) + apart(gamma)),
        Slip("tau and 1 - tau exchanged", covariance, lambda right, gamma: right(1 / gamma)),
        Slip(
            "1 - tau for tau (1 - tau)",
            covariance,
            lambda right, gamma: right(gamma) + gamma[:, None, None] * apart(gamma),
        ),
        Slip(
            "tau² Sigma_p",
            covariance,
            lambda right, gamma: right(gamma) - (gamma / (1 + gamma) ** 2)[:, None, None] * (ROOT @ ROOT.T),
        ),
    ),
)
