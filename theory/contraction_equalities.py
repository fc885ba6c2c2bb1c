"""pi_gamma brings every integral probability metric nearer by exactly 1 / (1 + gamma), their squares by its square."""

from collections.abc import Callable
from functools import cache

import jax
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.metrics import discrete as distances
from selfloop.metrics.mmd import energy_distance2
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, Slip, equal, mean
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import pairs

LINEAR = {
    "total variation": distances.total_variation,
    "W1": pairs.wasserstein1,
    "Kolmogorov": distances.kolmogorov,
    "L2 of densities": pairs.l2,
}
SQUARED = {"squared MMD": pairs.mmd_squared, "squared energy": pairs.energy_squared, "chi²": distances.chi2}
N = 64


def shrinks(gamma: float, power: int) -> float:
    """tau^power, the factor of a distance (1) or of its square (2)."""
    return (1 + gamma) ** -power


def check(effort: Effort) -> Finding:
    """Random normal mixtures on a grid, exactly; and samples of a real corrector, by unbiased statistics."""
    laws = pairs.random_pairs(effort.cases)
    exact = [
        _farthest(f"{name}: ratio over tau{'²' if power == 2 else ''}", shrinks, power, laws, distance)
        for power, group in ((1, LINEAR), (2, SQUARED))
        for name, distance in group.items()
    ]
    before, after = _sampled(effort.seeds)
    wasserstein = np.array([_ratio(lambda p, q: pairs.wasserstein2_squared(p, q) ** 0.5, one) for one in laws])
    over = wasserstein / [one.tau for one in laws]
    return Finding(
        hypotheses={"the laws differ": min(distances.total_variation(one.p, one.star) for one in laws) > 0.01},
        comparisons=[
            *exact,
            *(
                _farthest(f"error of E x^{k}: ratio over tau", shrinks, 1, laws, lambda p, q, k=k: (p - q) @ pairs.X**k)
                for k in range(1, 5)
            ),
            *(
                mean(f"samples: squared energy to the target, corrected less tau² raw, gamma {g:g}", 0, one)
                for g, one in zip(
                    pairs.GAMMAS, after - shrinks(np.array(pairs.GAMMAS), 2)[:, None] * before, strict=True
                )
            ),
        ],
        control=Control(
            "W2 is no such metric: no pair of laws has its ratio",
            equal("W2: ratio over tau, nearest to 1", 1, over[abs(over - 1).argmin()], 1e-6),
        ),
        figure=lines(
            [
                Line("tau", pairs.GAMMAS, [1 / (1 + g) for g in pairs.GAMMAS]),
                *(
                    Line(name, pairs.GAMMAS, None, [_ratio(distance, one) for one in laws[:3]])
                    for name, distance in LINEAR.items()
                ),
                Line("W2", pairs.GAMMAS, None, wasserstein[:3]),
            ],
            "gamma",
            "distance to p*, corrected / raw",
            xscale="log",
        ),
    )


def _ratio(distance: object, one: pairs.Pair) -> float:
    return distance(one.q, one.star) / distance(one.p, one.star)


def _farthest(label: str, factor: Callable, power: int, laws: tuple[pairs.Pair, ...], distance: Callable) -> Comparison:
    """The ratio of a distance over its factor, that of the pair where it is farthest from 1."""
    found = np.array([_ratio(distance, one) / factor(one.gamma, power) for one in laws])
    return equal(f"{label}, farthest from 1", 1, found[abs(found - 1).argmax()], 1e-9)


@cache
def _sampled(seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared energy to N(0, 1) of raw samples of N(2, 1/4) [S], and of corrected ones [G, S]."""
    draw = lambda key, n: jax.random.normal(key, (n, 1), float)  # noqa: E731

    def energies(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        of_raw, of_target, of_correct = jax.random.split(key, 3)
        raw, target = 2 + 0.5 * draw(of_raw, N), draw(of_target, N)

        def after(gamma: jax.Array) -> jax.Array:
            return energy_distance2(replacement(draw, gamma)(of_correct, uniform(raw), None)[0].x, target)

        return energy_distance2(raw, target), jax.vmap(after)(np.array(pairs.GAMMAS))

    keys = jax.random.split(jax.random.key(0), seeds)
    before, after = jax.jit(lambda keys: jax.lax.map(energies, keys, batch_size=20))(keys)
    return np.asarray(before), np.asarray(after).T


CLAIM = Claim(
    name="contraction_equalities",
    source="derived here: p -> pi_gamma p - p* is linear",
    statement="pi_gamma p - p* = tau (p - p*), tau = 1 / (1 + gamma): total variation, W1, Kolmogorov's, L2, MMD "
    "and all moments' errors shrink by exactly tau, squared MMD, squared energy and chi² by tau².",
    check=check,
    slips=(
        Slip("tau² for tau, tau for tau²", shrinks, lambda right, gamma, power: right(gamma, 3 - power)),
        Slip("tau for tau²", shrinks, lambda right, gamma, power: right(gamma, 1)),
        Slip("a factor 2", shrinks, scaled(2.0)),
        Slip("1 - tau for tau", shrinks, lambda right, gamma, power: (1 - right(gamma, 1)) ** power),
    ),
)
