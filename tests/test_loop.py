"""The loop against closed forms, its two drivers against each other, and stops against straight runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import policies, sources
from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.loop import begin, generation, role_key, scan
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop
from tests.tables import CORRECTORS, POLICIES, normal_draw

N, M, T = 20, 10, 6
CHAINS = 4000


def chain(key, policy, gamma=0.0, fresh=False):
    """Mean per-axis variance [T + 1] of a Gaussian chain whose real law is N(0, I)."""
    key_data, key = jax.random.split(key)
    real = uniform(normal_draw(key_data, N))
    source = sources.fresh(lambda key: uniform(normal_draw(key, N))) if fresh else sources.fixed(real)
    loop = Loop(gaussian(2), policy, source, M, replacement(normal_draw, gamma))
    return scan(loop, key, T, lambda key, result: jnp.trace(result.state.covariance) / 2)[1]


def mean_and_error(policy, **settings):
    """Mean over chains of the fitted variance, and five standard errors of it."""
    values = jax.jit(jax.vmap(lambda key: chain(key, policy, **settings)))(jax.random.split(jax.random.key(7), CHAINS))
    return np.asarray(values.mean(0)), 5 * np.asarray(values.std(0)) / np.sqrt(CHAINS)


def close(measured, expected):
    mean, error = measured
    np.testing.assert_array_less(np.abs(mean - np.asarray(expected)), error)


def augmented(gamma, fresh):
    """1 - s_t of the exact recursion for a Gaussian of unknown covariance (v2 = -1), real data fresh or re-used."""
    w, tau = M / (N + M), 1 / (1 + gamma)
    r, c = w * tau, -(tau**2)
    s, a, values = 1 / N, 1 / N, []
    for _ in range(T + 1):
        values.append(1 - s)
        shared = 0 if fresh else 2 * (1 - w) * r * a
        s, a = (1 - w) ** 2 / N + shared + r**2 * s + w**2 / M * (1 + c * s), (1 - w) / N + r * a
    return values


@pytest.mark.parametrize("gamma", [0.0, 1.0])
@pytest.mark.parametrize("fresh", [False, True])
def test_augment_follows_the_exact_recursion(gamma, fresh):
    close(mean_and_error(policies.augment(M / N), gamma=gamma, fresh=fresh), augmented(gamma, fresh))


def test_lambda_below_the_capacity_is_a_smaller_loop():
    half = mean_and_error(policies.augment(M / N / 2))[0]
    assert np.all(half[2:] > mean_and_error(policies.replace())[0][2:])
    np.testing.assert_array_equal(mean_and_error(policies.augment(0.0))[0], np.full(T + 1, half[0]))


def test_replace_loses_one_part_in_m_each_generation():
    close(mean_and_error(policies.replace()), [(1 - 1 / N) * (1 - 1 / M) ** t for t in range(T + 1)])


def test_accumulate_follows_the_exact_product():
    sizes = N + M * np.arange(1, T + 1)
    close(mean_and_error(policies.accumulate()), (1 - 1 / N) * np.cumprod([1, *(1 - M / sizes**2)]))


def test_accumulate_subsample_follows_the_exact_recursion():
    # Of a pool of P points with variance V (dividing by P), n drawn without replacement have variance
    # V P/(P-1) (1-1/n) and a mean that is off by V P/(P-1) (1/n-1/P); M samples of their fit then join the pool.
    pool, size, values = 1 - 1 / N, N, [1 - 1 / N]
    fit = pool
    for _ in range(T):
        spread = pool * size / (size - 1)
        # Generation 0 is fitted to all n real points, which are the whole pool then.
        offset = spread * (1 / N - 1 / size)
        new, between = fit * (1 - 1 / M), fit / M + offset
        pool = (size * pool + M * new) / (size + M) + size * M / (size + M) ** 2 * between
        size += M
        fit = pool * size / (size - 1) * (1 - 1 / N)
        values.append(fit)
    close(mean_and_error(policies.accumulate_subsample()), values)


def small_loop(policy=None, corrector=None):
    real = uniform(normal_draw(jax.random.key(1), N))
    return Loop(
        gaussian(2),
        policy or policies.augment(0.5),
        sources.fixed(real),
        M,
        corrector or replacement(normal_draw, 1.0),
    )


# Every corrector under one policy, every policy with one corrector: neither sees which the other is.
PAIRS = [("augment 0.5", name) for name in CORRECTORS if "shrink_labels" not in name]  # that one is of regressions
PAIRS += [(name, "replacement 1.0") for name in POLICIES if name != "augment 0.5"]


@pytest.mark.parametrize(("policy", "corrector"), PAIRS)
def test_scan_is_the_generation_repeated(policy, corrector):
    loop, key = small_loop(POLICIES[policy](), CORRECTORS[corrector].make()), jax.random.key(3)
    carry, _ = begin(loop, key, 3)
    for t in range(1, 4):
        carry, _ = generation(loop, key, jnp.asarray(t, jnp.int32), carry)
    scanned, measured = scan(loop, key, 3, lambda key, result: result.state.mean)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), scanned, carry)
    assert measured.shape == (4, 2)


def test_generations_compile_once():
    loop, key = small_loop(), jax.random.key(3)
    step = jax.jit(lambda t, carry: generation(loop, key, t, carry))
    carry, _ = begin(loop, key)
    for t in range(1, 4):
        carry, _ = step(jnp.asarray(t, jnp.int32), carry)
    assert step._cache_size() == 1


def test_keys_differ_between_roles_and_generations_and_arms_share_them():
    key = jax.random.key(0)
    keys = {tuple(jax.random.key_data(role_key(key, t, role)).tolist()) for t in (0, 1) for role in ("sample", "fit")}
    assert len(keys) == 4


def test_failed_samples_do_not_train():
    def fails(key, batch, state):
        failed = jnp.arange(batch.capacity) < 3
        info = {"moved": jnp.zeros_like(batch.weight), "failed": failed}
        return batch._replace(x=jnp.where(failed[:, None], jnp.nan, batch.x)), info

    loop = small_loop(policies.replace(), fails)
    carry, _ = begin(loop, jax.random.key(0))
    carry, result = generation(loop, jax.random.key(0), jnp.asarray(1, jnp.int32), carry)
    np.testing.assert_allclose(carry.state.mean, result.raw.x[3:].mean(0), rtol=1e-5)
