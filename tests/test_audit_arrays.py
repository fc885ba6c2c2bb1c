"""Audits of plain arrays, of labelled samples, of weights and of small banks: what is read, and what is warned of."""

import numpy as np
import pytest

from selfloop import ConfigError, DataError, audit, uniform
from selfloop.metrics.strata import compared, matched

MEANS = np.array([[0.0, 0.0], [6.0, 0.0]])
COMMON = {"raw": (0.8, 0.2), "reference": (0.2, 0.8)}


def plane(seed=0, n=128, m=100, gamma=1.0):
    """Raw samples two standard deviations off, the same idealised, real ones."""
    rng = np.random.default_rng(seed)
    raw, fresh = rng.normal(size=(n, 2)) + [2, 0], rng.normal(size=(n, 2))
    return raw, np.where(rng.random((n, 1)) < gamma / (1 + gamma), fresh, raw), rng.normal(size=(m, 2))


def labelled(seed, n=256, m=200):
    """The same of two classes, whose frequencies differ between raw and reference; the corrector knows the class."""
    rng = np.random.default_rng(seed)
    raw_label, label = (rng.choice(2, size, p=COMMON[name]) for size, name in ((n, "raw"), (m, "reference")))
    raw, corrected, reference = plane(seed + 1000, n, m)
    return raw + MEANS[raw_label], corrected + MEANS[raw_label], reference + MEANS[label], raw_label, label


def test_arrays_are_measured_as_a_corrector_is():
    import jax
    import jax.numpy as jnp

    raw, corrected, reference = plane()
    found = audit(raw, corrected, reference, resamples=200)
    done = uniform(jnp.asarray(corrected, jnp.float32))
    called = audit(
        jax.random.key(0), lambda *_: (done, {}), *(uniform(x.astype(np.float32)) for x in (raw, reference)),
        resamples=200,
    )  # fmt: skip
    np.testing.assert_allclose(found.rho.value, called.rho.value, rtol=1e-5)
    assert found.rho.low < 0.5 < found.rho.high
    assert np.isnan(found.seconds)
    assert "seconds" not in str(found)
    assert "nan" not in str(found)
    again = audit(raw=raw.tolist(), corrected=corrected.tolist(), reference=reference.tolist(), resamples=200)
    np.testing.assert_allclose(again.rho, found.rho, rtol=1e-6)


def test_rows_of_nan_have_failed_and_whole_numbers_are_points():
    raw, corrected, reference = (np.round(10 * x) for x in plane())
    corrected[:32] = np.nan
    found = audit(raw.astype(int), corrected, reference.astype(int), resamples=200)
    assert found.failed == 0.25
    assert found.kept == 96


BAD = {
    "two arrays": (lambda r, c, p: audit(r, c), ConfigError, "call audit.raw, corrected, reference."),
    "an unknown option": (lambda r, c, p: audit(r, c, p, labels=1), ConfigError, "no option labels"),
    "features that are an array": (lambda r, c, p: audit(r, c, p, p), ConfigError, "is a function of a batch"),
    "fewer corrected": (lambda r, c, p: audit(r, c[:-1], p), DataError, "127 corrected samples for 128"),
    "labels of another length": (
        lambda r, c, p: audit(r, c, p, label=np.zeros(9), raw_label=np.zeros(128)), ConfigError, r"label has .*\[9\]"
    ),
    "text": (lambda r, c, p: audit(r, [["a", "b"]] * 128, p), DataError, "no array of numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_audit_is_one_line(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message) as told:
        call(*plane())
    assert "\n" not in str(told.value)


def test_labels_that_are_unlike_in_frequency_are_weighed():
    raw, corrected, reference, raw_label, label = labelled(0)
    blind = audit(raw, corrected, reference, resamples=200)
    found = audit(raw, corrected, reference, raw_label=raw_label, label=label, resamples=200)
    assert found.rho.low < 0.5 < found.rho.high
    assert blind.rho.low > 0.5
    assert found.labels == 2
    # 200 samples of 20 and 80 % weighed to 80 and 20 %: (sum w)^2 / sum w^2 = 200 / (.8^2 / .2 + .2^2 / .8).
    assert found.target == pytest.approx(200 / 3.25, rel=0.25)
    assert "the reference, weighed alike" in str(found)
    assert any("little too narrow; give more of the labels" in one for one in found.warnings)


def test_batches_bring_their_own_labels():
    import jax.numpy as jnp

    raw, corrected, reference, raw_label, label = labelled(1)
    sides = [uniform(x, jnp.asarray(of, jnp.int32)) for x, of in ((raw, raw_label), (reference, label))]
    by_batch = audit(sides[0], corrected, sides[1], resamples=200)
    by_name = audit(raw, corrected, reference, raw_label=raw_label, label=label, resamples=200)
    np.testing.assert_allclose(by_batch.rho, by_name.rho, rtol=1e-6)


def test_a_label_that_the_reference_lacks_is_left_out_and_said():
    raw, corrected, reference, raw_label, label = labelled(2)
    raw_label = raw_label.copy()
    raw_label[:64] = 7
    found = audit(raw, corrected, reference, raw_label=raw_label, label=label, resamples=200)
    rest = audit(raw[64:], corrected[64:], reference, raw_label=raw_label[64:], label=label, resamples=200)
    np.testing.assert_allclose(found.rho.value, rest.rho.value, rtol=1e-4)
    assert any("no sample of label 7: 25 % of the raw samples are left out" in one for one in found.warnings)


def test_factors_give_every_label_the_share_it_has_of_the_raw_samples():
    rng = np.random.default_rng(0)
    raw_label, label = rng.integers(0, 3, 60), rng.integers(1, 5, 50)
    strata, known = compared(raw_label, label, np.ones(60, bool), np.ones(50, bool))
    np.testing.assert_array_equal(known, raw_label > 0)
    raw, reference = rng.random((4, 60)) * known, rng.random((4, 50))
    weighed = reference * np.asarray(matched(strata, raw, reference))
    for one in (1, 2):
        np.testing.assert_allclose(weighed[:, label == one].sum(1), raw[:, raw_label == one].sum(1), rtol=1e-5)
    assert (weighed[:, label > 2] == 0).all()


def tilted(raw):
    """Weights that take the raw law a third of its way back: of 128 samples some 82 are worth as much."""
    return np.exp(-0.667 * raw[:, 0])


def test_weights_are_counted_and_uneven_ones_warned_of():
    import jax.numpy as jnp

    raw, _, reference = plane()
    for power, warned in ((0.5, False), (2.0, True)):
        done = uniform(jnp.asarray(raw, jnp.float32))._replace(weight=jnp.asarray(tilted(raw) ** power, jnp.float32))
        found = audit(raw, done, reference, resamples=200)
        weight = tilted(raw) ** power
        np.testing.assert_allclose(found.effective, weight.sum() ** 2 / (weight**2).sum(), rtol=1e-4)
        assert any("of one weight" in one for one in found.warnings) == warned
        assert "effective number" in str(found)


def banked(seed, bank=50, n=128, m=100, gamma=1.0):
    """The idealised corrector that draws from a bank of real samples, another one for every seed."""
    rng = np.random.default_rng(seed)
    raw, _, reference = plane(seed, n, m)
    drawn = rng.normal(size=(bank, 2))[rng.integers(0, bank, n)]
    return raw, np.where(rng.random((n, 1)) < gamma / (1 + gamma), drawn, raw), reference


def test_copies_of_a_small_bank_are_warned_of():
    assert any("small bank" in one for one in audit(*banked(0), resamples=200).warnings)
    assert not any("small bank" in one for one in audit(*plane(), resamples=200).warnings)
    raw, _, reference = plane()
    raw = np.round(raw)  # values that repeat are no corrector's doing
    assert not any("small bank" in one for one in audit(raw, raw - 1, reference, resamples=200).warnings)


def covered(audits, truth=0.5):
    """The share of audits whose interval holds the truth."""
    return float(np.mean([one.rho.low <= truth <= one.rho.high for one in audits]))


@pytest.mark.slow
def test_coverage_with_labels_is_nominal():
    def one(seed):
        raw, corrected, reference, raw_label, label = labelled(seed)
        return audit(raw, corrected, reference, raw_label=raw_label, label=label, resamples=300)

    share = covered(one(seed) for seed in range(200))
    print(f"\nlabels 80/20 and 20/80: coverage {share:.3f}")
    assert share >= 0.92 - 3 * np.sqrt(0.92 * 0.08 / 200)


@pytest.mark.slow
def test_a_small_bank_is_covered_too_seldom():
    shares = {bank: covered(audit(*banked(seed, bank), resamples=300) for seed in range(200)) for bank in (20, 1000)}
    print(f"\nbanks: {shares}")
    assert shares[20] < 0.9 < shares[1000] + 0.04
