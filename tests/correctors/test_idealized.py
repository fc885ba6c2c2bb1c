"""Bernoulli replacement: the share kept, samples of any kind."""

import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from tests.correctors.once import once
from tests.tables import normal_draw


@pytest.mark.parametrize("gamma", [0.25, 1.0, 4.0])
def test_replacement_keeps_a_share_of_one_over_one_plus_gamma(gamma):
    n, tau = 40_000, 1 / (1 + gamma)
    batch = uniform(jnp.full((n, 2), 100.0))
    kept = np.asarray(once(replacement(normal_draw, gamma), 0, batch)[0].x[:, 0] == 100).mean()
    assert abs(kept - tau) < 5 * np.sqrt(tau * (1 - tau) / n)  # five standard errors


def test_an_infinite_gamma_replaces_all():
    batch = uniform(jnp.full((500, 2), 100.0))
    assert jnp.all(once(replacement(normal_draw, float("inf")), 0, batch)[0].x < 7)


def test_labels_are_replaced_as_labels():
    n = 10_000
    batch = uniform(jnp.zeros(n, jnp.int32))
    corrected, info = once(replacement(lambda key, n: jnp.full(n, 7, jnp.int32), 1.0), 0, batch)
    assert corrected.x.dtype == jnp.int32
    assert set(np.unique(corrected.x)) == {0, 7}
    assert abs(jnp.mean(corrected.x == 7) - 0.5) < 5 * 0.5 / np.sqrt(n)
    np.testing.assert_array_equal(info["moved"], corrected.x == 7)  # a changed label counts as 1


def test_the_leaves_of_a_sample_are_replaced_together():
    batch = uniform({"x": jnp.zeros((300, 2, 3)), "label": jnp.zeros(300, jnp.int32)})
    draw = lambda key, n: {"x": jnp.full((n, 2, 3), 2.0), "label": jnp.ones(n, jnp.int32)}  # noqa: E731
    corrected, info = once(replacement(draw, 1.0), 0, batch)
    np.testing.assert_array_equal((corrected.x["x"] == 2).all((1, 2)), corrected.x["label"] == 1)
    assert 0 < corrected.x["label"].sum() < 300
    np.testing.assert_allclose(info["moved"], jnp.where(corrected.x["label"] == 1, 5.0, 0.0))  # sqrt(6 * 2^2 + 1)
