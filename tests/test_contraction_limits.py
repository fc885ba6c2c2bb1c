"""Where correction ends: W2 along the geodesic, statements that are false, and what samples show of all this."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st

from selfloop.batch import uniform
from selfloop.correctors.idealized import replacement
from selfloop.correctors.transport import geodesic, geodesic_empirical
from selfloop.models.states import GaussianState
from selfloop.testing import Mixture, cases, corrected, dimensions, distances, draw_from, gammas, geodesic_law, mixtures
from selfloop.testing.mixture import covariance, gaussian_w2, mean, share_kept
from tests.populations import CONVEX, GRID, close, corrected_on_grid, on_grid, on_line

some = settings(max_examples=25, deadline=None)


# The geodesic.


@jax.jit
def image_of_frame(state, target, gamma):
    """Where the corrector brings the origin and the axes."""
    d = len(state.mean)
    frame = jnp.concatenate([jnp.zeros((1, d)), jnp.eye(d)])
    return geodesic(target, gamma)(jax.random.key(0), uniform(frame), state)[0].x


@some
@given(d=dimensions(), gamma=gammas(), data=st.data())
def test_the_geodesic_contracts_w2_by_tau_exactly(d, gamma, data):
    """The corrector is affine: its images of the origin and the axes are the whole of it."""
    law, target = data.draw(mixtures(d, 1)), data.draw(mixtures(d, 1))
    with jax.enable_x64(True):
        states = [GaussianState(jnp.asarray(one.means[0]), jnp.asarray(one.covariances[0])) for one in (law, target)]
        image = np.asarray(image_of_frame(*states, jnp.asarray(gamma)))
    linear = (image[1:] - image[0]).T
    result = Mixture(np.ones(1), law.means @ linear.T + image[:1], linear @ law.covariances @ linear.T)
    tau, before = share_kept(gamma), gaussian_w2(law, target)
    # W2 is the root of a difference of traces of order 10 d, exact to 1e-14 of them.
    np.testing.assert_allclose(gaussian_w2(result, target), tau * before, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(gaussian_w2(result, law), (1 - tau) * before, rtol=1e-6, atol=1e-6)
    same = geodesic_law(law, target, gamma)
    np.testing.assert_allclose(result.covariances, same.covariances, atol=1e-9)


@st.composite
def gaussian_pairs(draw):
    """Two different Gaussians on the line, and a strength inside."""
    case = draw(cases(gammas(inside=True), components=1).filter(lambda case: case.law.means.shape[1] == 1))
    assume(gaussian_w2(case.law, case.target) > 0.1)
    return case


# Statements that one reads and that are false: hypothesis must find where.

search = settings(max_examples=2000, deadline=None, derandomize=True, database=None, phases=[Phase.generate])


def test_it_is_false_that_the_likelihood_under_the_target_rises():
    """E_q log p* = tau E_p log p* + (1 - tau) E_* log p*: it falls where p is too narrow, though q is nearer."""

    def likelihood_falls(case):
        p, target, q, tau = corrected_on_grid(*case[:3])
        log = np.log(target)
        gain = q @ log - p @ log
        close(gain, (1 - tau) * (target @ log - p @ log))
        return gain < -0.05

    case = find(gaussian_pairs(), likelihood_falls, settings=search)
    assert covariance(case.law).item() < covariance(case.target).item()


def test_it_is_false_that_replacement_contracts_w2_by_tau_and_true_of_the_geodesic():
    def slower_than_tau(case):
        _, target, q, tau = corrected_on_grid(*case[:3])
        before = gaussian_w2(case.law, case.target)
        along = gaussian_w2(geodesic_law(*case[:3]), case.target)
        np.testing.assert_allclose(along, tau * before, rtol=1e-6, atol=1e-6)
        return np.sqrt(distances.wasserstein_line(GRID, q, target, 2)) > 1.2 * tau * before

    find(gaussian_pairs(), slower_than_tau, settings=search)


def test_it_is_false_that_the_geodesic_has_the_law_of_the_mixture():
    """And so it does not contract total variation by tau."""

    def far_apart(case):
        p, target, q, tau = corrected_on_grid(*case[:3])
        along = on_grid(geodesic_law(*case[:3]))
        slower = distances.total_variation(along, target) > 1.2 * tau * distances.total_variation(p, target)
        return slower and distances.total_variation(q, along) > 0.2

    find(gaussian_pairs(), far_apart, settings=search)


@pytest.mark.parametrize("name", ["KL(q, p*)", "KL(p*, q)", "Hellinger squared", "Jensen-Shannon"])
def test_it_is_false_that_divergences_contract_by_tau_squared_or_only_by_tau(name):
    """Near the target they go with tau^2, far from it with nearly tau: neither power is the rule."""

    def power(laws):
        p, target, q, tau = laws
        before = CONVEX[name](p, target)
        assume(before > 1e-4)
        return np.log(CONVEX[name](q, target) / before) / np.log(tau)

    inside = on_line(gammas(inside=True))
    find(inside, lambda laws: power(laws) < 1.5, settings=search)
    find(inside, lambda laws: power(laws) > 1.5, settings=search)


# Sampled correctors.


@settings(max_examples=10, deadline=None, derandomize=True)
@given(case=cases(gammas(inside=True)))
def test_replaced_samples_move_by_the_independent_coupling(case):
    """E moved = (1 - tau) E|X - Y| for independent X and Y, more than the least move; 5 standard errors."""
    n, tau = 4096, share_kept(case.gamma)
    keys = jax.random.split(jax.random.key(case.seed), 4)
    draw, target = draw_from(case.law), draw_from(case.target)
    _, info = replacement(target, case.gamma)(keys[0], uniform(draw(keys[1], n)), None)
    apart = np.linalg.norm(draw(keys[2], n) - target(keys[3], n), axis=1)
    error = np.sqrt(np.var(info["moved"]) / n + (1 - tau) ** 2 * apart.var() / n)
    assert abs(np.mean(info["moved"]) - (1 - tau) * apart.mean()) < 5 * error


@settings(max_examples=10, deadline=None, derandomize=True)
@given(case=cases())
def test_replaced_samples_have_the_second_moments_of_the_mixture(case):
    """P9 on samples: each entry of the raw second moment within 5 standard errors, from the samples' own variance."""
    n = 4096
    keys = jax.random.split(jax.random.key(case.seed), 2)
    corrector = replacement(draw_from(case.target), case.gamma)
    x = np.asarray(corrector(keys[0], uniform(draw_from(case.law)(keys[1], n)), None)[0].x, float)
    q = corrected(*case[:3])
    products = (x[:, :, None] * x[:, None]).reshape(n, -1)
    expected = (covariance(q) + mean(q)[:, None] * mean(q)[None]).ravel()
    assert (np.abs(products.mean(0) - expected) < 5 * products.std(0) / np.sqrt(n)).all()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**31 - 1), gamma=gammas())
def test_the_empirical_geodesic_contracts_w2_to_its_own_draws_by_tau(seed, gamma):
    """In the plane: the matching stays the best one all along the way, so the cost is the distance."""
    keys, n = jax.random.split(jax.random.key(seed), 2), 40
    x, target = jax.random.normal(keys[0], (n, 2)), 2 + 3 * jax.random.normal(keys[1], (n, 2))
    corrector = geodesic_empirical(lambda key, n: target, gamma)
    moved, info = corrector(keys[0], uniform(x), None)
    rest = geodesic_empirical(lambda key, n: target, float("inf"))(keys[1], moved, None)[1]["moved"]
    whole = geodesic_empirical(lambda key, n: target, float("inf"))(keys[1], uniform(x), None)[1]["moved"]
    w2 = lambda way: np.sqrt(np.mean(np.asarray(way, float) ** 2))  # noqa: E731
    np.testing.assert_allclose(w2(rest), share_kept(gamma) * w2(whole), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(w2(info["moved"]), (1 - share_kept(gamma)) * w2(whole), rtol=1e-5, atol=1e-5)
