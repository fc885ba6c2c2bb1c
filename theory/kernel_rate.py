"""The loop with a Markov kernel for a corrector: its error in a mode shrinks by lambda kappa^k / (1 + lambda)."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.exponential import gaussian_mean
from selfloop.protocols import Loop
from selfloop.stability import mixing, rates
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, equal, identity, mean
from theory.frame.drawing import Line, lines
from theory.shared import kernels
from theory.shared.chains import chains, half_width

N, T, START = 20, 4, 10.0
KAPPA = 0.8
CELLS = np.array([[0.5, 1.0], [0.5, 4.0], [2.0, 1.0], [2.0, 4.0]])
"""lambda and k."""


def check(effort: Effort) -> Finding:
    """Gaussian means under Ornstein-Uhlenbeck's kernel from a displaced start; and the idealised corrector's beside."""
    found, ideal = _measured(effort.seeds)
    rate = [float(mixing.kernel_rate(lam, KAPPA, k)) for lam, k in CELLS]
    gammas = [float(mixing.kernel_gamma(KAPPA, k)) for _, k in CELLS]
    same = [float(rates.exact(lam, gamma)) for (lam, _), gamma in zip(CELLS, gammas, strict=True)]
    named = [f"lambda {lam:g}, k {k:g}" for lam, k in CELLS]
    t = np.arange(T + 1)
    return Finding(
        hypotheses={"the start is displaced": bool(abs(found[:, :, 0].mean(1) - START).max() < 1)},
        comparisons=[
            *(
                mean(f"{name}: error after a generation", START * r, e[:, 1])
                for name, r, e in zip(named, rate, found, strict=True)
            ),
            *(
                mean(f"{name}: idealised at gamma = kappa^-k - 1, a generation", START * r, e[:, 1])
                for name, r, e in zip(named, rate, ideal, strict=True)
            ),
            *(
                identity(f"{name}: rate at that gamma", r, s, 1e-12)
                for name, r, s in zip(named, rate, same, strict=True)
            ),
            equal("gamma after 4 steps, kappa 0.8", KAPPA**-4 - 1, gammas[1], 1e-12)._replace(identity=True),
        ],
        control=Control(
            "one step more",
            mean(
                f"{named[2]}: error after a generation",
                START * float(mixing.kernel_rate(2.0, KAPPA, 2.0)),
                found[2, :, 1],
            ),
        ),
        figure=lines(
            [
                Line(name, t, START * r**t, e.mean(0), half_width(e))
                for name, r, e in zip(named, rate, found, strict=True)
            ],
            "generation",
            "mean error",
            yscale="symlog",
        ),
    )


@cache
def _measured(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors [cells, S, T + 1] with the kernel, and with replacement of the same gamma."""
    return tuple(
        chains(
            _build,
            np.concatenate([CELLS, np.full((len(CELLS), 1), kind)], 1),
            seeds,
            T,
            lambda result: result.state.mean[0],
        )
        for kind in (0.0, 1.0)
    )


def _build(key: jax.Array, setting: jax.Array) -> Loop:
    lam, k, kind = setting
    real = sources.fixed(uniform(jax.random.normal(key, (N, 1), jnp.float64)))
    model = gaussian_mean(np.eye(1), jnp.float64)
    draw = lambda key, n: jax.random.normal(key, (n, 1), jnp.float64)  # noqa: E731
    one, other = kernels.ornstein_uhlenbeck(KAPPA, k), replacement(draw, KAPPA**-k - 1)

    def corrector(key, batch, state):
        return jax.tree.map(lambda a, b: jnp.where(kind > 0, b, a), one(key, batch, state), other(key, batch, state))

    def displaced(key, batch, state):
        return state._replace(mean=state.mean + START), {}

    return Loop(model, policies.augment(lam), real, 2 * N, corrector, displaced)


CLAIM = Claim(
    name="kernel_rate",
    source="derived here (docs/correctors.md)",
    statement="Near the fixed point k steps of a kernel act in a mode as the idealised corrector of strength "
    "kappa^-k - 1: the loop's error there shrinks by lambda kappa^k / (1 + lambda) a generation.",
    check=check,
    slips=(
        Slip("kappa^(2k)", mixing.kernel_rate, lambda right, lam, kappa, k: lam * kappa ** (2 * k) / (1 + lam)),
        Slip("lambda for lambda / (1 + lambda)", mixing.kernel_rate, lambda right, lam, kappa, k: lam * kappa**k),
        Slip("one step fewer", mixing.kernel_rate, lambda right, lam, kappa, k: lam * kappa ** (k - 1) / (1 + lam)),
    ),
)
