"""W2 shrinks by exactly tau along the optimal transport geodesic, and not under replacement."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from selfloop.batch import uniform
from selfloop.correctors.transport import geodesic
from selfloop.metrics import discrete as distances
from selfloop.metrics.frechet import gaussian_w2
from selfloop.models.states import GaussianState
from theory.frame.claim import Claim, Control, Effort, Finding, Slip, at_most, equal, identity
from theory.frame.drawing import Line, lines
from theory.frame.slips import scaled
from theory.shared import pairs

GAMMA = np.array([0.1, 0.5, 1.0, 3.0, 10.0])
D = 2


def shrinks(gamma: np.ndarray) -> np.ndarray:
    """tau, for W2."""
    return 1 / (1 + gamma)


def divergence_bound(gamma: np.ndarray) -> np.ndarray:
    """tau, for KL."""
    return 1 / (1 + gamma)


@cache
def measured(count: int) -> list[np.ndarray]:
    """Ratios of W2 and KL [pairs, gammas], and how far from affine the maps are [pairs]."""
    keys = jax.random.split(jax.random.key(0), count)
    return [np.asarray(one) for one in jax.jit(lambda keys: jax.lax.map(_one, keys))(keys)]


def check(effort: Effort) -> Finding:
    """Random Gaussians in the plane moved by the real corrector, whose map is affine: three images tell their law."""
    ratio, divergence, frame = measured(effort.cases)
    found = ratio / shrinks(GAMMA)[None]
    tau = 1 / (1 + GAMMA)
    p, star = pairs.normal(2.0, 0.5), pairs.normal(0.0, 1.0)
    mixed = [pairs.wasserstein2_squared(pairs.corrected(p, star, g), star) for g in GAMMA]
    mixed = np.sqrt(np.array(mixed) / pairs.wasserstein2_squared(p, star))
    stretch = (1 - tau[2]) * 2 + tau[2]  # S = 2 carries the scale 1/2 to 1
    moved = pairs.normal(2 * tau[2], 0.5 * stretch)
    return Finding(
        hypotheses={
            "the corrector's map is affine: the image of the middle is the middle of the images": bool(
                frame.max() < 1e-9
            ),
        },
        comparisons=[
            *(
                equal(
                    f"W2(q, p*) / W2(p, p*) over tau, farthest from 1, gamma {g:g}", 1, one[abs(one - 1).argmax()], 1e-6
                )
                for g, one in zip(GAMMA, found.T, strict=True)
            ),
            at_most("KL(q || p*) over tau KL(p || p*), largest", 1, (divergence / divergence_bound(GAMMA)[None]).max()),
            identity(
                "total variation of its law and the mixture law, N(2, 1/4) to N(0, 1), gamma 1",
                0.37,
                distances.total_variation(moved, pairs.corrected(p, star, 1.0)),
                0.005,
            ),
        ],
        control=Control(
            "replacement, which mixes laws, shrinks W2 by less",
            equal("W2(q, p*) / W2(p, p*) under replacement, N(2, 1/4) to N(0, 1), gamma 1", tau[2], mixed[2], 1e-3),
        ),
        figure=lines(
            [
                Line("geodesic: tau", GAMMA, tau, ratio[0]),
                Line("replacement", GAMMA, None, mixed),
                Line("bound for replacement: root of tau", GAMMA, np.sqrt(tau), dashed=True),
            ],
            "gamma",
            "W2 to p*, corrected / raw; replacement: N(2, 1/4) to N(0, 1)",
            xscale="log",
        ),
    )


def _one(key: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """W2 ratio and KL ratio [gammas] of a random pair of Gaussians, and how far the map is from affine."""
    of_law, of_target = jax.random.split(key)
    law, target = _gaussian(of_law), _gaussian(of_target)
    points = jnp.concatenate([jnp.zeros((1, D)), jnp.eye(D), jnp.full((1, D), 1 / D)])

    def image(gamma: jax.Array) -> jax.Array:
        return geodesic(target, gamma)(key, uniform(points), law)[0].x

    def pushed(gamma: jax.Array) -> GaussianState:
        x = image(gamma)
        linear = x[1 : D + 1] - x[:1]
        return GaussianState(x[0] + law.mean @ linear, linear.T @ law.covariance @ linear)

    before_w2, before_kl = _w2(law, target), _kl(law, target)
    after = [pushed(gamma) for gamma in jnp.asarray(GAMMA)]
    bent = jnp.stack([jnp.abs(x[1 : D + 1].mean(0) - x[-1]).max() for x in map(image, jnp.asarray(GAMMA))])
    return (
        jnp.stack([_w2(one, target) / before_w2 for one in after]),
        jnp.stack([_kl(one, target) / before_kl for one in after]),
        bent.max(),
    )


def _gaussian(key: jax.Array) -> GaussianState:
    of_mean, of_root = jax.random.split(key)
    root = jax.random.normal(of_root, (D, D), float) + jnp.eye(D)
    return GaussianState(2 * jax.random.normal(of_mean, (D,), float), root @ root.T + 0.1 * jnp.eye(D))


def _w2(one: GaussianState, other: GaussianState) -> jax.Array:
    return gaussian_w2(one.mean, one.covariance, other.mean, other.covariance)


def _kl(one: GaussianState, other: GaussianState) -> jax.Array:
    """KL(one || other) of Gaussians in the plane."""
    (a, b), (c, d) = other.covariance
    inverse = jnp.array([[d, -b], [-c, a]]) / (a * d - b * c)
    away = other.mean - one.mean
    volumes = (a * d - b * c) / (one.covariance[0, 0] * one.covariance[1, 1] - one.covariance[0, 1] ** 2)
    return (jnp.trace(inverse @ one.covariance) + away @ inverse @ away - D + jnp.log(volumes)) / 2


CLAIM = Claim(
    name="contraction_geodesic",
    source="derived here: geodesics have constant speed, KL to a log-concave law is convex along them",
    statement="The geodesic corrector x -> tau x + (1 - tau) T(x) gives W2(q, p*) = tau W2(p, p*) exactly and, p* "
    "being log-concave, KL(q || p*) <= tau KL(p || p*); its law is not the mixture pi_gamma p.",
    check=check,
    slips=(
        Slip("tau² for tau", shrinks, lambda right, gamma: right(gamma) ** 2),
        Slip("the root of tau for tau", shrinks, lambda right, gamma: right(gamma) ** 0.5),
        Slip("1 - tau for tau", shrinks, lambda right, gamma: 1 - right(gamma)),
        Slip("tau² for tau in KL", divergence_bound, lambda right, gamma: right(gamma) ** 2),
        Slip("half the bound of KL", divergence_bound, scaled(0.5)),
    ),
)
