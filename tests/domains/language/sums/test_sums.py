"""Sums as strings against Python's arithmetic, their correctors, and a run in miniature."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfloop import experiment
from selfloop.batch import uniform
from selfloop.domains.language.sums import strings
from selfloop.domains.language.sums.domain import CORRECTORS, PRESETS, SUMS, data, made, model, observe, smoke
from selfloop.engine.settings import checked
from selfloop.errors import ConfigError
from selfloop.runs import record
from tests.correctors import battery
from tests.correctors.battery import Subject

LAWS = [law for law in battery.LAWS if law is not battery.what_is_not_finite_fails_and_spoils_no_other]
"""Tokens are whole numbers, which are always finite."""
SMALL = replace(smoke(), n=(2000,), evaluate=60, generations=2, audit_every=2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 49_999), st.integers(0, 49_999)), min_size=1, max_size=4))
def test_strings_are_the_numbers_again(pairs):
    a, b = (jnp.asarray(one, jnp.int32) for one in zip(*pairs, strict=True))
    x = strings.written(a, b)
    texts = ["".join(f"{p}{q}{r}" for p, q, r in zip(*(f"{v:05d}"[::-1] for v in (*pair, sum(pair))), strict=True))
             for pair in pairs]  # fmt: skip
    assert ["".join(str(d - 1) for d in row[:-1]) for row in x.tolist()] == texts
    for found, expected in zip(strings.read(x), (a, b, a + b, np.ones(len(pairs), bool)), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert strings.right(x).all()


def test_what_is_wrong_is_seen():
    x = made(jax.random.key(0), 50)
    assert not strings.right(x.at[:, 2].set(x[:, 2] % 10 + 1)).any()
    assert not strings.right(x.at[:, -1].set(1)).any()
    assert not strings.right(x.at[:, 4].set(0)).any()


def test_the_true_shares_are_those_of_draws():
    a, b = strings.draw(jax.random.key(0), 20_000)
    found, truth = np.asarray(strings.shares(a, b, jnp.ones(20_000))), strings.true_shares()
    assert np.isclose(truth.sum(), 1)
    error = np.sqrt(truth * (1 - truth) / 40_000)
    assert (np.abs(found - truth) < 5 * error + 1e-4).all()
    assert found[truth == 0].sum() == 0


@pytest.fixture(scope="module")
def own():
    real = data(SMALL, 2000)
    found = model(SMALL, real)
    return real, found, jax.jit(found.fit)(jax.random.key(0), real.real, None)[0]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", CORRECTORS)
def test_the_common_laws(own, name, law):
    real, found, state = own
    correct = CORRECTORS[name](SMALL, real)
    sample = jax.jit(found.sample, static_argnums=3)
    law(Subject(lambda seed, batch: correct(jax.random.key(seed), batch, state),
                lambda seed, n: sample(jax.random.key(seed), state, None, n),
                lambda batch, x: (x != batch.x).sum(1), n=12))  # fmt: skip


def test_what_is_verified_or_recomputed_is_right(own):
    real, found, state = own
    raw = found.sample(jax.random.key(1), state, None, 100)
    assert 0.1 < strings.right(raw.x).mean() < 0.9
    for name in ("verifier", "recomputed"):
        after, _ = CORRECTORS[name](SMALL, real)(jax.random.key(2), raw, state)
        there = np.asarray(after.weight) > 0
        assert np.asarray(strings.right(after.x))[there].all()
        assert there.sum() > 90
    a, b, _, formed = strings.read(raw.x)
    same = np.asarray(formed)
    np.testing.assert_array_equal(np.stack(strings.read(after.x)[:2])[:, same], np.stack([a, b])[:, same])


def test_true_sums_are_observed_as_true(own):
    seen = observe(SMALL, own[0])(uniform(made(jax.random.key(5), 4000)))
    assert seen.values["wrong"].sum() == seen.values["malformed"].sum() == 0
    assert float(seen.numbers["operands_tv"]) < 0.05
    a, b, _, _ = strings.read(made(jax.random.key(5), 4000))
    pairs = len(set(zip(a.tolist(), b.tolist(), strict=True)))
    assert np.isclose(float(seen.numbers["distinct"]), pairs / 4000, atol=1e-3)


@pytest.mark.slow
def test_a_run(tmp_path):
    experiment.run(SUMS, replace(SMALL, out=tmp_path / "run"))
    rows = record.read(tmp_path / "run" / "metrics.jsonl")
    assert len(rows) == 4 * 2 * 3
    assert all({"heldout_bits", "wrong", "operands_tv", "distinct"} <= row.keys() for row in rows)
    last = {row["arm"]: row["wrong"] for row in rows if row["generation"] == 2 and row["seed"] == 0}
    assert last["replace_verifier"] < last["replace"]


def test_presets_can_be_and_bad_settings_are_told():
    for make in PRESETS.values():
        checked(SUMS, make())
    with pytest.raises(ConfigError, match=r"--temperature is 0\.0; give a number above 0"):
        checked(SUMS, replace(SMALL, temperature=(0.0,)))
