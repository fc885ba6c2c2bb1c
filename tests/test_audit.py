"""The measured contraction: oracles for its statistics, its coverage on the idealised corrector, what it refuses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import ConfigError, DataError, TooNearError, audit, identity, replacement, uniform
from selfloop.batch import Batch, take
from selfloop.correctors.failing import failing
from selfloop.correctors.verifier import verifier
from selfloop.metrics import contraction, mmd2
from selfloop.metrics.mmd import SCALES
from selfloop.metrics.points import one_a_clip, sample

DRIFT = 2.0
INFINITE = float("inf")


def normal(key, n, dtype=jnp.float32):
    """The target: two independent standard normals."""
    return jax.random.normal(key, (n, 2), dtype)


def drifted(key, n, dtype=jnp.float32):
    """A generator's law, `DRIFT` standard deviations off the target along the first axis."""
    return normal(key, n, dtype) + jnp.array([[DRIFT, 0]], dtype)


def moving(function):
    """A corrector that moves each sample by a function of the batch's x."""
    return lambda key, batch, state: (batch._replace(x=function(batch.x)), {"failed": jnp.zeros_like(batch.weight) > 0})


def case(seed=0, n=128, m=100, dtype=jnp.float32):
    key, key_raw, key_reference = jax.random.split(jax.random.key(seed), 3)
    return key, uniform(drifted(key_raw, n, dtype)), uniform(normal(key_reference, m, dtype))


def true_rho(before, after, length):
    """Closed form: the ratio of MMDs from the target of the target shifted by ``after`` and by ``before``."""
    scales = float(length) * np.array(SCALES)
    # E k of two normals of variance 1 in the plane, their means d apart: s^2 / (s^2 + 2) exp(-d^2 / (2 (s^2 + 2))).
    square = [
        (scales**2 / (scales**2 + 2) * -np.expm1(-(d**2) / (2 * (scales**2 + 2)))).mean() for d in (after, before)
    ]
    return np.sqrt(square[0] / square[1])


def halved(raw, reference, alive, length, present=None):
    """The ratio of unbiased MMDs where the samples alive are halved."""
    given = {"bandwidths": length * jnp.array(SCALES, jnp.float32)}
    present = jnp.ones(raw.capacity, bool) if present is None else present
    near = mmd2(0.5 * raw.x, reference.x, jnp.asarray(alive).astype(jnp.float32), **given)
    return np.sqrt(near / mmd2(raw.x, reference.x, present.astype(jnp.float32), **given))


def figures(found):
    """All that is estimated, as one array."""
    return np.array([*found.rho, *found.gamma, *found.alignment, *found.projection, found.moved, found.separation])


@pytest.mark.usefixtures("x64")
def test_rho_is_the_ratio_of_unbiased_mmds():
    key, raw, reference = case(dtype=jnp.float64)
    corrector = moving(lambda x: 0.7 * x)
    found = audit(key, corrector, raw, reference, resamples=200)
    bandwidths = found.length * jnp.array(SCALES, jnp.float64)
    near, far = (mmd2(x, reference.x, bandwidths=bandwidths) for x in (0.7 * raw.x, raw.x))
    np.testing.assert_allclose(found.rho.value, np.sqrt(near / far), rtol=1e-10)
    np.testing.assert_allclose(found.gamma.value, np.sqrt(far / near) - 1, rtol=1e-9)
    apart = np.linalg.norm(np.asarray(raw.x)[:, None] - np.asarray(reference.x)[None], axis=-1)
    np.testing.assert_allclose(found.length, np.median(apart), rtol=1e-12)
    np.testing.assert_allclose(found.moved, 0.3 * np.linalg.norm(raw.x, axis=1).mean(), rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_statistics_agree_with_sums_over_pairs_of_units():
    """Weights, clips of unequal size and every resample, against plain loops over all pairs."""
    rng = np.random.default_rng(1)
    raw_x, moved_x, reference_x = rng.normal(1, 1, (12, 3)), rng.normal(0.5, 1, (12, 3)), rng.normal(0, 1, (15, 3))
    weight, kept = rng.uniform(0.5, 2, 12), rng.uniform(0, 1, 12) * (rng.uniform(size=12) < 0.9)
    clip, take_of = np.array([*range(10), 0, 0, 1, 2, 9]), np.array([*range(11), 10])
    batches = Batch(jnp.array(raw_x), jnp.array(weight)), Batch(jnp.array(moved_x), jnp.array(kept))
    p, c = (sample(batch, None, take_of, "samples") for batch in batches)
    r = one_a_clip(sample(uniform(jnp.array(reference_x)), None, clip, "the reference"))
    on = contraction.ground(jax.random.key(2), p, r, 5)
    raw_arm, arm = contraction.arm(on, p), contraction.arm(on, c)
    product = contraction.product(on, p, c, raw_arm, arm)
    size = np.bincount(clip)[clip]
    scales = np.array(SCALES) * float(on.length)

    def mean(x, y, left, right, x_unit, y_unit):
        pairs = [(i, j) for i in range(len(x)) for j in range(len(y)) if x_unit[i] != y_unit[j]]
        weights = np.array([left[i] * right[j] for i, j in pairs])
        square = np.array([((x[i] - y[j]) ** 2).sum() for i, j in pairs])
        return (weights * np.exp(-square[:, None] / (2 * scales**2)).mean(1)).sum() / weights.sum()

    for row in range(6):
        u, v = weight * np.asarray(on.draws[row]), np.asarray(on.reference_draws[row]) / size
        w = kept * np.asarray(on.draws[row])
        rr = mean(reference_x, reference_x, v, v, clip, clip)
        pr, cr = (mean(x, reference_x, a, v, take_of, clip + 99) for x, a in ((raw_x, u), (moved_x, w)))
        pp, cc = (mean(x, x, a, a, take_of, take_of) for x, a in ((raw_x, u), (moved_x, w)))
        pc = mean(raw_x, moved_x, u, w, take_of, take_of)
        measured = [raw_arm.square[row], arm.square[row], product[row]]
        np.testing.assert_allclose(measured, [pp + rr - 2 * pr, cc + rr - 2 * cr, pc + rr - pr - cr], atol=1e-12)
    assert len(set(np.asarray(on.draws[1]))) == 11, "one draw a unit"
    np.testing.assert_array_equal(on.draws[0], 1)


def coverage(corrector, truth, n=128, seeds=40, m=100, resamples=200, draw=normal, group=None):
    """Share of seeds whose interval holds the true rho, and medians of rho and of the interval's width."""
    rows = []
    for seed in range(seeds):
        key, raw, _ = case(seed, n, 1)
        reference = uniform(draw(jax.random.fold_in(key, 1), m))
        found = audit(key, corrector, raw, reference, group=group, resamples=resamples)
        rows.append((found.rho.low <= truth(found) <= found.rho.high, found.rho.value, found.rho.high - found.rho.low))
    inside, value, width = np.array(rows).T
    return inside.mean(), np.median(value), np.median(width)


def redrawn(key, batch, state):
    """New samples of the raw law: gamma is 0 in law. (The identity's own interval is a point.)"""
    return batch._replace(x=drifted(key, batch.capacity)), {}


def idealised(gamma):
    """Arguments of `coverage` for the idealised corrector."""
    return jax.jit(replacement(normal, gamma) if gamma else redrawn), lambda found: 1 / (1 + gamma)


def least(seeds, level=0.95, slack=0.03):
    """The lowest share that a true coverage of level - slack leaves room for: three binomial standard errors less."""
    return level - slack - 3 * np.sqrt((level - slack) * (1 - level + slack) / seeds)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0])
def test_interval_holds_the_strength_of_the_idealised_corrector(gamma):
    share, value, _ = coverage(*idealised(gamma))
    assert share >= least(40)
    assert abs(value - 1 / (1 + gamma)) < 0.08, "the median of 40, each with a standard deviation of about 0.1"


@pytest.mark.slow
@pytest.mark.parametrize("n", [256, 1000])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 3.0])
def test_coverage_is_nominal(gamma, n):
    share, value, width = coverage(*idealised(gamma), n, 300, m=200, resamples=300)
    print(f"\nn {n} gamma {gamma}: coverage {share:.3f}, median rho {value:.3f}, median width {width:.3f}")
    assert share >= least(300)


@pytest.mark.slow
@pytest.mark.parametrize("push", [-1.0, 0.5])
def test_coverage_is_nominal_for_a_map_that_is_no_mixture(push):
    truth = lambda found: true_rho(DRIFT, DRIFT + push, found.length)  # noqa: E731
    share, value, width = coverage(moving(lambda x: x + jnp.array([[push, 0]])), truth, 256, 300, m=200, resamples=300)
    print(f"\npush {push}: coverage {share:.3f}, median rho {value:.3f}, median width {width:.3f}")
    assert share >= least(300)


def clips(key, total, windows=5):
    """Windows of one clip lie close together: a common normal of variance .8, and their own of .2."""
    key_clip, key_window = jax.random.split(key)
    common = jnp.repeat(normal(key_clip, total // windows), windows, axis=0)
    return np.float32(0.8**0.5) * common + np.float32(0.2**0.5) * normal(key_window, total)


@pytest.mark.slow
def test_coverage_is_nominal_with_several_windows_a_clip():
    windows = {"m": 500, "draw": clips, "resamples": 300}
    share, value, width = coverage(*idealised(1.0), 256, 300, group=np.arange(500) // 5, **windows)
    naive, _, narrow = coverage(*idealised(1.0), 256, 300, **windows)
    print(f"\nby clip {share:.3f} (median {value:.3f}, width {width:.3f}), by window {naive:.3f} (width {narrow:.3f})")
    assert share >= least(300)


def test_identity_reads_no_contraction_at_all():
    key, raw, reference = case()
    found = audit(key, identity, raw, reference, resamples=200)
    assert found.rho == (1, 1, 1)
    assert found.gamma == (0, 0, 0)
    np.testing.assert_allclose(found.alignment, 1, rtol=1e-4)
    assert found.moved == found.failed == found.rejected == 0


def test_harmful_map_has_a_negative_gamma():
    key, raw, reference = case()
    found = audit(key, moving(lambda x: x + jnp.array([[1.5, 0]])), raw, reference, resamples=200)
    assert -1 < found.gamma.low < found.gamma.value < found.gamma.high < 0 < 1 < found.rho.low
    assert found.rho.low < true_rho(DRIFT, DRIFT + 1.5, found.length) < found.rho.high


def test_perfect_corrector_leaves_only_a_lower_limit():
    key, raw, reference = case()
    found = audit(key, replacement(normal, INFINITE), raw, reference, resamples=200)
    assert found.gamma.high == INFINITE
    assert 1 < found.gamma.low < INFINITE
    assert found.rho.low == 0 < found.rho.high
    assert "lower limit" in " ".join(found.warnings)
    assert f">= {found.gamma.low:.4g}" in str(found)


def test_upper_limit_stays_where_the_estimate_is_below_zero():
    """A negative square of every resample is a distance of 0, known no better than the resamples spread."""
    squares = np.linspace(-3, -1, 201)
    found = contraction.ratio(np.full(202, 100.0), np.array([-2.0, *squares]), 0.9)
    np.testing.assert_allclose(found, [0, 0, np.sqrt(0.9 / 100)])


def test_sideways_move_has_low_alignment_and_flatters_the_projection():
    """A turn about the target keeps the distance, yet its projection is cos of the angle, below 1."""
    key, raw, reference = case()
    turn = jnp.array([[0.5, 0.75**0.5], [-(0.75**0.5), 0.5]])
    found = audit(key, moving(lambda x: x @ turn), raw, reference, resamples=200)
    assert found.rho.low < 1 < found.rho.high
    assert found.alignment.high < 0.9
    assert found.projection.high < 0.9
    assert "sideways" in " ".join(found.warnings)
    mixture = audit(key, replacement(normal, 1.0), raw, reference, resamples=200)
    assert mixture.alignment.value > 0.97
    assert mixture.projection.low < 0.5 < mixture.projection.high
    assert mixture.warnings == ()


def test_windows_of_one_clip_do_not_shrink_the_interval():
    """Four copies of each of 25 clips: the same figures as without copies, and as wide an interval."""
    key, raw, _ = case()
    corrector = jax.jit(replacement(normal, 1.0))
    single = normal(jax.random.key(7), 25)
    repeated = uniform(jnp.repeat(single, 4, axis=0))
    once = Batch(repeated.x, jnp.tile(jnp.array([1.0, 0, 0, 0]), 25))

    def audits(reference, group):
        return [audit(k, corrector, raw, reference, group=group, resamples=200).rho for k in jax.random.split(key, 10)]

    alone, by_clip, by_window = audits(once, None), audits(repeated, np.arange(100) // 4), audits(repeated, None)
    np.testing.assert_allclose([rho.value for rho in by_clip], [rho.value for rho in alone], rtol=1e-3)
    widths = [np.mean([rho.high - rho.low for rho in found]) for found in (alone, by_clip, by_window)]
    # An end of 200 resamples has a standard deviation of about 0.2 of theirs, a mean of ten widths about 3 %.
    np.testing.assert_allclose(widths[1], widths[0], rtol=0.15)
    assert widths[2] < 0.8 * widths[1]


def test_clip_counts_once_however_many_windows_it_has():
    x = normal(jax.random.key(8), 80)
    order = np.concatenate([np.arange(80), np.full(20, 3)])
    labels = np.array([f"clip {i}" for i in order])
    clip = sample(uniform(x[order]), None, labels, "the reference")
    weight = one_a_clip(clip).weight
    np.testing.assert_allclose(np.bincount(clip.unit, weight), np.ones(80), rtol=1e-6)
    assert len(set(np.asarray(clip.unit)[order == 3])) == 1


def test_too_near_is_refused_and_near_is_warned_of():
    key, raw, reference = case()
    shift = jnp.array([[DRIFT, 0]])
    with pytest.raises(TooNearError, match="bootstrap standard deviations"):
        audit(key, pytest.fail, uniform(raw.x - shift), reference, resamples=200)
    found = audit(key, identity, uniform(raw.x - shift / 3), reference, resamples=200)
    assert 5 <= found.separation < 10
    assert f"{found.separation:.2g} bootstrap sd" in " ".join(found.warnings)


def test_order_of_samples_changes_nothing():
    """Units are known by their labels, so that resamples are the same ones."""
    key, raw, reference = case()
    p, r = np.random.default_rng(0).permutation(128), np.random.default_rng(1).permutation(100)
    corrector = moving(lambda x: 0.5 * x)
    found = audit(key, corrector, raw, reference, raw_group=np.arange(128), group=np.arange(100), resamples=200)
    other = audit(key, corrector, take(raw, p), take(reference, r), raw_group=p, group=r, resamples=200)
    # float32 sums of kernels near 1 in another order: 1e-6 in squared distances of 0.01 and more.
    np.testing.assert_allclose(figures(other), figures(found), rtol=2e-3)


@pytest.mark.usefixtures("x64")
def test_both_precisions_agree():
    key, raw, reference = case()
    corrector = moving(lambda x: x / 2)
    single = audit(key, corrector, raw, reference, resamples=200)
    double = audit(key, corrector, *(uniform(b.x.astype(jnp.float64)) for b in (raw, reference)), resamples=200)
    np.testing.assert_allclose(single.rho.value, double.rho.value, rtol=1e-4)
    np.testing.assert_allclose(single.alignment.value, double.alignment.value, rtol=1e-4)
    # The two draw their resamples from different bits.
    np.testing.assert_allclose(single.separation, double.separation, rtol=0.3)


def test_samples_without_use_are_left_out_and_counted():
    key, raw, reference = case()
    failed, rejected = np.arange(128) % 8 == 0, np.arange(128) % 4 == 1

    def correct(key, batch, state):
        x = jnp.where(failed[:, None], jnp.nan, 0.5 * batch.x)
        return batch._replace(x=x, weight=jnp.where(rejected, 0, batch.weight)), {"failed": jnp.array(failed)}

    found = audit(key, correct, raw, reference, resamples=200)
    assert (found.failed, found.rejected) == (1 / 8, 1 / 4)
    alive = ~failed & ~rejected
    np.testing.assert_allclose(found.rho.value, halved(raw, reference, alive, found.length), rtol=1e-3)
    np.testing.assert_allclose(found.moved, 0.5 * np.linalg.norm(raw.x[alive], axis=1).mean(), rtol=1e-5)
    assert "12.5 %" in str(found)
    assert "25 %" in str(found)


def test_weights_that_undo_half_the_drift_contract_as_a_shift_by_half():
    """Tilted by exp(-a x), a normal law is itself shifted by a; no sample moves."""
    key, raw, reference = case()

    def tilt(key, batch, state):
        return batch._replace(weight=batch.weight * jnp.exp(-DRIFT / 2 * batch.x[:, 0])), {}

    found = audit(key, tilt, raw, reference, resamples=200)
    assert found.rho.low < true_rho(DRIFT, DRIFT / 2, found.length) < found.rho.high < 1
    assert found.moved == found.rejected == 0


def test_verifier_and_failures_read_their_exact_strength():
    """Of the raw law one half is wrong; a verifier leaves a tenth of what it keeps: rho = .1 / .5, in any metric."""
    key, raw, reference = case()
    wrong = jnp.arange(128) % 2 == 0
    raw = raw._replace(x=raw.x + jnp.where(wrong, 2 * DRIFT, -DRIFT)[:, None] * jnp.array([[1.0, 0]]))
    check = failing(verifier(lambda x: ~wrong, 0.9, 0.1), 0.25)
    found = audit(key, check, raw, reference, resamples=200)
    assert found.rho.low < 0.2 < found.rho.high < 0.5
    assert found.gamma.low < 4 < found.gamma.high
    for share, expected in ((found.failed, 0.25), (found.rejected, 0.75 * 0.5)):
        assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / 128)


def test_absent_raw_samples_change_nothing():
    key, raw, reference = case()
    present = jnp.arange(128) < 90
    padded = Batch(jnp.where(present[:, None], raw.x, jnp.nan), jnp.where(present, 3.0, 0))
    found = audit(key, moving(lambda x: 0.5 * x), padded, reference, resamples=200)
    rho = halved(raw, reference, present, found.length, present)
    np.testing.assert_allclose(found.rho.value, rho, rtol=1e-3)
    np.testing.assert_allclose(found.moved, 0.5 * np.linalg.norm(raw.x[:90], axis=1).mean(), rtol=1e-5)
    assert found.rejected == found.failed == 0


def test_features_see_the_whole_batch_and_any_samples():
    """Integers under conditions, in coordinates that the caller gives."""
    key_raw, key_reference = jax.random.split(jax.random.key(0))
    raw = uniform({"label": jax.random.choice(key_raw, 3, (128,), p=jnp.array([0.8, 0.1, 0.1]))}, jnp.ones(128))
    reference = uniform({"label": jax.random.choice(key_reference, 3, (100,))}, jnp.ones(100))

    def features(batch):
        return jnp.array([[0.0, 0], [1, 0], [0, 1]])[batch.x["label"]] * batch.cond[:, None]

    found = audit(jax.random.key(1), identity, raw, reference, features, resamples=200)
    assert found.rho == (1, 1, 1)
    assert found.separation > 5
    with pytest.raises(ConfigError, match="int32.*give features"):
        audit(jax.random.key(1), identity, raw, reference)


def test_state_and_times_are_the_correctors_own():
    key, raw, reference = case()
    calls = []

    def correct(key, batch, state):
        calls.append(state)
        return batch._replace(x=state * batch.x), {}

    found = audit(key, correct, raw, reference, state=jnp.float32(0.5), resamples=200)
    assert calls == [0.5, 0.5]
    assert 0 < found.seconds < 1
    assert found.compilation >= 0


def test_same_shapes_share_one_program():
    programs = (contraction.ground, contraction.arm, contraction.product)
    key, raw, reference = case()
    group = np.arange(100) // 2
    audit(key, replacement(normal, 1.0), raw, reference, group=group, resamples=200)
    before = [program._cache_size() for program in programs]
    key, raw, reference = case(5)
    audit(key, replacement(normal, 2.0), raw, reference, group=group[::-1] // 2, level=0.9, resamples=200)
    assert [program._cache_size() for program in programs] == before


def test_same_key_gives_the_same_figures():
    key, raw, reference = case()
    corrector = replacement(normal, 1.0)
    first, second = (audit(key, corrector, raw, reference, resamples=200) for _ in range(2))
    np.testing.assert_array_equal(figures(first), figures(second))


BAD = {
    "NaN among raw": ({"raw": lambda raw: raw._replace(x=raw.x.at[3, 0].set(jnp.nan))}, DataError, "raw.*row 3"),
    "NaN among reference": (
        {"reference": lambda ref: ref._replace(x=ref.x.at[5].set(jnp.inf))},
        DataError,
        "reference.*row 5",
    ),
    "negative weight": ({"raw": lambda raw: raw._replace(weight=-raw.weight)}, DataError, "negative"),
    "few raw samples": ({"raw": lambda raw: take(raw, jnp.arange(9))}, DataError, "raw samples hold 9 .* at least 10"),
    "no raw samples": (
        {"raw": lambda raw: raw._replace(weight=0 * raw.weight)},
        DataError,
        "raw samples hold 128 .* weight 0",
    ),
    "one clip": ({"group": np.zeros(100, int)}, DataError, "reference hold 1 independent"),
    "one raw group": ({"raw_group": ["a"] * 128}, DataError, "raw samples hold 1 independent"),
    "groups of another length": ({"group": np.arange(99)}, ConfigError, r"\(99,\); there are 100"),
    "other features": (
        {"reference": lambda ref: ref._replace(x=ref.x[:, :1])},
        DataError,
        "reference have 1 features and the raw samples 2",
    ),
    "features without rows": ({"features": lambda batch: batch.x.mean(0)}, DataError, r"float32\[2\].*128, F"),
    "features of integers": ({"features": lambda batch: batch.x.astype(jnp.int32)}, DataError, r"int32\[128, 2\]"),
    "features that are NaN": ({"features": lambda batch: jnp.log(batch.x)}, DataError, "features of the raw samples"),
    "features all alike": ({"features": lambda batch: 0 * batch.x}, DataError, "median distance .* 0.0"),
    "level": ({"level": 95}, ConfigError, "level is 95"),
    "few resamples": ({"resamples": 100}, ConfigError, "resamples is 100.* 200 or more"),
    "NaN correction": ({"corrector": moving(lambda x: x.at[7].set(jnp.nan))}, DataError, "corrected samples.*row 7"),
    "other count": ({"corrector": lambda key, raw, state: (take(raw, jnp.arange(20)), {})}, DataError, "20 .* 128"),
    "all failed": (
        {"corrector": lambda key, raw, state: (raw, {"failed": raw.weight > 0})},
        DataError,
        "corrected samples hold 128 samples of weight 0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_with_its_remedy(name):
    changes, error, message = BAD[name]
    key, raw, reference = case()
    given = {"corrector": identity, "raw": raw, "reference": reference, "resamples": 200}
    for field, change in changes.items():
        given[field] = change(given[field]) if field in ("raw", "reference") else change
    with pytest.raises(error, match=message):
        audit(key, **given)
