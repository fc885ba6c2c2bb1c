"""Guidance applied to itself: samples of one condition narrow every generation, at a rate in closed form."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.protocols import Generation, Loop, Model, Policy
from selfloop.stability.sharpening import guidance_path, guided, guided_flow, guided_pair
from theory.frame.claim import Claim, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

CENTRES = np.array([-1.5, -0.5, 0.5, 1.5])
B = float((CENTRES**2).mean())
PAIR = np.array([-1.0, 1.0])
N, GENERATIONS = 6000, 4
"""Real points, and as many synthetic ones: terms of order 1 / n are below the intervals."""
GUIDANCE = np.array([1.0, 1.5, 2.5])
TIMES = (1, 2, GENERATIONS)


class Conditions(NamedTuple):
    """Normal laws of one variance, a mean a condition."""

    mean: Array  # [C]
    variance: Array


def conditional(centres: np.ndarray, draw: Callable[[Array, Conditions, Array], Batch]) -> Model:
    """Means and one variance by maximum likelihood; ``draw(key, state, cond)`` samples under guidance."""

    def fit(key: Array, batch: Batch, state: Conditions) -> tuple[Conditions, dict]:
        x, which = batch.x[:, 0], jax.nn.one_hot(batch.cond, centres.size, dtype=jnp.float64).T * batch.weight[None]
        means = which @ x / which.sum(1)
        return Conditions(means, batch.weight @ (x - means[batch.cond]) ** 2 / batch.weight.sum()), {}

    def init(key: Array) -> Conditions:
        return Conditions(jnp.asarray(centres), jnp.ones(()))

    return Model(init, fit, lambda key, state, cond, n: draw(key, state, cond))


def of_normals(w: Array) -> Callable[[Array, Conditions, Array], Batch]:
    """Draws of p(x | c)^w p(x)^(1 - w), p(x) the normal law of the whole variance."""

    def draw(key: Array, state: Conditions, cond: Array) -> Batch:
        narrow, apart = guided(state.variance, jnp.mean(state.mean**2), w)
        noise = jax.random.normal(key, cond.shape, jnp.float64)
        return uniform((apart * state.mean[cond] + jnp.sqrt(narrow) * noise)[:, None], cond)

    return draw


def of_pair(w: Array) -> Callable[[Array, Conditions, Array], Batch]:
    """The same with p(x) the mixture of the two conditions: x ~ p(x | c) is kept with probability p(c | x)^(w - 1)."""

    def draw(key: Array, state: Conditions, cond: Array) -> Batch:
        of_noise, of_choice = jax.random.split(key)
        x = state.mean[cond] + jnp.sqrt(state.variance) * jax.random.normal(of_noise, cond.shape, jnp.float64)
        far = (x[:, None] - state.mean[None]) ** 2 / (2 * state.variance)
        own = jax.nn.softmax(-far, -1)[jnp.arange(cond.size), cond]
        kept = jax.random.uniform(of_choice, cond.shape, jnp.float64) < own ** (w - 1)
        return uniform(x[:, None], cond)._replace(weight=jnp.where(kept, 1.0, 0.0))

    return draw


def measured(seeds: int, centres: np.ndarray, draw: Callable, policy: Policy) -> dict[str, np.ndarray]:
    """v_t and the factor g_t on the centres [G, S, T + 1]."""

    def build(key: Array, w: Array) -> Loop:
        cond = jnp.arange(N) % centres.size
        x = jnp.asarray(centres)[cond] + jax.random.normal(key, (N,), jnp.float64)
        return Loop(conditional(centres, draw(w)), policy, sources.fixed(uniform(x[:, None], cond)), N, kept)

    def measure(result: Generation) -> dict[str, Array]:
        return {"v": result.state.variance, "g": result.state.mean @ centres / (centres @ centres)}

    return chains(build, GUIDANCE, seeds, GENERATIONS, measure, seed=53)


def kept(key: Array, batch: Batch, state: Conditions) -> tuple[Batch, dict[str, Array]]:
    """No correction, which leaves rejected samples rejected."""
    none = jnp.zeros_like(batch.weight)
    return batch, {"moved": none, "failed": none > 0}


def pair_path(w: float) -> tuple[np.ndarray, np.ndarray]:
    """(v_t, g_t) [T + 1] of two conditions without real data."""
    v, mu = [1.0], [1.0]
    for _ in range(GENERATIONS):
        one, other = guided_pair(mu[-1], v[-1], w)
        mu.append(float(one))
        v.append(float(other))
    return np.array(v), np.array(mu)


def flow_end(v: float, b: float, w: float, steps: int = 4000, reach: float = 12.0) -> float:
    """The variance that the probability flow reaches from N(0, 1) with guided scores, by midpoint steps."""
    s = reach * (np.arange(steps) + 0.5) / steps
    level = lambda v: 1 + (v - 1) * np.exp(-2 * s)  # noqa: E731
    return float(np.exp(2 * np.sum(1 - w / level(v) + (w - 1) / level(v + b)) * reach / steps))


def check(effort: Effort) -> Finding:
    """Four normal conditions with as many real points and without; two conditions and their true mixture, without."""
    seeds, t = effort.seeds // 16, np.arange(GENERATIONS + 1)
    found = {
        1.0: measured(seeds, CENTRES, of_normals, policies.augment(1.0)),
        np.inf: measured(seeds, CENTRES, of_normals, policies.replace()),
    }
    path = {
        (lam, w): tuple(np.asarray(one) for one in guidance_path(B, w, lam, GENERATIONS))
        for lam in found
        for w in GUIDANCE
    }
    pair = measured(seeds, PAIR, of_pair, policies.replace())
    two = [pair_path(w) for w in GUIDANCE]
    apart = guided_pair(4.0, 1.0, 2.5)
    return Finding(
        hypotheses={"guidance of 1 or more": bool((GUIDANCE >= 1).all()), "4 conditions of one size": N % 4 == 0},
        comparisons=[
            *(
                mean(
                    f"normal, lambda {lam:g}, w = {w:g}: {what}, t = {one}",
                    path[lam, w][j][one],
                    values[name][i, :, one],
                )
                for lam, values in found.items()
                for i, w in enumerate(GUIDANCE)
                for j, (name, what) in enumerate((("v", "variance inside"), ("g", "factor on the means")))
                for one in TIMES
            ),
            *(
                mean(f"two conditions, w = {w:g}: {what}, t = {one}", two[i][j][one], pair[name][i, :, one])
                for i, w in enumerate(GUIDANCE)
                for j, (name, what) in enumerate((("v", "variance inside"), ("g", "factor on the means")))
                for one in TIMES
            ),
            equal(
                "probability flow, v = 0.5, b = 1, w = 2.5", guided_flow(0.5, 1.0, 2.5), flow_end(0.5, 1.0, 2.5), 1e-5
            ),
            equal("two conditions far apart: guidance does nothing to the variance", 1.0, apart[1], 0.01),
        ],
        control=Control(
            "a near miss: the normal law in place of the mixture of two conditions",
            mean(
                "two conditions, w = 2.5: variance inside, t = 1", float(guided(1.0, 1.0, 2.5)[0]), pair["v"][2, :, 1]
            ),
        ),
        figure=lines(
            [
                Line(
                    f"lambda {lam:g}, w = {w:g}", t, path[lam, w][0], values["v"][i].mean(0), half_width(values["v"][i])
                )
                for lam, values in found.items()
                for i, w in enumerate(GUIDANCE)
                if w > 1
            ]
            + [Line("two conditions, w = 2.5", t, two[2][0], pair["v"][2].mean(0), half_width(pair["v"][2]))],
            "generation",
            "variance inside a condition",
        ),
    )


CLAIM = Claim(
    name="guidance_sharpening",
    source="guidance as the driver: Yoon et al. 2024 (arXiv 2407.17493), as recalled; not re-read; the "
    "formulas derived here",
    statement="Normal conditions, variance v inside and b between, q = v / (v + b): guidance w draws with "
    "variance v / (w - (w - 1) q) and means w / (w - (w - 1) q) times as far apart. Applied to itself "
    "without real data it narrows by up to w a generation; with lambda it settles. Two conditions with "
    "their true mixture narrow only while they overlap; the probability flow with guided scores narrows "
    "by q^(w - 1).",
    check=check,
)
