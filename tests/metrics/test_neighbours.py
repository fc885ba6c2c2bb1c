import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from selfloop import metrics
from selfloop.metrics import neighbour_radii

modes_covered = jax.jit(metrics.modes_covered)
prdc = jax.jit(metrics.prdc, static_argnames="k")
mean_pairwise_distance = jax.jit(metrics.mean_pairwise_distance)
random_pair_distance = jax.jit(metrics.random_pair_distance, static_argnames="pairs")


def points(seed: int, n: int, f: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, f)).astype(np.float32)


def oracle(x: np.ndarray, y: np.ndarray, k: int) -> dict[str, float]:
    between = cdist(x, y)
    y_radius = np.sort(cdist(y, y), 1)[:, k]
    x_radius = np.sort(cdist(x, x), 1)[:, k]
    inside = between <= y_radius[None]
    return {
        "precision": inside.any(1).mean(),
        "recall": (between <= x_radius[:, None]).any(0).mean(),
        "density": inside.sum() / (k * len(x)),
        "coverage": inside.any(0).mean(),
    }


def test_prdc_agrees_with_brute_force():
    x, y = points(0, 60), points(1, 80) * np.float32(1.3)
    for k in (1, 3):
        for name, value in prdc(x, y, k=k).items():
            assert np.isclose(value, oracle(x, y, k)[name], atol=1e-5), name


def test_absent_samples_have_no_part():
    x, y = points(0, 40), points(1, 50)
    x_weight, y_weight = jnp.arange(40.0) % 2, jnp.sign(jnp.arange(50.0) % 5)
    got = prdc(jnp.where(x_weight[:, None] > 0, x, jnp.nan), y, x_weight, y_weight)
    expected = oracle(x[1::2], y[np.arange(50) % 5 > 0], 3)
    for name, value in got.items():
        assert np.isclose(value, expected[name], atol=1e-5), name


def test_known_extremes():
    y = points(0, 100)
    same = prdc(y, y)
    assert all(np.isclose(same[name], 1, atol=1e-5) for name in ("precision", "recall", "coverage"))
    assert np.isclose(prdc(y + 100, y)["precision"], 0)
    assert np.isclose(prdc(y + 100, y)["coverage"], 0)
    collapsed = prdc(jnp.broadcast_to(y[:1], (100, 3)) + 1e-4 * points(2, 100), y)
    assert np.isclose(collapsed["precision"], 1, atol=1e-5)
    assert collapsed["coverage"] < 0.2
    assert collapsed["recall"] < 0.1


def test_too_few_neighbours_give_infinite_radii():
    assert jnp.isinf(neighbour_radii(points(0, 5), jnp.array([1.0, 1.0, 1.0, 0.0, 0.0]), k=3)[:3]).all()


def test_mean_pairwise_distance_agrees_with_scipy():
    x = points(0, 30)
    assert np.isclose(mean_pairwise_distance(x), pdist(x).mean(), rtol=1e-5)
    weight = jnp.arange(30.0) % 3
    u = np.outer(weight, weight)
    expected = (u * cdist(x, x)).sum() / (u.sum() - np.trace(u))
    assert np.isclose(mean_pairwise_distance(x, weight), expected, rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 100), absent=st.integers(0, 20))
def test_random_pairs_estimate_the_exact_mean(seed, absent):
    x, weight = points(seed, 40), jnp.where(jnp.arange(40) >= absent, 1.0, 0.0)
    got = random_pair_distance(jax.random.key(seed), x, weight, pairs=2000)
    exact = pdist(x[absent:])
    assert abs(got - exact.mean()) < 5 * exact.std() / np.sqrt(2000)


def test_a_pair_is_two_different_samples():
    x = jnp.array([[0.0], [1.0], [5.0]])
    assert np.isclose(random_pair_distance(jax.random.key(0), x, jnp.array([1.0, 1.0, 0.0]), pairs=50), 1)


def test_hits_of_modes_by_hand():
    modes = np.arange(8, dtype=np.float32)[:, None]
    got = modes_covered(np.array([[0.1], [0.2], [0.9], [1.2], [6.6]], np.float32), modes)
    share = np.array([2, 2, 1]) / 5
    assert np.isclose(got["modes_hit"], 3 / 8)
    assert np.isclose(got["modes_effective"], np.exp(-(share * np.log(share)).sum()) / 8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(1, 30), m=st.integers(1, 12))
def test_modes_agree_with_brute_force(seed, n, m):
    x, modes, weight = points(seed, 30), points(seed + 1, 15), np.zeros(30, np.float32)
    weight[:n] = np.random.default_rng(seed).integers(1, 4, n)
    here = np.arange(15) < m
    poisoned = np.where(weight[:, None] > 0, x, np.nan), np.where(here[:, None], modes, np.nan)
    got = modes_covered(*poisoned, weight, here.astype(np.float32))
    nearest = cdist(x[:n], modes[:m]).argmin(1)
    count = np.bincount(nearest, weight[:n], m)
    share = count[count > 0] / count.sum()
    assert np.isclose(got["modes_hit"], (count > 0).mean())
    assert np.isclose(got["modes_effective"], np.exp(-(share * np.log(share)).sum()) / m, rtol=1e-5)
    assert 1 / m - 1e-6 <= got["modes_effective"] <= got["modes_hit"] + 1e-6


def test_modes_hit_by_an_even_law():
    modes = 10 * points(0, 40)
    at = jax.random.randint(jax.random.key(0), (200, 60), 0, 40)
    hit = jax.jit(jax.vmap(lambda at: metrics.modes_covered(jnp.asarray(modes)[at], modes)["modes_hit"]))(at)
    assert abs(hit.mean() - (1 - (1 - 1 / 40) ** 60)) < 4 * hit.std() / np.sqrt(200)
    assert np.isclose(modes_covered(modes, modes)["modes_effective"], 1)
