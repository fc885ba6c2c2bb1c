"""pi_gamma brings every integral probability metric nearer by exactly 1 / (1 + gamma), their squares by its square."""

import jax
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.metrics import discrete as distances
from selfloop.metrics.mmd import energy_distance2
from theory.frame.claim import Claim, Comparison, Control, Effort, Finding, equal, mean
from theory.frame.drawing import Line, lines
from theory.shared import pairs

LINEAR = {
    "total variation": distances.total_variation,
    "W1": pairs.wasserstein1,
    "Kolmogorov": distances.kolmogorov,
    "L2 of densities": pairs.l2,
}
SQUARED = {"squared MMD": pairs.mmd_squared, "squared energy": pairs.energy_squared, "chi²": distances.chi2}
N = 64


def check(effort: Effort) -> Finding:
    """Random normal mixtures on a grid, exactly; and samples of a real corrector, by unbiased statistics."""
    laws = pairs.random_pairs(effort.cases)
    exact = [_largest(name, distance, 1, laws) for name, distance in LINEAR.items()]
    exact += [_largest(name, distance, 2, laws) for name, distance in SQUARED.items()]
    moments = [
        abs((one.q - one.star - one.tau * (one.p - one.star)) @ pairs.X**k) / pairs.X.max() ** k
        for one in laws
        for k in range(1, 5)
    ]
    sampled = _sampled(effort.seeds)
    wasserstein = np.array(
        [_ratio(lambda p, q: pairs.wasserstein2_squared(p, q) ** 0.5, one) / one.tau for one in laws]
    )
    return Finding(
        hypotheses={"the laws differ": min(distances.total_variation(one.p, one.star) for one in laws) > 0.01},
        comparisons=[
            *exact,
            equal(
                "E x^k, k = 1 to 4, beside its share tau: largest error in units of the grid", 0, max(moments), 1e-12
            ),
            *(
                mean(f"samples: squared energy to the target, corrected less tau² raw, gamma {g:g}", 0, one)
                for g, one in zip(pairs.GAMMAS, sampled, strict=True)
            ),
        ],
        control=Control(
            "W2 is no such metric: under replacement it shrinks less",
            equal("largest W2(q, p*) / (tau W2(p, p*))", 1, wasserstein.max(), 1e-6),
        ),
        figure=lines(
            [
                Line("tau", pairs.GAMMAS, [1 / (1 + g) for g in pairs.GAMMAS]),
                *(
                    Line(name, pairs.GAMMAS, None, [_ratio(distance, one) for one in laws[:3]])
                    for name, distance in LINEAR.items()
                ),
                Line("W2", pairs.GAMMAS, None, [w * one.tau for w, one in zip(wasserstein[:3], laws[:3], strict=True)]),
            ],
            "gamma",
            "distance to p*, corrected / raw",
            xscale="log",
        ),
    )


def _ratio(distance: object, one: pairs.Pair) -> float:
    return distance(one.q, one.star) / distance(one.p, one.star)


def _largest(name: str, distance: object, power: int, laws: tuple[pairs.Pair, ...]) -> Comparison:
    error = max(abs(_ratio(distance, one) / one.tau**power - 1) for one in laws)
    return equal(f"{name}: largest relative error of tau{'²' if power == 2 else ''}", 0, error, 1e-9)


def _sampled(seeds: int) -> np.ndarray:
    """Squared energy to N(0, 1) of corrected samples of N(2, 1/4), less tau^2 times that of raw ones [G, S]."""
    draw = lambda key, n: jax.random.normal(key, (n, 1), float)  # noqa: E731

    def differences(key: jax.Array) -> jax.Array:
        of_raw, of_target, of_correct = jax.random.split(key, 3)
        raw, target = 2 + 0.5 * draw(of_raw, N), draw(of_target, N)
        before = energy_distance2(raw, target)

        def after(gamma: jax.Array) -> jax.Array:
            return energy_distance2(replacement(draw, gamma)(of_correct, uniform(raw), None)[0].x, target)

        return jax.vmap(lambda gamma: after(gamma) - before / (1 + gamma) ** 2)(np.array(pairs.GAMMAS))

    keys = jax.random.split(jax.random.key(0), seeds)
    return np.asarray(jax.jit(lambda keys: jax.lax.map(differences, keys, batch_size=20))(keys)).T


CLAIM = Claim(
    name="contraction_equalities",
    source="derived here: p -> pi_gamma p - p* is linear",
    statement="pi_gamma p - p* = tau (p - p*), tau = 1 / (1 + gamma): total variation, W1, Kolmogorov's, L2, MMD "
    "and all moments' errors shrink by exactly tau, squared MMD, squared energy and chi² by tau².",
    check=check,
)
