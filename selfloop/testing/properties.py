"""Laws of correctors, each a function without arguments that raises AssertionError where it is broken.

Samples are compared with exact populations through bounded functions f (waves and half spaces). Of N independent
samples, Bernstein's inequality bounds the mean's error by

    5 sqrt(Var f / N) + 25 B / (3 N),    |f - E f| <= B,

but for a probability of 2 exp(-12.5) = 7.5e-6. Examples are the same in every run. Letters: N samples, d dimensions,
F functions.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from selfloop.batch import Batch, keep, uniform
from selfloop.models.states import GaussianState
from selfloop.protocols import Corrector
from selfloop.testing import mixture
from selfloop.testing.mixture import Mixture, combined, corrected, draw_from, geodesic_law
from selfloop.testing.strategies import Case, cases, gammas

Law = Callable[[], None]


def corrector_laws(
    make: Callable[[Callable[[jax.Array, int], jax.Array], float], Corrector], samples: int = 4096
) -> list[Law]:
    """The laws of the idealised corrector pi_gamma, for ``make(draw, gamma) -> correct(key, batch, state)``.

    ``draw(key, N)`` [N, d] draws from the target. The samples are [N, d] in 1 to 3 dimensions, the state is None, and
    ``correct`` is called outside `jit`. Of 4096 samples a probability that is off by 0.05 is seen; a slow corrector
    may be tried on fewer. Each law has a name (``law.__name__``).
    """

    def correct(case: Case, x: jax.Array, seed: int = 0) -> Batch:
        corrector = make(draw_from(case.target), case.gamma)
        return corrector(jax.random.key(case.seed + seed + 1), uniform(x), None)[0]

    def raw(case: Case) -> jax.Array:
        return draw_from(case.law)(jax.random.key(case.seed), samples)

    @_over(cases(st.just(0.0)))
    def gamma_zero_changes_nothing(case: Case) -> None:
        x = raw(case)
        result = correct(case, x)
        np.testing.assert_array_equal(result.x, x)
        np.testing.assert_array_equal(result.weight, np.ones(samples))

    @_over(cases(st.just(float("inf"))))
    def gamma_infinity_gives_the_target(case: Case) -> None:
        follows(correct(case, raw(case)), case.target)

    @_over(cases(gammas(inside=True)))
    def the_law_is_the_mixture(case: Case) -> None:
        follows(correct(case, raw(case)), corrected(*case[:3]))

    @_over(cases())
    def the_target_is_fixed(case: Case) -> None:
        case = case._replace(law=case.target)
        follows(correct(case, raw(case)), case.target)

    @_over(st.tuples(cases(), gammas()))
    def two_corrections_are_one_of_the_combined_strength(both: tuple[Case, float]) -> None:
        case, other = both
        once = correct(case, raw(case))
        twice = correct(case._replace(gamma=other), once.x, seed=1)
        follows(twice._replace(weight=once.weight * twice.weight), corrected(*case[:2], combined(case.gamma, other)))

    @_over(cases())
    def samples_move_no_less_than_they_must(case: Case) -> None:
        """E moved >= W1(corrected, raw) >= |the difference of their means|, whose sampling error is allowed for."""
        batch = uniform(raw(case))
        _, info = make(draw_from(case.target), case.gamma)(jax.random.key(case.seed + 1), batch, None)
        moved, after = np.asarray(info["moved"], float), corrected(*case[:3])
        must = np.linalg.norm(mixture.mean(case.law) - mixture.mean(after))
        spread = np.trace(mixture.covariance(case.law) + mixture.covariance(after))
        least = must - 5 * np.sqrt(spread / samples)
        assert moved.mean() >= least - 1e-6, f"moved by {moved.mean():.4f} on the mean; the least is {least:.4f}"

    def a_negative_gamma_is_refused() -> None:
        for gamma in (-0.5, float("nan")):
            try:
                make(lambda key, n: jnp.zeros((n, 1)), gamma)
            except Exception:
                continue
            raise AssertionError(f"gamma = {gamma} was taken; a strength is 0 to infinity")

    standard = Mixture(np.ones(1), np.zeros((1, 2)), np.eye(2)[None])
    protocol = protocol_laws(make(draw_from(standard), 1.0), lambda key, n: 3 + jax.random.normal(key, (n, 2)))
    return [
        gamma_zero_changes_nothing,
        gamma_infinity_gives_the_target,
        the_law_is_the_mixture,
        the_target_is_fixed,
        two_corrections_are_one_of_the_combined_strength,
        samples_move_no_less_than_they_must,
        a_negative_gamma_is_refused,
        *protocol,
    ]


def geodesic_laws(make: Callable[[GaussianState, float], Corrector], samples: int = 4096) -> list[Law]:
    """The laws of the Gaussian W2 geodesic, for ``make(target, gamma) -> correct(key, batch, state)``.

    Target and state are `GaussianState`s in 1 to 3 dimensions, the samples [N, d] are drawn from the state.
    """

    def correct(case: Case, batch: Batch) -> Batch:
        return make(_state(case.target), case.gamma)(jax.random.key(case.seed + 1), batch, _state(case.law))[0]

    @_over(cases(components=1))
    def the_law_is_on_the_geodesic(case: Case) -> None:
        follows(
            correct(case, uniform(draw_from(case.law)(jax.random.key(case.seed), samples))), geodesic_law(*case[:3])
        )

    @_over(cases(st.just(0.0), components=1))
    def gamma_zero_changes_nothing(case: Case) -> None:
        x = draw_from(case.law)(jax.random.key(case.seed), samples)
        np.testing.assert_array_equal(correct(case, uniform(x)).x, x)

    @_over(cases(components=1))
    def the_map_is_affine_and_its_w2_to_the_target_is_tau_of_what_it_was(case: Case) -> None:
        """Images of the origin and the axes tell the law of the result without sampling."""
        d = case.law.means.shape[1]
        frame = jnp.asarray(np.concatenate([np.zeros((1, d)), np.eye(d)]), float)
        image = np.asarray(correct(case, uniform(frame)).x, float)
        linear = (image[1:] - image[0]).T
        result = Mixture(np.ones(1), (case.law.means @ linear.T + image[:1]), _push(linear, case.law.covariances))
        before, after = (mixture.gaussian_w2(law, case.target) for law in (case.law, result))
        tolerance = np.sqrt(jnp.finfo(frame.dtype).eps) * 10  # of a root of a difference of traces of order 10
        assert abs(after - before * mixture.share_kept(case.gamma)) <= tolerance, f"W2 went from {before} to {after}"

    standard = GaussianState(jnp.zeros(2), jnp.eye(2))
    at = GaussianState(jnp.full(2, 3.0), jnp.eye(2))
    protocol = protocol_laws(make(standard, 1.0), lambda key, n: 3 + jax.random.normal(key, (n, 2)), at)
    return [
        the_law_is_on_the_geodesic,
        gamma_zero_changes_nothing,
        the_map_is_affine_and_its_w2_to_the_target_is_tau_of_what_it_was,
        *protocol,
    ]


def protocol_laws(corrector: Corrector, draw: Callable[[jax.Array, int], jax.Array], state: Any = None) -> list[Law]:
    """What the loop asks of any corrector, idealised or not, on samples ``draw(key, N)`` [N, d]."""
    batch = uniform(draw(jax.random.key(0), 60))._replace(cond=jnp.arange(60))

    def correct(batch: Batch, seed: int = 1) -> tuple[Batch, dict[str, jax.Array]]:
        return corrector(jax.random.key(seed), batch, state)

    def shapes_precision_and_conditions_stay() -> None:
        result, info = correct(batch)
        shape = lambda tree: jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)  # noqa: E731
        assert shape(result) == shape(batch), f"{shape(batch)} became {shape(result)}"
        np.testing.assert_array_equal(result.cond, batch.cond)
        assert (result.weight >= 0).all(), "a weight is negative"
        assert info["failed"].dtype == bool, "info['failed'] says true or false of each sample"
        assert info["failed"].shape == info["moved"].shape == batch.weight.shape, "info is [N]"

    def moved_is_the_distance() -> None:
        result, info = correct(batch)
        np.testing.assert_allclose(info["moved"], np.linalg.norm(result.x - batch.x, axis=1), rtol=1e-4, atol=1e-5)

    def absent_samples_stay_absent_and_have_no_influence() -> None:
        present = jnp.arange(60) % 3 > 0
        blank = keep(batch, present)
        poison = blank._replace(x=jnp.where(present[:, None], blank.x, jnp.nan))
        one, other = correct(blank)[0], correct(poison)[0]
        assert not one.weight[~present].any(), "a sample of weight 0 came back with a weight"
        np.testing.assert_array_equal(one.weight, other.weight)
        np.testing.assert_allclose(one.x[present], other.x[present], rtol=1e-5)

    def the_key_is_all_its_chance() -> None:
        one, other = correct(batch)[0], correct(batch)[0]
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.weight, other.weight)

    return [
        shapes_precision_and_conditions_stay,
        moved_is_the_distance,
        absent_samples_stay_absent_and_have_no_influence,
        the_key_is_all_its_chance,
    ]


def follows(batch: Batch, law: Mixture) -> None:
    """AssertionError unless the weighted means of 48 bounded functions over the batch agree with the law's own."""
    x, weight = np.asarray(batch.x, float), np.asarray(batch.weight, float)
    rng, d = np.random.default_rng(0), x.shape[1]
    frequency, phase = rng.normal(size=(24, d)), rng.uniform(0, 2 * np.pi, 24)
    direction = rng.normal(size=(24, d))
    level = np.einsum("fd,fd->f", direction, law.means[rng.integers(len(law.weights), size=24)])
    got = np.concatenate([np.cos(x @ frequency.T + phase), x @ direction.T <= level], axis=1)
    wave, below = mixture.wave(law, frequency, phase), mixture.below(law, direction, level)
    wave_variance = (1 + mixture.wave(law, 2 * frequency, 2 * phase)) / 2 - wave**2
    expected, variance = np.concatenate([wave, below]), np.concatenate([wave_variance, below * (1 - below)])
    count = weight.sum() ** 2 / (weight**2).sum()
    error = np.abs(weight @ got / weight.sum() - expected)
    allowed = 5 * np.sqrt(np.maximum(variance, 0) / count) + 25 * 2 / (3 * count)
    worst = np.argmax(error / allowed)
    kind = "E cos(f . x + c)" if worst < 24 else "P(f . x <= c)"
    assert error[worst] <= allowed[worst], (
        f"{kind} is off by {error[worst]:.4f}, with {allowed[worst]:.4f} allowed for {count:.0f} samples: "
        f"{(weight @ got / weight.sum())[worst]:.4f} in place of {expected[worst]:.4f}"
    )


def _over(strategy: st.SearchStrategy) -> Callable[[Callable], Law]:
    """A law of one example made a law of many, the same ones in every run."""

    def decorate(law: Callable) -> Law:
        same = settings(max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
        return same(given(strategy)(law))

    return decorate


def _state(law: Mixture) -> GaussianState:
    return GaussianState(jnp.asarray(law.means[0], float), jnp.asarray(law.covariances[0], float))


def _push(linear: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    return linear @ covariances @ linear.T
