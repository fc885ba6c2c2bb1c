"""A polluted pool: Bayes' rule by counting, the recursion against its limit, and bad numbers in one line."""

import jax
import numpy as np
import pytest

from selfloop.errors import ConfigError
from selfloop.stability.pollution import (
    expected_web,
    gaussian_web,
    human_probability,
    kept_share,
    stationary_mean_square,
    stationary_variance,
)


def test_what_is_kept_and_who_wrote_it_by_counting():
    rng, published, tpr, fpr = np.random.default_rng(0), 0.7, 0.8, 0.1
    synthetic = rng.random(200_000) < published
    flag = rng.random(200_000) < np.where(synthetic, tpr, fpr)
    assert abs(synthetic[~flag].mean() - kept_share(published, tpr, fpr)) < 5e-3
    weight = np.where(flag, 0.3, 1.0)
    assert abs((weight * synthetic).sum() / weight.sum() - kept_share(published, tpr, fpr, 0.3)) < 5e-3
    for one in (0, 1):
        assert abs((~synthetic)[flag == one].mean() - human_probability(one, published, tpr, fpr)) < 5e-3


@pytest.mark.parametrize("families", [1, 4])
@pytest.mark.parametrize(("s", "temperature"), [(0.5, 1.0), (0.9, 0.8)])
def test_the_recursion_settles_where_the_closed_form_says(s, temperature, families):
    v, q = expected_web(s, temperature, 30, families, 400)[-1]
    assert np.isclose(v, stationary_variance(s, temperature, 30, families), rtol=1e-9)
    assert np.isclose(q, stationary_mean_square(s, temperature, 30, families), rtol=1e-9)
    assert np.isclose(stationary_variance(s, temperature, 1e12), (1 - s) / (1 - s * temperature**2))


def test_the_first_models_are_fits_to_human_documents():
    web = jax.vmap(lambda key: gaussian_web(key, 0.5, 1.0, 20, 2, 1))(jax.random.split(jax.random.key(0), 2000))
    assert web.mean.shape == (2000, 2, 2)
    v, m = np.asarray(web.variance[:, 0]), np.asarray(web.mean[:, 0])
    assert abs(v.mean() - 1) < 5 * v.std() / np.sqrt(v.size)
    assert abs((m**2).mean() - 1 / 20) < 5 * (m**2).std() / np.sqrt(m.size)


@pytest.mark.parametrize(
    ("s", "temperature", "n", "says"),
    [(1.0, 1.0, 10, "share kept is 1.0; give 0 to below 1"), (0.5, 0.0, 10, "temperature is 0.0; give a number above"),
     (0.9, 1.2, 10, "the variance has no bound")],
)  # fmt: skip
def test_what_cannot_be_is_told(s, temperature, n, says):
    with pytest.raises(ConfigError, match=says):
        stationary_variance(s, temperature, n)
