"""The largest amount of synthetic data that is safe beside real data, for laws over symbols, exactly."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch
from selfloop.models.discrete import discrete
from selfloop.protocols import Loop
from selfloop.stability.safe import largest_synthetic, synthetic_drift
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, identity, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared.chains import chains, half_width

N = 6
PROBS = np.array([0.5, 0.3, 0.15, 0.05])
MIXED = 1 - float((PROBS**2).sum())
EXCESS = 0.25
SIZES = np.array([2, 5, 12, 40])
SLOTS, GENERATIONS, SETTLED = 40, 40, 16


def build(key: Array, lam: Array) -> Loop:
    """6 real symbols, the same in every generation, and the newest lambda n of the model's own."""
    real = jax.random.choice(key, PROBS.size, (N,), p=jnp.asarray(PROBS)).astype(jnp.int32)
    source = sources.fixed(Batch(real, jnp.ones(N, jnp.float64)))
    return Loop(discrete(PROBS.size, jnp.float64), policies.augment(lam), source, SLOTS)


@cache
def measured(seeds: int) -> np.ndarray:
    """p_t [G, S, T + 1, K]."""
    return chains(build, SIZES / N, seeds, GENERATIONS, lambda result: result.state.probs, seed=43)


def check(effort: Effort) -> Finding:
    """How far settled models are from the real symbols' own frequencies, and from the truth."""
    probs = measured(4 * effort.seeds)
    drift = ((probs - probs[:, :, :1]) ** 2).sum(-1) / MIXED
    settled = drift[:, :, SETTLED:].mean(2)
    error = ((probs - PROBS) ** 2).sum(-1)[:, :, SETTLED:].mean(2) / MIXED
    exact = np.asarray(synthetic_drift(N, SIZES))
    most, share = float(largest_synthetic(N, EXCESS)), SIZES / (N + SIZES)
    distance = abs(probs - probs[:, :, :1]).sum(-1)[:, :, SETTLED:].mean(2) / 2
    return Finding(
        hypotheses={
            "generation 16 is settled: what is left of the start is below 1 % of it": bool(
                ((share**2 * (1 - 1 / SIZES)) ** SETTLED < 0.01).all()
            ),
            "the largest safe amount is one of those measured": most in SIZES,
        },
        comparisons=[
            *(mean(f"drift, m = {m}", one, found) for m, one, found in zip(SIZES, exact, settled, strict=True)),
            *(
                mean(f"error beside the truth, m = {m}", 1 / N + one, found)
                for m, one, found in zip(SIZES, exact, error, strict=True)
            ),
            *(
                mean(
                    f"m = {m} is {'safe' if m <= most else 'not safe'}: drift n",
                    EXCESS,
                    N * found,
                    "<=" if m <= most else ">=",
                )
                for m, found in zip(SIZES, settled, strict=True)
                if m != most
            ),
            *(
                mean(
                    f"total variation to the real symbols, m = {m}", (one * MIXED * PROBS.size) ** 0.5 / 2, found, "<="
                )
                for m, one, found in zip(SIZES, exact, distance, strict=True)
            ),
            identity(
                "drift of the largest safe amount meets the excess",
                EXCESS,
                N * synthetic_drift(N, most),
                0.02,
            ),
        ],
        control=Control(
            "a near miss: n for n - 1 in the drift",
            mean("drift, m = 12", exact[2] * N / (N - 1), settled[2]),
        ),
        figure=lines(
            [
                Line(
                    f"m = {m}",
                    np.arange(GENERATIONS + 1),
                    np.full(GENERATIONS + 1, one),
                    found.mean(0),
                    half_width(found),
                )
                for m, one, found in zip(SIZES, exact, drift, strict=True)
            ],
            "generation",
            "E |p_t - f|^2 / (1 - sum p^2)",
        ),
    )


CLAIM = Claim(
    name="safe_amount",
    source="the question of Seddik et al. 2024 (arXiv 2404.05090), as recalled; not re-read; the numbers derived here",
    statement="Symbols, n real ones used in every generation and m synthetic ones: E |p_t - f|^2 settles at m (n "
    "- 1) / (n (n^2 + 2 n m + m)) (1 - sum p^2), f the real frequencies, about sqrt(m) / n in size for "
    "m << n. An error of at most (1 + x) / n allows m <= x n^2 / (n - 1 - x (2 n + 1)), any m from x = "
    "(n - 1) / (2 n + 1) on.",
    check=check,
    slips=(
        Slip("n for n - 1", synthetic_drift, lambda right, n, m: right(n, m) * n / (n - 1)),
        Slip(
            "n^2 + 2 n m for n^2 + 2 n m + m", synthetic_drift, lambda right, n, m: m * (n - 1) / (n**2 * (n + 2 * m))
        ),
        Slip("n m for 2 n m", synthetic_drift, lambda right, n, m: m * (n - 1) / (n * (n**2 + n * m + m))),
        Slip("first order in m / n", synthetic_drift, lambda right, n, m: m * (n - 1) / n**3),
        Slip("half", synthetic_drift, scaled(0.5)),
        Slip("2 n for 2 n + 1", largest_synthetic, lambda right, n, x: np.floor(x * n**2 / (n - 1 - 2 * x * n))),
    ),
)
