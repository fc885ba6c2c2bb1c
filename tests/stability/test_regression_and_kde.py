"""Regression and kernel density loops against enumeration, inverse Wishart laws and characteristic functions."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.errors import ConfigError
from selfloop.stability import kde, regression


def test_the_papers_numbers():
    assert float(regression.regression_replace(4, 20, 1.0, 11)[-1]) == pytest.approx(3.2)
    assert float(regression.regression_accumulate(4, 20, 1.0, 11)[-1]) == pytest.approx(0.41733, abs=5e-6)
    assert float(regression.regression_replace(4, 20, 1.0, 11, 1.0)[-1]) == pytest.approx(0.3556, abs=5e-5)
    assert float(regression.regression_accumulate(4, 20, 1.0, 5000)[-1]) < 4 / 15 * np.pi**2 / 6
    np.testing.assert_allclose(regression.regression_replace(4, 20, 1.0, 3, np.inf), 4 / 15)


def test_one_fit_is_the_mean_over_designs():
    d, n = 2, 9
    design = np.random.default_rng(0).normal(size=(20_000, n, d))
    errors = np.trace(np.linalg.inv(np.einsum("rni,rnj->rij", design, design)), axis1=1, axis2=2)
    # Five standard errors; the fourth moment exists for n > d + 3.
    assert abs(errors.mean() - float(regression.one_fit(d, n, 1.0))) < 5 * errors.std() / 20_000**0.5


def test_too_few_points_have_no_expected_error():
    with pytest.raises(ConfigError, match="5 points in 4 dimensions have no finite expected error; take 6"):
        regression.one_fit(4, 5, 1.0)


def test_a_given_design_agrees_with_every_outcome_of_the_coins():
    rng, sigma, gamma = np.random.default_rng(0), 0.7, 0.8
    design = rng.normal(size=(5, 2))
    pseudo, tau = np.linalg.pinv(design), 1 / (1 + gamma)
    covariance, traces = sigma**2 * pseudo @ pseudo.T, []
    for _ in range(4):
        traces.append(np.trace(covariance))
        # e' = P (noise + coins (X e)): sum over the 32 outcomes of the coins.
        after = sigma**2 * pseudo @ pseudo.T
        for coins in itertools.product([0, 1], repeat=5):
            chance = np.prod([tau if coin else 1 - tau for coin in coins])
            map_ = pseudo @ np.diag(coins) @ design
            after = after + chance * map_ @ covariance @ map_.T
        covariance = after
    found = regression.regression_replace_given(jnp.asarray(design), sigma, gamma, 3)
    np.testing.assert_allclose(found, traces, rtol=1e-12)
    plain = regression.regression_replace_given(jnp.asarray(design), sigma, 0.0, 3)
    np.testing.assert_allclose(plain, sigma**2 * np.trace(pseudo @ pseudo.T) * np.arange(1, 5), rtol=1e-12)


def test_the_kernel_loops_variance_is_the_curvature_of_its_characteristic_function():
    sigma, h, w, gamma = 1.3, 0.4, 0.6, 0.5

    def path(u):
        bell = lambda s: jnp.exp(-(s**2) * u**2 / 2)  # noqa: E731
        return kde.kde_characteristic(bell(sigma), bell(h), w, gamma, 6)

    variance = -jax.jacfwd(jax.jacfwd(path))(0.0)
    np.testing.assert_allclose(kde.kde_variance(sigma**2, h, w, gamma, 6), variance, rtol=1e-12)
    np.testing.assert_allclose(path(0.0), 1, rtol=1e-15)


def test_the_kernel_loops_limits():
    np.testing.assert_allclose(kde.kde_variance(1.0, 0.3, 1 / 3, 1.0, 60)[-1], 1 + 0.09 / (1 - 1 / 6), rtol=1e-12)
    np.testing.assert_allclose(kde.kde_variance(1.0, 0.3, 1.0, 0.0, 9), 1 + 0.09 * np.arange(1, 11), rtol=1e-12)
    target, kernel = jnp.asarray(0.4), jnp.asarray(0.8)
    limit = kernel * target * (1 - 0.3) / (1 - 0.3 * kernel)
    np.testing.assert_allclose(kde.kde_characteristic(target, kernel, 0.6, 1.0, 60)[-1], limit, rtol=1e-12)
