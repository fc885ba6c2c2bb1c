"""Loops over kernel densities: each generation blurs once more, and real data or correction bound the blur."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.models.kde import kernel_density
from selfloop.protocols import Generation, Loop
from selfloop.stability.kde import kde_characteristic, kde_variance
from theory.frame.claim import RECALLED, Claim, Control, Effort, Finding, Slip, at_most, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early, scaled
from theory.shared.chains import chains, half_width

N, M, H, T = 10, 5, 0.5, 8
CAPACITY = 15
GAMMA = np.array([0.0, 1.0])
FREQUENCY = 1.0


def check(effort: Effort) -> Finding:
    """Second moments and E cos x of N(0, 1) data's kernel densities, with real data and without."""
    seeds = 20 * effort.seeds
    mixed, alone = _measured("augment", seeds), _measured("replace", seeds)
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
        hypotheses={
            "generation 0 is one blur of the data: E x² = sigma² + h²": bool(
                abs(mixed["second"][0][:, 0].mean() - 1 - H**2) <= half_width(mixed["second"][0][:, 0])
            ),
        },
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
            at_most(
                "variance with real data beside sigma² + h² / (1 - r)", bound, variance["real data kept", 0.0][T]
            )._replace(identity=True),
        ],
        control=Control(
            "without real data and correction the variance is not that of one blur",
            mean("E x² of p_1, no real data, gamma 0, beside sigma² + h²", 1 + H**2, alone["second"][0, :, 1]),
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
        definitions=["the kernel density has room for all real and synthetic points"],
    )


def _draw(key: jax.Array, n: int) -> jax.Array:
    return jax.random.normal(key, (n, 1), float)


@cache
def _measured(workflow: str, seeds: int) -> dict[str, np.ndarray]:
    """E x^2 and E cos x of every generation's law [gammas, S, T + 1]."""
    policy, synthetic = (policies.augment(M / N), M) if workflow == "augment" else (policies.replace(), N)

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
    source="derived here; compare Fu et al., ICML 2024 (arXiv 2402.11778), and for a diffusion loop's limit as a "
    f"smoothed mixture arXiv 2606.13796; {RECALLED}",
    statement="E p_t+1 = K_h * ((1 - r) p + r E p_t), r = w / (1 + gamma), w the synthetic share: the variance is "
    "sigma² + h² (1 + r + ... + r^t), bounded by sigma² + h² / (1 - r), and grows by h² a generation at r = 1.",
    check=check,
    slips=(
        Slip("h for h²", kde_variance, lambda right, v, h, *args: right(v, h**0.5, *args)),
        Slip("one generation off", kde_variance, early),
        Slip("tau left out of r", kde_variance, lambda right, v, h, w, gamma, t: right(v, h, w, 0.0, t)),
        Slip(
            "r for w tau: the real share", kde_variance, lambda right, v, h, w, gamma, t: right(v, h, 1 - w, gamma, t)
        ),
        Slip(
            "the kernel squared",
            kde_characteristic,
            lambda right, target, kernel, *args: right(target, kernel**2, *args),
        ),
        Slip(
            "tau left out of r in the wave", kde_characteristic, lambda right, a, b, w, gamma, t: right(a, b, w, 0.0, t)
        ),
        Slip("a factor 2 in the wave", kde_characteristic, scaled(2.0)),
    ),
)
