"""What correction does to a law, on random mixtures, dimensions and strengths (theory: properties P1 to P9).

q = pi_gamma p = tau p + (1 - tau) p*, tau = 1 / (1 + gamma). On the line a mixture is its law on a grid, as exact as
any law on points; in more dimensions there are closed forms of mixtures, and laws on a few points in any dimension.
The equalities hold for any laws, so the tolerances are those of rounding alone: at worst 1000 levels of a distribution
function, each rounded by 1e-15, at a squared distance of 24^2.
"""

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
from selfloop.testing import (
    Mixture,
    cases,
    combined,
    corrected,
    dimensions,
    directions,
    distances,
    draw_from,
    gammas,
    geodesic_law,
    mixtures,
    points,
)
from selfloop.testing.mixture import covariance, gaussian_w2, log_density, mean, overlap, project, share_kept

ATOL = RTOL = 1e-9
GRID = np.linspace(-12, 12, 401)
EXACT = {
    "total variation": distances.total_variation,
    "Kolmogorov": distances.kolmogorov,
    "W1": lambda p, q: distances.wasserstein_line(GRID, p, q),
    "L2": lambda p, q: np.sqrt(np.sum((p - q) ** 2) / (GRID[1] - GRID[0])),
    "MMD": lambda p, q: np.sqrt(max(distances.mmd2(GRID[:, None], p, q), 0)),
    "bounded Lipschitz functions": lambda p, q: np.abs(np.tanh(GRID) @ (p - q)),
}
"""Integral probability metrics: they contract by tau exactly."""
SQUARED = {
    "energy": lambda p, q: distances.energy2_line(GRID, p, q),
    "chi-squared": distances.chi2,
    "MMD squared": lambda p, q: distances.mmd2(GRID[:, None], p, q),
}
"""Quadratic in the difference of the laws: they contract by tau^2 exactly."""
CONVEX = {
    "KL(q, p*)": distances.kl,
    "KL(p*, q)": lambda p, q: distances.kl(q, p),
    "Hellinger squared": distances.hellinger2,
    "Jensen-Shannon": distances.jensen_shannon,
    "W2 squared": lambda p, q: distances.wasserstein_line(GRID, p, q, 2),
}
"""Convex in the law: they contract by tau at least."""

some = settings(max_examples=25, deadline=None)
many = settings(max_examples=100, deadline=None)


def on_grid(law: Mixture) -> np.ndarray:
    """A mixture on the line as weights of the grid, of sum 1."""
    log = log_density(law, GRID[:, None])
    share = np.exp(log - log.max())
    return share / share.sum()


def corrected_on_grid(law, target, gamma):
    """p, p* and q as weights of the grid, and tau."""
    p, target, tau = on_grid(law), on_grid(target), share_kept(gamma)
    return p, target, tau * p + (1 - tau) * target, tau


@st.composite
def on_line(draw, gamma=None):
    """Laws p and p* on the grid, q, and tau."""
    return corrected_on_grid(draw(mixtures(1)), draw(mixtures(1)), draw(gammas() if gamma is None else gamma))


def close(value, expected, scale=1.0):
    np.testing.assert_allclose(value, expected, rtol=RTOL, atol=ATOL * scale)


# Equalities.


@pytest.mark.parametrize("name", EXACT)
@some
@given(laws=on_line())
def test_integral_metrics_contract_by_tau(name, laws):
    p, target, q, tau = laws
    # The root of a square that cancels keeps half the digits.
    close(EXACT[name](q, target), tau * EXACT[name](p, target), 100 if name == "MMD" else 1)


@pytest.mark.parametrize("name", SQUARED)
@some
@given(laws=on_line())
def test_squared_distances_contract_by_tau_squared(name, laws):
    p, target, q, tau = laws
    before = SQUARED[name](p, target)
    close(SQUARED[name](q, target), tau**2 * before, max(1, before))


@some
@given(data=st.data(), d=dimensions(), gamma=gammas())
def test_laws_on_points_contract_in_any_dimension(data, d, gamma):
    """W1 by its linear program over couplings, solved to 1e-7 a condition; it knows nothing of differences."""
    x, p, target = data.draw(points(d))
    tau = share_kept(gamma)
    q = tau * p + (1 - tau) * target
    assert abs(distances.wasserstein(x, q, target) - tau * distances.wasserstein(x, p, target)) < 1e-5
    for squared in (distances.mmd2, distances.energy2):
        close(squared(x, q, target), tau**2 * squared(x, p, target))
        assert squared(x, p, target) >= -ATOL
    close(distances.chi2(q, target), tau**2 * distances.chi2(p, target))
    assert abs(distances.wasserstein(x, q, p) - (1 - tau) * distances.wasserstein(x, p, target)) < 1e-5
    assert distances.wasserstein(x, q, target, 2) <= tau * distances.wasserstein(x, p, target, 2) + 1e-5


@many
@given(case=cases(), bandwidth=st.sampled_from([0.0, 0.5, 2.0]))
def test_mixtures_contract_in_any_dimension_in_closed_form(case, bandwidth):
    """L2 of densities (h = 0) and MMD of a Gaussian kernel (h > 0) between mixtures of full covariances."""
    law, target, gamma, _ = case

    def squared(one):
        return overlap(one, one, bandwidth) + overlap(target, target, bandwidth) - 2 * overlap(one, target, bandwidth)

    size = overlap(law, law, bandwidth) + overlap(target, target, bandwidth)
    expected = share_kept(gamma) ** 2 * squared(law)
    np.testing.assert_allclose(squared(corrected(law, target, gamma)), expected, rtol=RTOL, atol=1e-12 * size)


@some
@given(data=st.data(), case=cases())
def test_every_projection_contracts(data, case):
    """So do sliced distances, in any dimension; the energy distance is a mean over directions of those on the line."""
    direction = data.draw(directions(case.law.means.shape[1]))
    law, target, q = (on_grid(project(one, direction / 2)) for one in (case.law, case.target, corrected(*case[:3])))
    tau = share_kept(case.gamma)
    # The grid's sums of p, p* and q each differ from 1 before they are scaled, by less than 1e-8 beyond six scales.
    for metric in (
        distances.total_variation,
        distances.kolmogorov,
        lambda p, q: distances.wasserstein_line(GRID, p, q),
    ):
        np.testing.assert_allclose(metric(q, target), tau * metric(law, target), atol=1e-6)
    energy = [distances.energy2_line(GRID, one, target) for one in (law, q)]
    np.testing.assert_allclose(energy[1], tau**2 * energy[0], atol=1e-6)


@many
@given(case=cases())
def test_first_and_second_moments(case):
    """Means contract; Cov q = tau Cov p + (1 - tau) Cov p* + tau (1 - tau) (the means' difference squared)."""
    law, target, gamma, _ = case
    q, tau, gap = corrected(law, target, gamma), share_kept(gamma), mean(law) - mean(target)
    close(mean(q) - mean(target), tau * gap)
    mixed = tau * covariance(law) + (1 - tau) * covariance(target) + tau * (1 - tau) * gap[:, None] * gap[None]
    close(covariance(q), mixed, 10)


# Inequalities.


@pytest.mark.parametrize("name", CONVEX)
@some
@given(laws=on_line())
def test_convex_divergences_contract_by_tau_at_least(name, laws):
    p, target, q, tau = laws
    assert CONVEX[name](q, target) <= tau * CONVEX[name](p, target) * (1 + RTOL) + ATOL


@some
@given(laws=on_line())
def test_the_reverse_divergence_is_bounded_whatever_the_law(laws):
    """q >= (1 - tau) p*, so KL(p*, q) <= log((1 + gamma) / gamma), however large KL(p*, p) is."""
    p, target, q, tau = laws
    assert distances.kl(target, q) <= (-np.log1p(-tau) if tau < 1 else np.inf) + ATOL


@some
@given(laws=on_line())
def test_w2_lies_between_tau_w1_and_the_root_of_tau(laws):
    p, target, q, tau = laws
    w2 = np.sqrt(distances.wasserstein_line(GRID, q, target, 2))
    assert w2 >= tau * distances.wasserstein_line(GRID, p, target) * (1 - RTOL) - 1e-7
    assert w2 <= np.sqrt(tau * distances.wasserstein_line(GRID, p, target, 2)) * (1 + RTOL) + 1e-7


# Algebra.


@many
@given(case=cases(), other=gammas())
def test_semigroup(case, other):
    law, target, gamma, _ = case
    twice, once = (
        corrected(corrected(law, target, gamma), target, other),
        corrected(law, target, combined(gamma, other)),
    )
    x = np.concatenate([law.means, target.means, np.zeros((1, law.means.shape[1]))])
    close(np.exp(log_density(twice, x)), np.exp(log_density(once, x)))
    close(share_kept(combined(gamma, other)), share_kept(gamma) * share_kept(other))


@many
@given(case=cases(), share=st.floats(0, 1), data=st.data())
def test_affinity(case, share, data):
    """The corrected mixture of two laws is the mixture of the corrected laws."""
    law, target, gamma, _ = case
    other = data.draw(mixtures(law.means.shape[1]))
    blend = lambda a, b: corrected(a, b, 1 / share - 1 if share > 0 else np.inf)  # noqa: E731
    one = corrected(blend(law, other), target, gamma)
    two = blend(corrected(law, target, gamma), corrected(other, target, gamma))
    x = np.concatenate([law.means, other.means, target.means])
    close(np.exp(log_density(one, x)), np.exp(log_density(two, x)))


@many
@given(laws=on_line())
def test_fixed_point_identity_and_support(laws):
    p, target, q, tau = laws
    close(tau * target + (1 - tau) * target, target)
    if tau == 1:
        np.testing.assert_array_equal(q, p)
    if tau == 0:
        np.testing.assert_array_equal(q, target)
    if tau < 1:
        assert (q[target > 0] > 0).all()
        moved = distances.total_variation(p, q)
        close(moved, (1 - tau) * distances.total_variation(p, target))  # so that p* alone is fixed


@pytest.mark.parametrize("name", [*EXACT, *SQUARED, *CONVEX])
@some
@given(laws=on_line(), more=gammas())
def test_a_stronger_correction_is_never_farther_from_the_target(name, laws, more):
    _, target, q, _ = laws
    measure = (EXACT | SQUARED | CONVEX)[name]
    tau = share_kept(more)
    stronger = measure(tau * q + (1 - tau) * target, target)
    before = measure(q, target)
    assert stronger <= before * (1 + RTOL) + (1e-7 if name == "MMD" else ATOL)


@some
@given(laws=on_line())
def test_the_mixture_is_a_minimal_move(laws):
    """W1(q, p) + W1(q, p*) = W1(p, p*): the corrected law lies on a shortest way."""
    p, target, q, tau = laws
    whole = distances.wasserstein_line(GRID, p, target)
    close(distances.wasserstein_line(GRID, q, p), (1 - tau) * whole)
    close(distances.wasserstein_line(GRID, q, p) + distances.wasserstein_line(GRID, q, target), whole)


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
