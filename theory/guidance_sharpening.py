"""Guidance applied to itself: samples of one condition narrow every generation, at a rate in closed form."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from selfloop import policies, sources
from selfloop.batch import Batch, uniform
from selfloop.protocols import Generation, Loop, Model
from selfloop.stability.sharpening import guidance_path, guided, guided_flow, guided_pair
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared.chains import chains, half_width

CENTRES = np.array([-1.5, -0.5, 0.5, 1.5])
B = float((CENTRES**2).mean())
PAIR = np.array([-1.0, 1.0])
N, GENERATIONS = 6000, 4
"""Real points, and as many synthetic ones: terms of order 1 / n are below the intervals."""
GUIDANCE = np.array([1.5, 2.5])
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


def guided_draws(key: Array, state: Conditions, cond: Array, keep: Callable[[Array, Array], Array]) -> Batch:
    """x ~ p(x | c), kept with a probability in proportion to (p(x | c) / p(x))^(w - 1), as ``keep(x, mean)`` [N] says.

    That is guidance by its definition; rejected samples have weight 0.
    """
    of_noise, of_choice = jax.random.split(key)
    centre = state.mean[cond]
    x = centre + jnp.sqrt(state.variance) * jax.random.normal(of_noise, cond.shape, jnp.float64)
    good = jax.random.uniform(of_choice, cond.shape, jnp.float64) < keep(x, centre)
    return uniform(x[:, None], cond)._replace(weight=jnp.where(good, 1.0, 0.0))


def of_normals(w: Array) -> Callable[[Array, Conditions, Array], Batch]:
    """Guidance with p(x) the normal law of the whole variance."""

    def draw(key: Array, state: Conditions, cond: Array) -> Batch:
        v, whole = state.variance, state.variance + jnp.mean(state.mean**2)

        def ratio(x: Array, mean: Array) -> Array:
            return x**2 / (2 * whole) - (x - mean) ** 2 / (2 * v)

        def keep(x: Array, mean: Array) -> Array:
            most = mean * whole / (whole - v)  # where the ratio of the densities is largest
            return jnp.exp((w - 1) * (ratio(x, mean) - ratio(most, mean)))

        return guided_draws(key, state, cond, keep)

    return draw


def of_pair(w: Array) -> Callable[[Array, Conditions, Array], Batch]:
    """Guidance with p(x) the mixture of two conditions, at means of opposite sign: p(c | x) is at most 1."""

    def draw(key: Array, state: Conditions, cond: Array) -> Batch:
        def keep(x: Array, mean: Array) -> Array:
            own, other = -((x - mean) ** 2), -((x - state.mean.sum() + mean) ** 2)
            return jax.nn.sigmoid((own - other) / (2 * state.variance)) ** (w - 1)

        return guided_draws(key, state, cond, keep)

    return draw


WORLDS = {"normal": (CENTRES, of_normals), "pair": (PAIR, of_pair)}


@cache
def measured(seeds: int, world: str, lam: float) -> dict[str, np.ndarray]:
    """v_t and the factor g_t on the centres [G, S, T + 1], lambda guided samples per real one (inf: those alone)."""
    centres, draw = WORLDS[world]
    policy = policies.replace() if np.isinf(lam) else policies.weighted(1 / (1 + lam))

    def build(key: Array, w: Array) -> Loop:
        cond = jnp.arange(N) % centres.size
        x = jnp.asarray(centres)[cond] + jax.random.normal(key, (N,), jnp.float64)
        model = conditional(centres, draw(w))
        return Loop(model, policy, sources.fixed(uniform(x[:, None], cond)), N, kept)

    def measure(result: Generation) -> dict[str, Array]:
        return {"v": result.state.variance, "g": result.state.mean @ centres / (centres @ centres)}

    return chains(build, GUIDANCE, seeds, GENERATIONS, measure, seed=53)


def kept(key: Array, batch: Batch, state: Conditions) -> tuple[Batch, dict[str, Array]]:
    """Rejected samples stay rejected; what is kept of a condition counts as much as of any other."""
    of_one = jax.nn.one_hot(batch.cond, state.mean.size, dtype=jnp.float64)
    share = (batch.weight @ of_one) * state.mean.size / batch.capacity
    none = jnp.zeros_like(batch.weight)
    return batch._replace(weight=batch.weight / share[batch.cond]), {"moved": none, "failed": none > 0}


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


def late(paths: tuple) -> tuple:
    """The slip of one generation."""
    return tuple(np.concatenate([one[:1], one[:-1]]) for one in map(np.asarray, paths))


def agreed(b: float, w: float, lam: float, generations: int) -> tuple[np.ndarray, np.ndarray]:
    """The slip of a mixture's variance without that of its means."""
    s, v, g = 1 / (1 + 1 / lam), [1.0], [1.0]
    for _ in range(generations):
        narrow, apart = guided(v[-1], b * g[-1] ** 2, w)
        v.append(float(1 - s + s * narrow))
        g.append(float(1 - s + s * apart * g[-1]))
    return np.array(v), np.array(g)


def check(effort: Effort) -> Finding:
    """Four normal conditions with as many real points and without; two conditions and their true mixture, without."""
    seeds, t = effort.seeds // 16, np.arange(GENERATIONS + 1)
    found = {lam: measured(seeds, "normal", lam) for lam in (1.0, np.inf)}
    path = {
        (lam, w): tuple(np.asarray(one) for one in guidance_path(B, w, lam, GENERATIONS, guided))
        for lam in found
        for w in GUIDANCE
    }
    pair = measured(seeds, "pair", np.inf)
    two = [pair_path(w) for w in GUIDANCE]
    apart = guided_pair(4.0, 1.0, 2.5)
    return Finding(
        hypotheses={
            "the variance inside never reaches 0": bool(min(one["v"].min() for one in found.values()) > 0),
            "two conditions keep their sides": bool(pair["g"].min() > 0),
        },
        definitions=["guidance above 1", "conditions of one size and one variance, means about 0"],
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
                "probability flow, v = 0.5, b = 1, w = 2.5",
                guided_flow(0.5, 1.0, 2.5)[0],
                flow_end(0.5, 1.0, 2.5),
                1e-5,
            ),
            equal("two conditions far apart: guidance does nothing to the variance", 1.0, apart[1], 0.01),
        ],
        control=Control(
            "a near miss: the normal law in place of the mixture of two conditions",
            mean(
                "two conditions, w = 2.5: variance inside, t = 1", float(guided(1.0, 1.0, 2.5)[0]), pair["v"][1, :, 1]
            ),
        ),
        figure=lines(
            [
                Line(
                    f"lambda {lam:g}, w = {w:g}", t, path[lam, w][0], values["v"][i].mean(0), half_width(values["v"][i])
                )
                for lam, values in found.items()
                for i, w in enumerate(GUIDANCE)
            ]
            + [Line("two conditions, w = 2.5", t, two[1][0], pair["v"][1].mean(0), half_width(pair["v"][1]))],
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
    slips=(
        Slip("v / w whatever q, means left", guided, lambda right, v, b, w: (v / w, 1.0 + 0 * b)),
        Slip("means left where they are", guided, lambda right, v, b, w: (right(v, b, w)[0], 1.0 + 0 * b)),
        Slip("b for v in q", guided, lambda right, v, b, w: (v * right(1.0, v / b, w)[0], right(b, v, w)[1])),
        Slip("w - 1 for w", guided, lambda right, v, b, w: right(v, b, w - 1)),
        Slip("one generation early", guidance_path, lambda right, *args: late(right(*args))),
        Slip("the spread of means that disagree left out", guidance_path, lambda right, *args: agreed(*args[:4])),
        Slip(
            "lambda for its share", guidance_path, lambda right, b, w, lam, *rest: right(b, w, lam / (1 + lam), *rest)
        ),
        Slip("w for w - 1", guided_pair, lambda right, mu, v, w: right(mu, v, w + 1)),
        Slip("q^w for q^(w - 1)", guided_flow, lambda right, v, b, w: right(v, b, w + 1)),
        Slip("the guided law for the flow", guided_flow, lambda right, v, b, w: guided(v, b, w)),
    ),
)
