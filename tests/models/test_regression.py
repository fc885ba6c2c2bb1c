"""Linear regression against NumPy's least squares and the closed form of its error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.errors import ConfigError
from selfloop.loop import scan
from selfloop.models.regression import RegressionState, labelled, regression
from selfloop.protocols import Loop


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**31 - 1))
def test_the_fit_is_numpys_least_squares(d, seed):
    rng = np.random.default_rng(seed)
    design, label, weight = rng.normal(size=(20, d)), rng.normal(size=20), rng.uniform(0.1, 2, 20)
    with jax.enable_x64(True):
        batch = labelled(jnp.asarray(design), jnp.asarray(label))._replace(weight=jnp.asarray(weight))
        fitted = regression(d, 1.0, jnp.float64).fit(jax.random.key(0), batch, None)[0].weights
    half = np.sqrt(weight)
    expected = np.linalg.lstsq(half[:, None] * design, half * label, rcond=None)[0]
    np.testing.assert_allclose(fitted, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.usefixtures("x64")
def test_a_sample_keeps_its_design_and_has_a_normal_label():
    n, state = 20_000, RegressionState(jnp.asarray([1.0, -2.0]))
    design = jax.random.normal(jax.random.key(0), (n, 2))
    model = regression(2, 0.5, jnp.float64)
    batch = model.sample(jax.random.key(1), state, design, n)
    np.testing.assert_array_equal(batch.x[:, :2], design)
    np.testing.assert_array_equal(batch.cond, design)
    residual = batch.x[:, 2] - design @ state.weights
    assert abs(residual.mean()) < 5 * 0.5 / np.sqrt(n)
    assert abs(residual.var() - 0.25) < 5 * 0.25 * np.sqrt(2 / n)
    np.testing.assert_allclose(model.log_prob(state, batch.x), scipy.stats.norm(0, 0.5).logpdf(residual), rtol=1e-10)


@pytest.mark.usefixtures("x64")
def test_replacing_labels_adds_one_error_a_generation():
    # Gerstgrasser et al.: sigma^2 d / (T - d - 1) (t + 1) after t refits, for normal designs of T rows.
    rows, d, chains = 12, 2, 1500
    rule = jnp.asarray([1.0, -1.0])

    def chain(key):
        key_design, key_noise, key = jax.random.split(key, 3)
        design = jax.random.normal(key_design, (rows, d))
        real = labelled(design, design @ rule + jax.random.normal(key_noise, (rows,)))
        loop = Loop(regression(d, 1.0, jnp.float64), policies.replace(), sources.fixed(real), rows)
        return scan(loop, key, 2, lambda key, result: jnp.sum((result.state.weights - rule) ** 2))[1]

    errors = jax.jit(jax.vmap(chain))(jax.random.split(jax.random.key(0), chains))
    expected = d / (rows - d - 1) * np.arange(1, 4)
    np.testing.assert_array_less(np.abs(errors.mean(0) - expected), 5 * errors.std(0) / np.sqrt(chains))


def test_a_direction_that_the_design_lacks_gets_weight_zero():
    design = jnp.asarray([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [3.0, 0.0]])
    state, _ = regression(2, 1.0).fit(jax.random.key(0), labelled(design, 2 * design[:, 0]), None)
    np.testing.assert_allclose(state.weights, [2, 0], atol=1e-6)


def test_too_few_rows_are_refused():
    with pytest.raises(ConfigError, match="n is 4; a regression on 3 columns needs 5"):
        regression(3, 1.0).fit(jax.random.key(0), labelled(jnp.ones((4, 3)), jnp.ones(4)), None)


def test_labels_without_designs_are_refused():
    model = regression(1, 1.0)
    real = sources.fixed(uniform(jnp.ones((5, 2))))
    with pytest.raises(ConfigError, match="cond is the design"):
        scan(Loop(model, policies.replace(), real, 5), jax.random.key(0), 1, lambda key, result: result.state)


@pytest.mark.parametrize(("d", "noise"), [(0, 1.0), (2, 0.0), (2, float("nan"))])
def test_settings_out_of_range_are_refused(d, noise):
    with pytest.raises(ConfigError, match="d, the number of design columns, is 0|standard deviation is"):
        regression(d, noise)
