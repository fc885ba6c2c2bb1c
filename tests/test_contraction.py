"""What correction does to a law, on random mixtures, dimensions and strengths (theory: properties P1 to P9).

q = pi_gamma p = tau p + (1 - tau) p*, tau = 1 / (1 + gamma). On the line a mixture is its law on a grid; in more
dimensions there are closed forms of mixtures, and laws on a few points in any dimension.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop.testing import cases, combined, corrected, dimensions, directions, distances, gammas, mixtures, points
from selfloop.testing.mixture import covariance, log_density, mean, overlap, project, share_kept
from tests.populations import ATOL, CONVEX, EXACT, GRID, RTOL, SQUARED, close, on_grid, on_line

some = settings(max_examples=25, deadline=None)
many = settings(max_examples=100, deadline=None)


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
@given(case=cases(), share=st.integers(0, 10).map(lambda tenths: tenths / 10), data=st.data())
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
