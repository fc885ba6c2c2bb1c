"""What the finite-sample claims are built of, beside independent calculations; verify.py runs the claims."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from scipy import stats

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.models.exponential import gaussian_mean
from selfloop.models.gaussian import gaussian
from selfloop.models.states import GaussianState
from selfloop.protocols import Generation, Loop
from selfloop.stability import recursions
from theory import (
    attractor,
    mad_loops,
    mean_square,
    replace_growth,
    sandwich_covariance,
    subsample_plateau,
    transient,
    w2_growth,
    w2_readout,
    zipf_tails,
)
from theory.shared import cases, chains, families, student_loop, workflows

pytestmark = pytest.mark.usefixtures("x64")


def normal(key):
    return uniform(jax.random.normal(key, (6, 1), jnp.float64))


def test_chains_repeat_one_program_over_blocks_of_other_seeds(monkeypatch):
    monkeypatch.setattr(chains, "BLOCK", 4)

    def build(key, shift):
        real = normal(key)
        model = gaussian_mean(np.eye(1), jnp.float64)
        return Loop(model, policies.replace(), sources.fixed(real._replace(x=real.x + shift)), 6)

    means = chains.chains(build, np.array([0.0, 3.0]), 12, 2, lambda result: result.state.mean[0])
    assert means.shape == (2, 12, 3)
    assert np.unique(means[0]).size == 36
    np.testing.assert_allclose(means[1], means[0] + 3, rtol=1e-12)  # settings share their random numbers


def test_renewed_data_are_the_same_or_new():
    keys = jax.random.split(jax.random.key(1), 2)
    same, new = (chains.renewed(normal, jax.random.key(0), jnp.asarray(flag)) for flag in (False, True))
    t = jnp.asarray(1, jnp.int32)
    np.testing.assert_array_equal(same(keys[0], t).x, same(keys[1], t).x)
    assert not np.array_equal(new(keys[0], t).x, new(keys[1], t).x)


def test_half_width_is_five_standard_errors():
    samples = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(chains.half_width(samples), 5 * stats.sem(samples), rtol=1e-12)


@pytest.mark.parametrize("mean", [0.3, 4.0])
def test_poisson_by_inversion_has_the_law(mean):
    x = np.asarray(families.poisson(jax.random.key(0), jnp.asarray([mean]), (20_000, 1), jnp.float64))
    for count in range(6):
        p = stats.poisson.pmf(count, mean)
        assert abs((x == count).mean() - p) < 5 * np.sqrt(p * (1 - p) / 20_000)


def test_unbiased_divides_by_one_less():
    batch = uniform(jax.random.normal(jax.random.key(0), (7, 2), jnp.float64))
    state, _ = workflows.unbiased(gaussian(2, jnp.float64)).fit(jax.random.key(0), batch, None)
    np.testing.assert_allclose(state.covariance, np.cov(np.asarray(batch.x).T), rtol=1e-12)


@pytest.mark.parametrize(("new", "path"), [(False, recursions.reuse), (True, recursions.fresh)])
def test_without_bias_the_mad_recursion_is_the_gaussians(new, path):
    s = path(mad_loops.N, mad_loops.N, 0.0, -1.0, mad_loops.GENERATIONS)
    np.testing.assert_allclose(mad_loops.variances(1.0, new=new), 1 - np.asarray(s), rtol=1e-12)


def test_a_narrowed_model_samples_less_widely():
    state = GaussianState(jnp.ones(1), jnp.full((1, 1), 4.0))
    wide, narrow = (
        mad_loops.narrowed(gaussian(1, jnp.float64), jnp.asarray(bias)).sample(jax.random.key(0), state, None, 9).x
        for bias in (1.0, 0.25)
    )
    np.testing.assert_allclose(narrow - 1, (wide - 1) / 2, rtol=1e-12)


@pytest.mark.parametrize("v2", [-1.0, 0.0, 1.0])
def test_closed_forms_of_replacement(v2):
    t = np.arange(9)
    expected = recursions.replace(replace_growth.M, replace_growth.M, 0.0, v2, 8)
    np.testing.assert_allclose(replace_growth.law(v2, t), expected, rtol=1e-12)


def test_the_tie_to_the_real_points_is_its_recursion():
    w, a = transient.W, [1 / 3]
    for _ in range(transient.GENERATIONS):
        a.append((1 - w) / 3 + w / 1.5 * a[-1])
    np.testing.assert_allclose(transient.tie(3, 0.5), a, rtol=1e-12)


def test_break_even_is_where_the_loop_errs_as_one_fit():
    limit = recursions.reuse_limit(attractor.N, attractor.N, attractor.break_even(1.0), 0.0)
    np.testing.assert_allclose(limit, 1 / attractor.N, rtol=1e-12)


def test_the_mean_square_is_kept_at_the_threshold():
    np.testing.assert_allclose(mean_square.growth(mean_square.threshold()), 1, rtol=1e-12)


def test_the_mean_standard_deviation_of_unbiased_fits():
    spread = np.sqrt(np.random.default_rng(0).chisquare(9, 100_000) / 9)
    assert abs(spread.mean() - w2_growth.shrink(10)) < 5 * stats.sem(spread)


def test_unseen_mass_after_one_synthetic_generation():
    count, probs = 3, np.arange(1.0, zipf_tails.SYMBOLS + 1) ** -zipf_tails.BETA
    probs /= probs.sum()
    expected = sum(
        stats.binom.pmf(k, count, probs) @ probs * (1 - k / count) ** zipf_tails.MOST for k in range(count + 1)
    )
    np.testing.assert_allclose(zipf_tails.unseen(count, 1)[1], expected, rtol=1e-9)


def test_w2_of_a_two_dimensional_gaussian_to_the_standard_one():
    mean, covariance = np.array([0.3, -0.2]), np.array([[2.0, 0.5], [0.5, 0.7]])
    result = Generation(None, GaussianState(jnp.asarray(mean), jnp.asarray(covariance)), None, None, {}, {}, 0)
    expected = mean @ mean + np.trace(covariance + np.eye(2) - 2 * scipy.linalg.sqrtm(covariance).real)
    np.testing.assert_allclose(w2_readout.w2_squared(result), expected, rtol=1e-12)


def test_the_sandwich_with_no_slip_is_the_librarys():
    case = cases.student_on_skew()
    for lam, gamma in ((1.0, 0.0), (6.0, 0.5)):
        np.testing.assert_allclose(
            sandwich_covariance._changed(None, case.curvature, lam, gamma, of="nothing"),
            sandwich_covariance.expected(case.curvature, lam, gamma),
            rtol=1e-10,
        )


def test_draws_with_replacement_differ_from_the_recursion_by_n_minus_1_alone():
    right, wrong = subsample_plateau.subsampled(0.0, 3), subsample_plateau.with_replacement(0.0, 3)
    assert right[0] == wrong[0]
    total = subsample_plateau.N * np.arange(2, 5)
    pool = np.asarray(recursions.accumulate_subsample(subsample_plateau.N, 0.0, 3)[0])[1:]
    np.testing.assert_allclose((wrong[1:] - pool) / (right[1:] - pool), (total - 1) / total, rtol=1e-12)


def test_the_largest_part_of_a_bound_that_fails():
    over = np.repeat([0.2, 0.4, 0.6, 0.8], 500)
    part, failing = student_loop.largest_failing("", 0.9, over)
    assert part == pytest.approx(0.79)
    assert failing.measured == 0.75
    assert student_loop.largest_failing("", 0.9, np.stack([over, 0 * over], 1))[0] == part


def test_what_a_case_has_computed_is_kept_by_the_case_and_the_arguments():
    case = cases.student_on_skew()
    assert cases.constants(case) is cases.constants(case)
    assert cases.constants(case) is not cases.constants(case, 6.0)
    assert cases.constants(case._replace()) is not cases.constants(case)


def test_the_quick_fit_of_students_t_is_the_librarys():
    batch = uniform(student_loop.draw_skew(jax.random.key(0), 100))
    quick, slow = (model.fit(jax.random.key(0), batch, None)[0] for model in (student_loop.quick(), cases.student5()))
    np.testing.assert_allclose(np.stack(quick), np.stack(slow), atol=1e-9)
