"""What only a verifier keeps: a gain at first, then the verifier's own centre."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.correctors.strength import report
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Corrector, Loop
from selfloop.stability.verified import best_generation, verified_limit, verified_path
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

N, ACCEPTED, DRAWN, GENERATIONS = 3, 10, 96, 16
KAPPA = 1.5
TAU = KAPPA**2 / (1 + KAPPA**2)
CENTRE = np.array([0.6, 0.0])


def accepting(centre: Array) -> Corrector:
    """Accepts y with probability exp(-(y - c)^2 / (2 kappa^2)), and takes the first 10 that it accepts."""

    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        chance = jnp.exp(-((batch.x[:, 0] - centre) ** 2) / (2 * KAPPA**2))
        good = jax.random.uniform(key, batch.weight.shape, jnp.float64) < chance
        kept = good & (jnp.cumsum(good) <= ACCEPTED)
        return batch._replace(weight=jnp.where(kept, 1.0, 0.0)), report(batch, batch.x)

    return correct


@cache
def measured(seeds: int) -> dict[str, np.ndarray]:
    """mu_t and the number accepted [G, S, T + 1]."""

    def build(key: Array, centre: Array) -> Loop:
        source = sources.fixed(uniform(jax.random.normal(key, (N, 1), jnp.float64)))
        return Loop(gaussian_mean(np.eye(1), jnp.float64), policies.replace(), source, DRAWN, accepting(centre))

    return chains(
        build,
        CENTRE,
        seeds,
        GENERATIONS,
        lambda result: {
            "mean": result.state.mean[0],
            "kept": jnp.asarray(ACCEPTED, float) if result.corrected is None else jnp.sum(result.corrected.weight),
        },
        seed=45,
    )


def drawn_in(t: int, centre: float) -> float:
    """E mu_t - mu*."""
    return (1 - TAU**t) * centre


def check(effort: Effort) -> Finding:
    """A mean fitted to 3 real points, then to 10 of its own that a verifier accepts; biased by 0.6 or not."""
    found = measured(15 * effort.seeds)
    error, t = found["mean"], np.arange(GENERATIONS + 1)
    paths = [np.asarray(verified_path(N, ACCEPTED, TAU, c, GENERATIONS)) for c in CENTRE]
    best = round(float(best_generation(N, ACCEPTED, TAU, CENTRE[0])))
    square = error**2
    return Finding(
        hypotheses={
            "the verifier never runs out: 10 were accepted in every generation": bool(
                (found["kept"] == ACCEPTED).all()
            ),
            "the best generation comes early": 1 <= best <= 4,
        },
        definitions=["the first verifier is wrong by 0.6, about one error of the first fit; the second is right"],
        comparisons=[
            *(
                mean(f"centre {c:g}: E (mu_t - mu*)^2, t = {one}", path[one], squares[:, one])
                for c, path, squares in zip(CENTRE, paths, square, strict=True)
                for one in (1, 2, 4, GENERATIONS)
            ),
            *(
                mean(f"centre 0.6: E mu_t, t = {one}", drawn_in(one, CENTRE[0]), error[0][:, one])
                for one in (1, 3, GENERATIONS)
            ),
            mean(
                f"early gain: error of generation {best} less that of 0", 0, square[0][:, best] - square[0][:, 0], "<="
            ),
            mean(
                "late loss: error of generation 16 less that of the best",
                0,
                square[0][:, -1] - square[0][:, best],
                ">=",
            ),
            mean(
                "its own centre: generations 12 to 16 beside b^2 + tau / (m (1 - tau^2))",
                verified_limit(ACCEPTED, TAU, CENTRE[0]),
                square[0][:, 12:].mean(1),
            ),
        ],
        control=Control(
            "a near miss: accepted points with the variance 1 of the model in place of tau",
            mean(
                "centre 0: E (mu_t - mu*)^2, t = 16",
                (1 / ACCEPTED) * (1 - TAU ** (2 * GENERATIONS)) / (1 - TAU**2) + TAU ** (2 * GENERATIONS) / N,
                square[1][:, -1],
            ),
        ),
        figure=lines(
            [
                Line(f"verifier's centre {c:g}", t, path, squares.mean(0), half_width(squares))
                for c, path, squares in zip(CENTRE, paths, square, strict=True)
            ],
            "generation",
            "E (mu_t - mu*)^2",
        ),
    )


CLAIM = Claim(
    name="verifier_centre",
    source="Yi, Liu, Cheng, Xu (arXiv 2510.16657), as recalled; not re-read; the Gaussian case derived here",
    statement="A mean whose samples a verifier accepts with probability exp(-(y - c)^2 / (2 kappa^2)), tau = "
    "kappa^2 / (1 + kappa^2): E (mu_t - mu*)^2 = (1 - tau^t)^2 (c - mu*)^2 + tau^(2 t) / n + (tau / m) "
    "(1 - tau^(2 t)) / (1 - tau^2). It falls first where the verifier is nearer than the data's noise, "
    "then tends to the verifier's centre.",
    check=check,
    slips=(
        Slip("one generation early", verified_path, early),
        Slip("n + 1 for n", verified_path, lambda right, n, *rest: right(n + 1, *rest)),
        Slip("variance 1 of what is accepted", verified_path, lambda right, n, m, *rest: right(n, m * TAU, *rest)),
        Slip("no pull", verified_path, lambda right, n, m, tau, bias, t: right(n, m, tau, 0.0, t)),
        Slip("tau^2 for tau", verified_path, lambda right, n, m, tau, bias, t: right(n, m, tau**2, bias, t)),
        Slip("tau^(2 t) for tau^t", drawn_in, lambda right, t, centre: right(2 * t, centre)),
        Slip("the bias without the noise", verified_limit, lambda right, m, tau, bias: bias**2),
        Slip("1 - tau for 1 - tau^2", verified_limit, lambda right, m, tau, b: b**2 + tau / (m * (1 - tau))),
        Slip("best four times as late", best_generation, scaled(4.0)),
    ),
)
