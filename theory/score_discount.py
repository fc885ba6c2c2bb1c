"""Score errors of all generations add up as a discounted sum, and real data are the discount."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.protocols import Loop, Model
from selfloop.stability.discount import discounted, discounted_limit
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

REAL, SYNTHETIC, GENERATIONS = 3, 12, 16
N = REAL + SYNTHETIC
SHARE = REAL / N
LEVELS, STEP = 6, 0.4
RHO = np.exp(-STEP)
LEVEL = np.arange(1, LEVELS + 1)
PULL = 1 / RHO - RHO
"""How far a step of sampling goes toward the score's centre: exact for normal laws of variance 1."""
REACH = PULL * RHO ** (LEVEL - 1)
"""What an error of each level's centre makes of the samples' mean."""
KNOWN = 1 - RHO ** (2 * LEVELS)
"""The share of a mean that sampling from pure noise recovers: sum_k REACH_k rho^k."""


class Scores(NamedTuple):
    """The scores -(y - centre_k) of N(centre_k, 1) at each noise level k."""

    centre: Array  # [LEVELS]


def diffusion() -> Model:
    """A diffusion model on the line: linear scores, fitted by denoising at six levels of an Ornstein-Uhlenbeck noise,
    y = rho^k x + sqrt(1 - rho^2k) z, with noise of its own at each; and its ancestral sampler.
    """

    def fit(key: Array, batch: Batch, state: Scores) -> tuple[Scores, dict]:
        noise = jax.random.normal(key, (LEVELS, batch.capacity), jnp.float64)
        level = jnp.asarray(LEVEL)[:, None]
        noisy = RHO**level * batch.x[:, 0][None] + jnp.sqrt(1 - RHO ** (2 * level)) * noise
        return Scores(noisy @ batch.weight / jnp.sum(batch.weight)), {}

    def sample(key: Array, state: Scores, cond: None, n: int) -> Batch:
        noise = jax.random.normal(key, (LEVELS + 1, n), jnp.float64)
        y = noise[LEVELS]
        for k in reversed(range(LEVELS)):
            y = RHO * y + PULL * state.centre[k] + np.sqrt(1 - RHO**2) * noise[k]
        return uniform(y[:, None])

    return Model(lambda key: Scores(jnp.zeros(LEVELS)), fit, sample)


def own(n: int) -> float:
    """E u^2: the squared error of the samples' mean that a fit to n points of variance 1 adds by its scores."""
    return float((KNOWN**2 + (REACH**2 * (1 - RHO ** (2 * LEVEL))).sum()) / n)


@cache
def measured(seeds: int) -> dict[str, np.ndarray]:
    """Centres, the model's mean [S, T + 1], its score errors [S, T + 1, K] and what they add to the mean."""

    def build(key: Array, setting: Array) -> Loop:
        source = sources.fresh(lambda key: uniform(jax.random.normal(key, (REAL, 1), jnp.float64)))
        return Loop(diffusion(), policies.augment(SYNTHETIC / REAL), source, SYNTHETIC)

    centre = chains(build, np.zeros(1), seeds, GENERATIONS, lambda result: result.state.centre, seed=41)[0]
    mu = centre @ REACH
    trained = np.pad((1 - SHARE) * mu[:, :-1], ((0, 0), (1, 0)))
    error = centre - RHO**LEVEL * trained[..., None]
    return {"mean": mu, "error": error, "added": error @ REACH}


def check(effort: Effort) -> Finding:
    """The squared mean of 16 generations (twice their KL divergence from N(0, 1)), 3 new real points of 15."""
    found, t = measured(10 * effort.seeds), np.arange(GENERATIONS + 1)
    errors = np.array([own(REAL)] + [own(N)] * GENERATIONS)
    share = 1 - (1 - SHARE) * KNOWN
    exact = np.asarray(discounted(errors, share))
    square, own_error = found["mean"] ** 2, found["error"]
    replayed = found["added"] @ (1 - share) ** (GENERATIONS - t)
    bound = (PULL**2 * own_error**2).sum(-1) / (1 - RHO**2)
    return Finding(
        hypotheses={
            "errors of one generation do not know those of another: lag 1 covariance 0": bool(
                abs((found["added"][:, 3] * found["added"][:, 4]).mean())
                <= half_width(found["added"][:, 3] * found["added"][:, 4])
            ),
            "the squared error that scores add is at most their path's KL (Girsanov), in every chain": bool(
                (found["added"][:, 1:] ** 2 <= bound[:, 1:] * (1 + 1e-12)).all()
            ),
        },
        comparisons=[
            *(mean(f"E mu^2, t = {one}", exact[one], square[:, one]) for one in (0, 1, 2, 4, GENERATIONS)),
            mean(
                "E mu^2, t = 12 to 16, beside the limit e / (a (2 - a))", discounted_limit(own(N), share), late(square)
            ),
            *(mean(f"E (score error)^2, level {k}", 1 / N, own_error[:, 5, k - 1] ** 2) for k in (1, LEVELS)),
            mean("E mu_4 mu_7 beside discount^3 E mu_4^2", (1 - share) ** 3 * exact[4], mu_pair(found["mean"])),
            identity(
                "largest gap of the sum of discounted errors",
                0,
                abs(replayed - found["mean"][:, -1]).max(),
                1e-9,
            ),
        ],
        control=Control(
            "a near miss: squares discounted by 1 - a in place of (1 - a)^2",
            mean("E mu^2, t = 12 to 16", own(N) / share, late(square)),
        ),
        figure=lines(
            [Line("E mu^2", t, exact, square.mean(0), half_width(square))],
            "generation",
            "E mu^2 = 2 E KL(N(0, 1), p_t)",
        ),
    )


def late(square: np.ndarray) -> np.ndarray:
    """The mean [S] over generations 12 to 16."""
    return square[:, 12:].mean(1)


def mu_pair(mu: np.ndarray) -> np.ndarray:
    """mu_4 mu_7 [S]."""
    return mu[:, 4] * mu[:, 7]


CLAIM = Claim(
    name="score_discount",
    source="arXiv 2602.16601, as recalled; not re-read; the normal case derived here",
    statement="Generations of a diffusion model that train on a share a of new real data: the divergence of "
    "generation t is the sum of all score errors' contributions, that of generation k times (1 - a)^(2 "
    "(t - k)), and tends to e / (a (2 - a)). Sampling from pure noise at a finite level counts as a "
    "little more real data: 1 - a is multiplied by 1 - rho^(2 K).",
    check=check,
    slips=(
        Slip("1 - a for (1 - a)^2", discounted, lambda right, errors, a: right(errors, 1 - (1 - a) ** 0.5)),
        Slip("(1 - a)^4 for (1 - a)^2", discounted, lambda right, errors, a: right(errors, 1 - (1 - a) ** 2)),
        Slip("one generation early", discounted, early),
        Slip("a factor 2", discounted, scaled(2.0)),
        Slip("e / a for e / (a (2 - a))", discounted_limit, lambda right, e, a: e / a),
        Slip("errors of the levels alike but for their noise", own, lambda right, n: KNOWN**2 / n),
        Slip("n + 1 for n points", own, lambda right, n: right(n + 1)),
    ),
)
