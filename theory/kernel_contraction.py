"""A reversible kernel contracts chi-squared mode by mode, by kappa_i^(2k), and no f-divergence grows."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.markov import langevin
from selfloop.metrics import discrete as distances
from selfloop.stability import mixing
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared import kernels

STEPS = (1, 3, 10)
N = 200
START = 0.8
"""Where samples start: in the deeper well."""
DIVERGENCES = {
    "KL": distances.kl,
    "total variation": distances.total_variation,
    "squared Hellinger": distances.hellinger2,
}


def check(effort: Effort) -> Finding:
    """Laws on a grid under two kernels, and samples of the real corrector beside the grid's slowest mode."""
    comparisons, spectra = [], {name: kernels.kernel(name) for name in kernels.LOG_DENSITIES}
    for name, on in spectra.items():
        amplitudes, laws = _expanded(name, effort.cases)
        for k in STEPS:
            found = np.array([_chi2(one, on.law) for one in _after(name, effort.cases, k)])
            predicted = np.asarray(mixing.chi_squared(amplitudes, on.kappa[1:], k))
            worst = np.argmax(abs(found / predicted - 1))
            comparisons.append(
                equal(f"{name}: chi2 after {k} steps, worst law", predicted[worst], found[worst], 1e-9 * found[worst])
            )
        slow = on.modes[1] @ np.array(_after(name, effort.cases, 3)).T / (on.modes[1] @ np.array(laws).T)
        left = float(mixing.mode_left(on.kappa[1], 3))
        comparisons.append(equal(f"{name}: slowest mode, what 3 steps leave of it", left, np.median(slow), 1e-9))
        for divergence, of in DIVERGENCES.items():
            ratio = [of(b, on.law) / of(a, on.law) for a, b in zip(laws, _after(name, effort.cases, 1), strict=True)]
            comparisons.append(at_most(f"{name}: {divergence}, largest ratio after a step", 1, max(ratio)))
    well = spectra["double well"]
    before, found = _sampled(effort.seeds)
    predicted = before * float(mixing.mode_left(well.kappa[1], 10))
    comparisons.append(mean("samples: slowest mode of the double well after 10 real MALA steps", predicted, found))
    chi2 = _chi2(_after("double well", effort.cases, 3)[0], well.law)
    whole = _chi2(_expanded("double well", effort.cases)[1][0], well.law)
    return Finding(
        hypotheses={
            "the kernels are reversible": all(
                np.allclose(on.law[:, None] * on.matrix, (on.law[:, None] * on.matrix).T) for on in spectra.values()
            ),
            "1 is a simple eigenvalue and the others are below it": all(
                on.kappa[1:].max() < 1 - 1e-6 for on in spectra.values()
            ),
        },
        comparisons=comparisons,
        control=Control(
            "all modes contract as the slowest does",
            equal("double well: chi2 after 3 steps", well.kappa[1] ** 6 * whole, chi2, 1e-9),
        ),
        figure=lines(
            [
                Line(f"{name}, mode {i}", np.arange(11), on.kappa[i] ** np.arange(11.0), dashed=i > 1)
                for name, on in spectra.items()
                for i in (1, 2, 3)
            ],
            "steps",
            "what is left of the mode",
        ),
    )


def _chi2(law: np.ndarray, star: np.ndarray) -> float:
    return float(((law - star) ** 2 / star).sum())


@cache
def _expanded(name: str, cases: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Amplitudes [cases, G - 1] of random laws in the kernel's modes but the first, and the laws."""
    on = kernels.kernel(name)
    laws = kernels.random_laws(on, cases)
    return np.array(laws) @ on.modes[1:].T, laws


@cache
def _after(name: str, cases: int, k: int) -> list[np.ndarray]:
    on = kernels.kernel(name)
    return [kernels.after(law, on, k) for law in _expanded(name, cases)[1]]


@cache
def _sampled(seeds: int) -> tuple[float, np.ndarray]:
    """The double well's slowest mode at `START`, and its means [S] over N samples that started there, ten steps on."""
    on = kernels.kernel("double well", 600)
    corrector = langevin(lambda x: kernels.LOG_DENSITIES["double well"](x[:, 0]), 10, kernels.H["double well"])

    def once(key: jax.Array) -> jax.Array:
        batch = uniform(jnp.full((N, 1), START))
        x = corrector(key, batch, None)[0].x[:, 0]
        return jnp.interp(x, jnp.asarray(on.x), jnp.asarray(on.modes[1])).mean()

    found = np.asarray(jax.jit(jax.vmap(once))(jax.random.split(jax.random.key(0), seeds // 4)))
    return float(np.interp(START, on.x, on.modes[1])), found


CLAIM = Claim(
    name="kernel_contraction",
    source="spectral theorem and data processing; Levin and Peres, Markov Chains and Mixing Times, 2017, chapter 12 "
    "(as recalled; not re-read)",
    statement="k steps of a reversible kernel with invariant law p* leave kappa_i^k of every eigenmode of p - p*: "
    "chi2(p P^k | p*) = sum_i kappa_i^(2k) a_i^2. No f-divergence from p* grows.",
    check=check,
    slips=(
        Slip(
            "kappa^k for kappa^(2k)",
            mixing.chi_squared,
            lambda right, a, kappa, k: jnp.sum(jnp.abs(kappa) ** k * a**2, -1),
        ),
        Slip("one step fewer", mixing.mode_left, lambda right, kappa, k: kappa ** (k - 1)),
        Slip("kappa^(2k) for kappa^k", mixing.mode_left, lambda right, kappa, k: kappa ** (2 * k)),
    ),
)
