"""The process of the official script, in parts of the loop, against the plain NumPy loop of the same process."""

import jax
import jax.numpy as jnp
import numpy as np
import official_peer as peer
import official_process as process
import pytest
import scipy.stats

from selfloop.batch import uniform
from selfloop.metrics.frechet import gaussian_w2
from selfloop.models.states import GaussianState
from selfloop.models.statistics import record


@pytest.fixture(scope="module", name="raw")
def _raw():
    return np.random.default_rng(4).normal(0.2, 0.7, (process.M, 2)).astype(np.float32)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 5.0])
def test_corrected_points_have_the_law_of_the_plain_rejection_loop(raw, gamma):
    correct = process.histogram_rejection(gamma)
    batch = uniform(jnp.asarray(raw))
    over = jax.jit(jax.vmap(lambda key: correct(key, batch, None)[0].x))
    ours = np.asarray(over(jax.random.split(jax.random.key(1), 400))).reshape(-1, 2)
    rng = np.random.default_rng(2)
    plain = np.concatenate([peer.corrected(rng, raw, gamma, peer.LEAN) for _ in range(200)])
    for reading in (lambda z: z[:, 0], lambda z: z[:, 1], lambda z: z[:, 0] * z[:, 1], lambda z: (z**2).sum(1)):
        assert scipy.stats.ks_2samp(reading(ours), reading(plain)).pvalue > 1e-4


def test_a_block_too_short_is_followed_by_others(raw):
    batch = uniform(jnp.asarray(raw))
    correct = process.histogram_rejection(0.0, block=3)
    x = jax.jit(lambda key: correct(key, batch, None)[0].x)(jax.random.key(0))
    assert len({tuple(row) for row in np.asarray(x).tolist()}) == process.M
    assert (np.abs(x).sum(1) > 0).all()


def test_the_histogram_is_numpys(raw):
    boxes = process.histogram(jnp.asarray(raw))
    expected, rows, columns = np.histogram2d(raw[:, 0], raw[:, 1], bins=process.BINS, density=True)
    at = np.arange(process.BINS) + 0.5
    centres = np.stack(np.meshgrid(rows[0] + at * np.diff(rows)[0], columns[0] + at * np.diff(columns)[0]), -1)
    ours = process.height(boxes, process.cells(boxes, jnp.asarray(centres.reshape(-1, 2).T, jnp.float32)))
    np.testing.assert_allclose(ours, expected.T.ravel(), rtol=1e-5)


def test_the_two_arithmetics_of_the_peer_are_one():
    z = np.array([0.3, -1.2])
    assert peer.LEAN.densities(z) == pytest.approx(peer.SCRIPT.densities(z), rel=1e-12)


def test_training_sets_are_the_first_shares_of_every_set():
    generations, m = 7, 5
    rng = np.random.default_rng(0)
    real, sets = rng.normal(size=(8, 2)), rng.normal(size=(generations, m, 2))
    policy = process.growing_shares(generations, m)
    records = record(uniform(jnp.asarray(real, jnp.float32)))
    memory = policy.start(records, 0)
    select = jax.jit(policy.select)
    for g in range(1, generations + 1):
        new = uniform(jnp.asarray(sets[g - 1], jnp.float32))
        chosen, memory = select(jax.random.key(0), jnp.asarray(g, jnp.int32), records, new, memory)
        expected = np.concatenate([points[: int(j / g * m)] for j, points in enumerate(sets[:g], 1)])
        assert float(chosen.x.count[1]) == len(expected)
        np.testing.assert_allclose(chosen.x.total[1], expected.sum(0), atol=1e-4)
        centred = expected - expected.mean(0)
        np.testing.assert_allclose(chosen.x.scatter[1], centred.T @ centred, atol=1e-3)


def test_the_closed_form_of_w2_is_the_general_one():
    state = GaussianState(jnp.asarray([0.3, -0.1]), jnp.asarray([[1.2, 0.4], [0.4, 0.5]]))
    target = process.target()
    expected = gaussian_w2(state.mean, state.covariance, target.mean, target.covariance)
    assert float(process.to_target(state)) == pytest.approx(float(expected), rel=1e-5)
    assert peer.to_target(np.asarray(state.mean), np.asarray(state.covariance)) == pytest.approx(
        float(expected), rel=1e-5
    )


def test_whole_chains_agree_with_the_peer():
    gammas, generations, seeds = (0.0, 1.0), 12, 64
    over = jax.jit(
        jax.vmap(
            jax.vmap(lambda key, gamma: process.official(key, gamma, generations), (0, None)),
            (None, 0),
        )
    )
    ours = np.asarray(over(jax.random.split(jax.random.key(7), 256), jnp.asarray(gammas)))
    for i, gamma in enumerate(gammas):
        plain = np.stack(
            [peer.distances(np.random.default_rng(seed), gamma, generations, peer.LEAN) for seed in range(seeds)]
        )
        error = 5 * np.sqrt(plain.var(0) / seeds + ours[i].var(0) / 256)
        assert (np.abs(ours[i].mean(0) - plain.mean(0)) < error).all()
