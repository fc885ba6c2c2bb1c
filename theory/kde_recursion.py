"""Loops over kernel densities: each generation blurs once more, and real data or correction bound the blur."""

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.kde import kernel_density
from selfloop.protocols import Generation, Loop
from selfloop.stability.kde import kde_characteristic, kde_variance
from theory.frame.claim import Claim, Control, Effort, Finding, at_most, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

N, M, H, T = 20, 10, 0.5, 12
CAPACITY = 30
GAMMA = np.array([0.0, 1.0])
FREQUENCY = 1.0


def check(effort: Effort) -> Finding:
    """Second moments and E cos x of N(0, 1) data's kernel densities, with real data and without."""
    seeds = 4 * effort.seeds
    mixed, alone = _measured(policies.augment(M / N), M, seeds), _measured(policies.replace(), N, seeds)
    shares = {"real data kept": (mixed, M / (N + M)), "no real data": (alone, 1.0)}
    variance = {(name, g): np.asarray(kde_variance(1.0, H, w, g, T)) for name, (_, w) in shares.items() for g in GAMMA}
    target, kernel = (np.exp(-((s * FREQUENCY) ** 2) / 2) for s in (1.0, H))
    wave = {
        (name, g): np.asarray(kde_characteristic(jnp.asarray(target), jnp.asarray(kernel), w, g, T))
        for name, (_, w) in shares.items()
        for g in GAMMA
    }
    bound = 1 + H**2 / (1 - M / (N + M))
    times = np.arange(T + 1)
    return Finding(
        hypotheses={"the kernel density has room for all real and synthetic points": N + M <= CAPACITY},
        comparisons=[
            *(
                mean(f"E x² of p_{t}, {name}, gamma {g:g}", variance[name, g][t], found["second"][i, :, t])
                for name, (found, _) in shares.items()
                for i, g in enumerate(GAMMA)
                for t in (1, T)
            ),
            *(
                mean(f"E cos x of p_{T}, {name}, gamma {g:g}", wave[name, g][T], found["wave"][i, :, T])
                for name, (found, _) in shares.items()
                for i, g in enumerate(GAMMA)
            ),
            at_most("variance with real data beside sigma² + h² / (1 - r)", bound, variance["real data kept", 0.0][T]),
        ],
        control=Control(
            "without real data and correction the variance is not that of one blur",
            mean(f"E x² of p_{T}, no real data, gamma 0, beside sigma² + h²", 1 + H**2, alone["second"][0, :, T]),
        ),
        figure=lines(
            [
                Line(
                    f"{name}, gamma {g:g}",
                    times,
                    variance[name, g],
                    found["second"][i].mean(0),
                    half_width(found["second"][i]),
                )
                for name, (found, _) in shares.items()
                for i, g in enumerate(GAMMA)
            ],
            "generation",
            "E x² of the model's law",
        ),
    )


def _draw(key: jax.Array, n: int) -> jax.Array:
    return jax.random.normal(key, (n, 1), float)


def _measured(policy: policies.Policy, synthetic: int, seeds: int) -> dict[str, np.ndarray]:
    """E x^2 and E cos x of every generation's law [gammas, S, T + 1]."""

    def build(key: jax.Array, gamma: jax.Array) -> Loop:
        model = kernel_density(H, CAPACITY, 1, jnp.float64)
        return Loop(model, policy, sources.fixed(uniform(_draw(key, N))), synthetic, replacement(_draw, gamma))

    def measure(result: Generation) -> dict[str, jax.Array]:
        x, weight = result.state.points[:, 0], result.state.weights
        blurred = jnp.exp(-((H * FREQUENCY) ** 2) / 2) * (weight @ jnp.cos(FREQUENCY * x))
        return {"second": weight @ x**2 + H**2, "wave": blurred}

    return chains(build, GAMMA, seeds, T, measure)


CLAIM = Claim(
    name="kde_recursion",
    source="derived here; compare Fu et al., ICML 2024 (arXiv 2402.11778)",
    statement="E p_t+1 = K_h * ((1 - r) p + r E p_t), r = w / (1 + gamma), w the synthetic share: the variance is "
    "sigma² + h² (1 + r + ... + r^t), bounded by sigma² + h² / (1 - r), and grows by h² a generation at r = 1.",
    check=check,
)
