"""Population laws: quadratures against moments known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from selfloop.batch import Batch
from selfloop.models.discrete import discrete
from selfloop.models.exponential import gamma
from selfloop.models.states import MeanState
from selfloop.stability import quadrature


def test_the_line_integrates_normals_and_heavy_tails():
    nodes = quadrature.line(2001, centre=0.3, scale=2.0)
    assert nodes.x.shape == (2001, 1)
    normal = quadrature.weigh(nodes, lambda x: jax.scipy.stats.norm.logpdf(x[:, 0], 1.0, 0.7))
    np.testing.assert_allclose(normal.weight.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(quadrature.expect(normal, lambda x: (x[:, 0] - 1) ** 4), 3 * 0.7**4, rtol=1e-12)
    heavy = quadrature.weigh(nodes, lambda x: jax.scipy.stats.t.logpdf(x[:, 0], 5.0))
    np.testing.assert_allclose(quadrature.expect(heavy, lambda x: x[:, 0] ** 2), 5 / 3, rtol=1e-9)


def test_the_half_line_integrates_densities_that_are_infinite_or_jump_at_zero():
    for shape in (0.5, 1.0, 3.0):
        model = gamma(shape, jnp.float64)
        law = quadrature.own(model, MeanState(jnp.ones(1) * 2), quadrature.half_line(2001, scale=1.5))
        np.testing.assert_allclose(law.weight.sum(), 1, rtol=1e-10)
        np.testing.assert_allclose(quadrature.expect(law, lambda x: x[:, 0] ** 2), 4 * (1 + 1 / shape), rtol=1e-10)


def test_the_plane_and_hermite_nodes_agree_with_the_covariance():
    mean, covariance = np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 0.5]])
    normal = scipy.stats.multivariate_normal(mean, covariance)
    for nodes in (
        quadrature.grid2(121, 4.0, mean, np.sqrt([2.0, 0.5])),
        quadrature.hermite(mean, np.linalg.cholesky(covariance), 5),
    ):
        law = quadrature.weigh(nodes, lambda x: jnp.asarray(normal.logpdf(x)))
        np.testing.assert_allclose(law.weight.sum(), 1, rtol=1e-9)
        centred = np.asarray(law.x) - mean
        np.testing.assert_allclose((centred * np.asarray(law.weight)[:, None]).T @ centred, covariance, rtol=1e-8)


def test_labels_and_counts_are_nodes_of_cell_one():
    model = discrete(3, jnp.float64)
    state = model.init(jax.random.key(0))
    law = quadrature.own(model, state, quadrature.symbols(3))
    assert law.x.dtype == jnp.int32
    np.testing.assert_allclose(law.weight, np.full(3, 1 / 3), rtol=1e-15)
    counts = quadrature.weigh(quadrature.counts(60), lambda x: jax.scipy.stats.poisson.logpmf(x[:, 0], 4.0))
    np.testing.assert_allclose(quadrature.expect(counts, lambda x: x[:, 0] ** 2), 20, rtol=1e-12)


def test_expectations_divide_by_the_weight_and_ignore_what_has_none():
    law = Batch(jnp.asarray([[1.0], [jnp.nan], [4.0]]), jnp.asarray([2.0, 0.0, 6.0]))
    np.testing.assert_allclose(quadrature.expect(law, lambda x: x[:, 0]), 3.25, rtol=1e-15)
    slope = jax.grad(lambda a: quadrature.expect(law, lambda x: jnp.sqrt(a * x[:, 0])))(1.0)
    np.testing.assert_allclose(slope, (2 * 1 + 6 * 2) / 16, rtol=1e-14)


def test_samples_of_a_law_serve_as_one():
    x = np.asarray(scipy.stats.norm.ppf((np.arange(1000) + 0.5) / 1000))[:, None]
    law = Batch(jnp.asarray(x), jnp.ones(1000))
    np.testing.assert_allclose(quadrature.expect(law, lambda x: x), [0], atol=1e-12)
    assert quadrature.expect(law, lambda x: x[:, 0] ** 2) == pytest.approx(1, abs=0.01)
