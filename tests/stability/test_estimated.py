"""The estimated largest m: how often its interval holds the truth, and the families for which nothing is estimated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.models.gaussian import gaussian
from selfloop.models.regression import labelled, regression
from selfloop.models.states import GaussianState
from selfloop.models.student import LocationScale
from selfloop.stability import estimated, exponential_form, jacobian
from selfloop.stability.curvature import curvature, optimum
from tests.stability import models
from tests.stability.cases import STUDENT

LEAST = 0.9
TRIALS = 200


def blocks(rng, m, size=estimated.BLOCK):
    """Second moments of normal scores [K, P, P], of true eigenvalues m [P]."""
    scores = rng.normal(size=(estimated.BLOCKS, size, len(m))) * np.sqrt(m)
    return scores.transpose(0, 2, 1) @ scores / size


@pytest.mark.parametrize(
    "m", [np.ones(9), np.linspace(0.5, 1.5, 9), np.r_[np.full(8, 0.9), 1.0], np.r_[np.ones(8), 3.0]]
)
def test_the_interval_holds_the_largest_m_whether_they_are_apart_or_not(m):
    rng = np.random.default_rng(0)
    found = np.array([estimated.combined(blocks(rng, m, 200)) for _ in range(TRIALS)])
    assert ((found[:, 1] <= m.max()) & (m.max() <= found[:, 2])).mean() >= LEAST
    plug_in = np.mean([np.linalg.eigvalsh(blocks(rng, m, 200).mean(0))[-1] for _ in range(20)])
    # Where they are the same the naive estimate is off by its noise, sqrt(9 / 4000) and more; half of that is left.
    assert abs(found[:, 0].mean() - m.max()) < 0.7 * (plug_in - m.max()) + 4 * found[:, 0].std() / TRIALS**0.5


def test_no_estimate_is_above_its_cap():
    found = estimated.combined(blocks(np.random.default_rng(0), np.ones(4)), cap=1.0)
    assert found.low < found.value <= found.high == 1.0


def cases():
    """Models without a quadrature, their data of a seed, and the truth: F in closed form over the data's own H."""
    design = jnp.asarray(np.random.default_rng(7).normal(size=(60, 2)))
    rule = regression(2, 1.0, jnp.float64)
    place = models.student_place(9)

    def labels(rng):
        y = design @ jnp.asarray([1.0, 2.0]) + rng.normal(size=60)
        return labelled(design, y), lambda n: design[jnp.arange(n) % 60]

    def points(rng):
        return uniform(jnp.asarray(rng.standard_t(3.0, (400, 9)))), lambda n: None

    return {
        "regression": (rule, labels, lambda c: jacobian.spectrum(c._replace(F=design.T @ design / 60))[-1]),
        "student in nine dimensions": (place, points, lambda c: 14 / 16 / jnp.linalg.eigvalsh(c.H)[0]),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["regression", "student in nine dimensions"])
def test_the_printed_interval_covers_on_models_without_a_quadrature(name):
    model, draw, truth = cases()[name]
    size, hits, errors = estimated.BLOCKS * estimated.BLOCK, [], []
    for seed in range(TRIALS):
        data, cond = draw(np.random.default_rng(seed))
        star = optimum(model, model.init(jax.random.key(0)), data)
        c = curvature(model, star, data, data)
        own = model.sample(jax.random.key(seed), star, cond(size), size)
        found, exact = estimated.largest(model, star, own, c), float(truth(c))
        hits.append(found.low <= exact <= found.high)
        errors.append(found.value - exact)
    print(f"\n{name}: coverage {np.mean(hits):.3f}, mean error {np.mean(errors):.2g}, sd {np.std(errors):.2g}")
    assert np.mean(hits) >= LEAST


def affine(model, state, x):
    c = curvature(model, state, uniform(x), uniform(x))
    scale = np.linalg.inv(np.linalg.cholesky(np.asarray(c.C))).T
    return exponential_form.affine(model, state, uniform(x), scale)


@pytest.mark.slow
def test_exponential_families_are_known_by_their_derivatives_in_any_coordinates():
    rng = np.random.default_rng(0)
    three = GaussianState(jnp.asarray([0.0, 1, 2]), jnp.eye(3) + 0.3)
    assert affine(gaussian(3, jnp.float64), three, jnp.asarray(rng.normal(size=(60, 3))))
    two = models.Two(jnp.log(2.0), jnp.log(3.0))
    assert affine(models.BETA, two, jnp.asarray(rng.uniform(0.1, 0.9, (40, 1))))
    assert affine(models.VON_MISES, two, jnp.asarray(rng.uniform(-3, 3, (40, 1))))
    assert not affine(STUDENT, LocationScale(jnp.zeros(()), jnp.zeros(())), jnp.asarray(rng.normal(size=(40, 1))))
    assert not affine(models.student_place(2), models.Place(jnp.zeros(2)), jnp.asarray(rng.normal(size=(40, 2))))


def test_few_points_say_nothing():
    assert not affine(
        models.VON_MISES, models.Two(jnp.ones(()), jnp.ones(())), jnp.asarray([[0.1], [0.5], [1.0], [2.0]])
    )
