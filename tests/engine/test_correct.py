"""The correction of all chains at once is that of each chain alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import Batch
from selfloop.correctors.smoothing import smoothing
from selfloop.domains.gaussian.domain import GAUSSIAN
from selfloop.engine.chains import stacked
from selfloop.engine.correct import correct_chains
from selfloop.engine.domain import Arm
from selfloop.engine.plan import Chain
from selfloop.protocols import identity
from tests.engine.small import compute, observations, rows, small

ARMS = {"pooled": Arm("picky", pointwise=True), "keyed": Arm("shaken"), "none": Arm()}
CHAINS = [Chain(arm, 1.0, seed, seed) for seed in range(2) for arm in ARMS]
N = 5
STATES = np.arange(6, dtype=np.float32)
"""Of each chain."""


def raw():
    """Samples of all chains, in the host's memory."""
    random = np.random.default_rng(0)
    x = {"a": random.normal(size=(6, N, 2)), "b": random.normal(size=(6, N, 3, 1))}
    x = jax.tree.map(lambda leaf: leaf.astype(np.float32), x)
    return Batch(x, np.ones((6, N), np.float32), np.tile(np.arange(N, dtype=np.int32), (6, 1)))


def keys():
    return [jax.random.key(10 + i) for i in range(6)]


class Shaken:
    """A corrector that draws, adds the model's state, and fails some samples by chance."""

    calls = 0

    def __call__(self, key, batch, state):
        self.calls += 1
        key_noise, key_fail = jax.random.split(key)
        x = jax.tree.map(lambda leaf: leaf + jax.random.normal(key_noise, leaf.shape) + state, batch.x)
        failed = jax.random.bernoulli(key_fail, 0.5, batch.weight.shape)
        return Batch(x, jnp.where(failed, 0, batch.weight), batch.cond), {
            "failed": failed,
            "moved": jnp.abs(x["a"]).mean(1),
        }


class Picky(Shaken):
    """One that looks at each sample alone, and fails those of one label."""

    def __call__(self, key, batch, state):
        self.calls += 1
        failed = batch.cond == 1
        x = jax.tree.map(lambda leaf: leaf * 2, batch.x)
        moved = jnp.where(failed, 0, batch.cond.astype(jnp.float32))
        return Batch(x, jnp.where(failed, 0, batch.weight), batch.cond), {"failed": failed, "moved": moved}


def each_alone(correctors, given):
    """Every chain by a call of its own."""
    parts, info = [], []
    for i, chain in enumerate(CHAINS):
        own = jax.tree.map(lambda leaf, i=i: jnp.asarray(leaf[i]), given)
        fixed, found = correctors[chain.arm](keys()[i], own, STATES[i])
        parts.append(jax.tree.map(np.asarray, fixed))
        info.append(jax.tree.map(np.asarray, {name: found[name] for name in ("failed", "moved")}))
    return stacked(parts), stacked(info)


def test_together_is_as_alone():
    correctors, given = {"pooled": Picky(), "keyed": Shaken(), "none": identity}, raw()
    fixed, info = correct_chains(ARMS, CHAINS, correctors, keys(), given, STATES)
    assert correctors["pooled"].calls == 1, "one call for all chains"
    assert correctors["keyed"].calls == 2, "one a chain, with its own key and state"
    jax.tree.map(np.testing.assert_array_equal, given, raw())  # what is given is not changed
    expected = each_alone(correctors, given)
    for one, other in zip(jax.tree.leaves((fixed, info)), jax.tree.leaves(expected), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert info["failed"].any()
    np.testing.assert_array_equal(fixed.weight == 0, info["failed"])
    none = [i for i, chain in enumerate(CHAINS) if chain.arm == "none"]
    np.testing.assert_array_equal(fixed.x["a"][none], given.x["a"][none])
    assert not info["moved"][none].any()


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("pointwise", [True, False])
def test_a_sample_gone_astray_fails_and_leaves_the_other_chains_as_they_are(pointwise, strange):
    arms, correctors = {"smoothed": Arm("smoothing", pointwise=pointwise)}, {"smoothed": smoothing(1.0)}
    if pointwise:
        correctors = {"smoothed": halved}
    chains = [Chain("smoothed", 1.0, seed, seed) for seed in range(2)]
    x = np.random.default_rng(1).normal(size=(2, N, 2)).astype(np.float32)
    given = Batch(x, np.ones((2, N), np.float32))
    clean, known = correct_chains(arms, chains, correctors, keys(), given)
    x = x.copy()
    x[1, 2, 0] = strange
    fixed, info = correct_chains(arms, chains, correctors, keys(), given._replace(x=x))
    others = np.ones((2, N), bool)
    others[1] = pointwise
    others[1, 2] = False
    np.testing.assert_array_equal(fixed.x[others], clean.x[others])
    np.testing.assert_array_equal(info["moved"][others], known["moved"][others])
    assert np.isfinite(fixed.x[fixed.weight > 0]).all()
    assert info["failed"].tolist() == (np.arange(2)[:, None] * N + np.arange(N) == N + 2).tolist()
    np.testing.assert_array_equal(fixed.weight == 0, info["failed"])


def halved(key, batch, state):
    failed = ~jnp.isfinite(batch.x).all(1)
    x = jnp.where(failed[:, None], 0, batch.x / 2)
    return Batch(x, jnp.where(failed, 0, batch.weight)), {"failed": failed, "moved": jnp.abs(x).mean(1)}


# In a run


def half(settings, data):
    """A corrector that breaks every other sample and says so."""

    def correct(key, batch, state):
        failed = jnp.arange(batch.capacity) % 2 == 0
        x = jnp.where(failed[:, None], jnp.nan, batch.x)
        return Batch(x, jnp.where(failed, 0, batch.weight)), {"failed": failed, "moved": jnp.where(failed, 0.0, 3.0)}

    return correct


def odd(settings, data):
    """A model whose every other sample is not finite."""
    model = GAUSSIAN.model(settings, data)

    def sample(key, state, cond, n):
        batch = model.sample(key, state, cond, n)
        return batch._replace(x=jnp.where((jnp.arange(n) % 2 == 0)[:, None], jnp.inf, batch.x))

    return model._replace(sample=sample)


def test_failed_samples_are_never_trained_on_and_are_counted(tmp_path):
    """Were one trained on, the chain would not be finite."""
    domain = GAUSSIAN._replace(
        correctors={"half": half}, arms={"broken": Arm("half", policy="replace", pointwise=True)}
    )
    out = compute(small(tmp_path / "run", arms=("broken",), audit_every=1), domain)
    ((_, found),) = rows(out).items()
    for row in found[2:]:
        assert (row["failed"], row["moved"]) == (4, 1.5)
        assert "stopped" not in row
    assert not {"failed", "moved"} & found[0].keys()  # generation 0 sees real data alone
    for kept in observations(out).values():
        np.testing.assert_array_equal(kept["corrected/failed"], np.tile(np.arange(8) % 2 == 0, (2, 1)))
        np.testing.assert_array_equal(kept["corrected/weight"], 1 - kept["corrected/failed"])
        assert np.isfinite(kept["space/points"]).all()


@pytest.mark.parametrize("others", [(), ("idealised",)])
def test_what_is_not_finite_fails_without_a_corrector_too(tmp_path, others):
    """As `identity` has it, whether all arms of a job are uncorrected or one is not."""
    domain = GAUSSIAN._replace(model=odd)
    out = compute(small(tmp_path / "run", arms=("uncorrected", *others), together=2), domain)
    found = [row for own in rows(out).values() for row in own if row["generation"] > 0]
    assert len(found) == 6 * (1 + len(others))
    assert all(row["failed"] == 4 and "stopped" not in row for row in found)
    assert all((row["moved"] > 0) is (row["arm"] == "idealised") for row in found)
