"""Temperature other than 1, applied to itself: only the likeliest symbols are left, or noise, but for real data."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.models.discrete import DiscreteState, discrete
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Corrector, Loop, Model
from selfloop.stability import quadrature
from selfloop.stability.sharpening import scaled_variance, tempered
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, equal, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import early
from theory.shared.chains import chains, half_width
from theory.shared.population import population, trajectory

START = np.array([0.4, 0.4, 0.15, 0.05])
TEMPERATURE = np.array([0.7, 1.5])
GENERATIONS = 12
N, SETTINGS = 6, {"c": np.array([0.6, 1.3, 1.6, 1.6]), "lam": np.array([1.0, 1.0, 1.0, 3.0])}
"""Real points; factors on the variance of samples and synthetic points per real one of the loops over a scale."""


def tempering(temperature: Array) -> Corrector:
    """p^(1 / T) on the weights of a law."""

    def correct(key: Array, batch: Batch, state: object) -> tuple[Batch, dict[str, Array]]:
        weight = batch.weight ** (1 / temperature)
        none = jnp.zeros_like(weight)
        return batch._replace(weight=weight / jnp.sum(weight)), {"moved": none, "failed": none > 0}

    return correct


@cache
def symbols() -> np.ndarray:
    """p_t [G, T + 1, 4] of populations without real data, at each temperature."""
    model, nodes = discrete(4, jnp.float64), quadrature.symbols(4)
    data = Batch(nodes.x, jnp.asarray(START))

    def one(temperature: Array) -> Array:
        loop = population(model, nodes, data, np.inf, tempering(temperature))
        return trajectory(loop, DiscreteState(jnp.asarray(START)), GENERATIONS, lambda state: state.probs)

    return np.asarray(jax.jit(jax.vmap(one))(TEMPERATURE))


def scale(c: Array) -> Model:
    """N(0, v), v the mean square of the data, sampled with c v: temperature for a normal law. The fit has no bias."""
    base = gaussian(1, jnp.float64)

    def fit(key: Array, batch: Batch, state: GaussianState) -> tuple[GaussianState, dict]:
        square = batch.weight @ batch.x[:, 0] ** 2 / jnp.sum(batch.weight)
        return GaussianState(jnp.zeros(1), square[None, None]), {}

    def sample(key: Array, state: GaussianState, cond: None, n: int) -> Batch:
        return base.sample(key, state._replace(covariance=c * state.covariance), cond, n)

    return base._replace(fit=fit, sample=sample)


@cache
def scales(seeds: int) -> np.ndarray:
    """v_t [G, S, T + 1]."""

    def build(key: Array, setting: dict[str, Array]) -> Loop:
        real = sources.fixed(uniform(jax.random.normal(key, (N, 1), jnp.float64)))
        return Loop(scale(setting["c"]), policies.augment(setting["lam"]), real, int(N * SETTINGS["lam"].max()))

    return chains(build, SETTINGS, seeds, GENERATIONS, lambda result: result.state.covariance[0, 0], seed=52)


def level(c: float, lam: float) -> float:
    """Where E v_t settles."""
    return 1 / (1 - lam * (c - 1))


def check(effort: Effort) -> Finding:
    """Four symbols in populations; a scale with 6 real points and hotter or colder samples, held and not."""
    probs, found, t = symbols(), scales(10 * effort.seeds), np.arange(GENERATIONS + 1)
    exact = [np.asarray([tempered(jnp.asarray(START), temp, one) for one in t]) for temp in TEMPERATURE]
    pairs = list(zip(SETTINGS["c"], SETTINGS["lam"], strict=True))
    paths = [np.asarray(scaled_variance(c, lam, GENERATIONS)) for c, lam in pairs]
    held = [lam * (c - 1) < 1 for c, lam in pairs]
    odds = np.log(probs[:, 1, 0] / probs[:, 1, 3])
    return Finding(
        hypotheses={
            "the first three are held by real data, above a share 1 - 1 / c, the last is not": held
            == [True] * 3 + [False],
            "fits have no bias: E v_0 = 1": bool(abs(found[0][:, 0].mean() - 1) <= half_width(found[0][:, 0])),
        },
        definitions=["of the four symbols two are likeliest, and alike"],
        comparisons=[
            *(
                mean(f"c = {c:g}, lambda {lam:g}: E v_t, t = {one}", path[one], v[:, one])
                for (c, lam), path, v in zip(pairs, paths, found, strict=True)
                for one in (1, 4)
            ),
            *(
                mean(f"c = {c:g}, lambda {lam:g}: settled at 1 / (1 - lambda (c - 1))", level(c, lam), v[:, -1])
                for (c, lam), v in zip(pairs[:2], found[:2], strict=True)
            ),
            *(
                equal(f"T = {temp:g}: p_12 of the likeliest", exact[i][-1][0], probs[i, -1, 0], 1e-10)
                for i, temp in enumerate(TEMPERATURE)
            ),
            equal("T = 0.7 ends in the two likeliest symbols", 0.5, probs[0, -1, 0], 1e-9),
            equal("T = 1.5 ends in all alike", 0.25, probs[1, -1, 3], 0.01),
            *(
                equal(
                    f"T = {temp:g}: log odds after one generation",
                    float(np.log(exact[i][1][0] / exact[i][1][3])),
                    odds[i],
                    1e-10,
                )
                for i, temp in enumerate(TEMPERATURE)
            ),
        ],
        control=Control(
            "a near miss: the limit 1 / (1 + lambda (1 - c) / (1 + lambda)), the share for the ratio",
            mean("c = 0.6, lambda 1: settled", 1 / (1 - 0.5 * (SETTINGS["c"][0] - 1)), found[0][:, -1]),
        ),
        figure=lines(
            [
                Line(f"c = {c:g}, lambda {lam:g}", t, path, v.mean(0), half_width(v))
                for (c, lam), path, v in zip(pairs, paths, found, strict=True)
            ],
            "generation",
            "E v / v*",
            yscale="log",
        ),
    )


CLAIM = Claim(
    name="temperature_death",
    source="Marchi et al. 2024 (arXiv 2404.02325), as recalled; not re-read; the formulas derived here",
    statement="Sampling at temperature T without real data: p_t = p_0^(T^-t) / Z ends in the likeliest symbols (T "
    "< 1) or in all alike (T > 1). Samples of c times the variance, lambda per real point: v' = (1 + "
    "lambda c v) / (1 + lambda), which settles at 1 / (1 - lambda (c - 1)) where real data are more "
    "than 1 - 1 / c of all, and explodes otherwise.",
    check=check,
    slips=(
        Slip("lambda for its share", scaled_variance, lambda right, c, lam, t: right(c, lam / (1 + lam), t)),
        Slip("c^2 for c", scaled_variance, lambda right, c, lam, t: right(c**2, lam, t)),
        Slip("one generation early", scaled_variance, early),
        Slip("the share for lambda", level, lambda right, c, lam: right(c, lam / (1 + lam))),
        Slip("1 + lambda (c - 1) for 1 / (1 - lambda (c - 1))", level, lambda right, c, lam: 1 + lam * (c - 1)),
        Slip("T for 1 / T", tempered, lambda right, p, temp, t: right(p, 1 / temp, t)),
        Slip("one generation for all", tempered, lambda right, p, temp, t: right(p, temp, min(t, 1))),
        Slip("T t for T^t", tempered, lambda right, p, temp, t: right(p, max(temp * t, 1.0), 1)),
    ),
)
