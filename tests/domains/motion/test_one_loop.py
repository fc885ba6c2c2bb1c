"""One loop: the motion model goes through the very generation, policies and sources that the Gaussian goes through."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import sources
from selfloop.batch import uniform
from selfloop.domains.motion.data.features import D
from selfloop.domains.motion.model.model import MotionModelConfig, motion_model
from selfloop.domains.motion.model.spectrum import spectrum
from selfloop.loop import begin, generation, scan
from selfloop.models.gaussian import gaussian
from selfloop.models.neural.denoiser import DenoiserConfig
from selfloop.protocols import Loop
from tests.tables import POLICIES

pytestmark = pytest.mark.usefixtures("hurried")

N, M, T, FRAMES = 16, 16, 2, 8


def windows(n, seed=0):
    """Smooth random motions of three labels."""
    x = np.cumsum(np.random.default_rng(seed).normal(size=(n, FRAMES, D)), 1).astype(np.float32)
    return uniform(jnp.asarray(x), {"label": jnp.arange(n) % 3, "length": jnp.full(n, FRAMES)})


def points(n, seed=0):
    return uniform(jnp.asarray(np.random.default_rng(seed).normal(size=(n, 2)), jnp.float32))


@pytest.fixture(scope="module")
def motion():
    network = DenoiserConfig(frames=FRAMES, features=D, labels=3, band=FRAMES, width=16, layers=1)
    config = MotionModelConfig(network=network, batch=8, first_steps=2, steps=2, sample_steps=2)
    return motion_model(config, spectrum(np.asarray(windows(N).x)))


@pytest.fixture(params=["gaussian", "motion"])
def case(request):
    """A model and its real data."""
    return (gaussian(2), points) if request.param == "gaussian" else (request.getfixturevalue("motion"), windows)


def fails(key, batch, state):
    """A corrector that spoils every third sample and says so."""
    failed = jnp.arange(batch.capacity) % 3 == 0
    mask = failed.reshape(-1, *[1] * (batch.x.ndim - 1))
    return batch._replace(x=jnp.where(mask, jnp.nan, batch.x)), {"failed": failed, "moved": jnp.zeros(batch.capacity)}


def watched(model, seen):
    """The same model; what it is asked to train on is kept in ``seen``."""

    def fit(key, batch, state):
        if not isinstance(batch.weight, jax.core.Tracer):  # the loop's parts are tried before it begins
            seen.append(batch)
        return model.fit(key, batch, state)

    return model._replace(fit=fit)


def kind(policy, source, t):
    """The weight of the training set of generation t: its real and usable synthetic points."""
    good = int(np.sum(np.arange(M) % 3 != 0))
    if policy.startswith("augment"):
        lam = float(policy.split()[1])
        return N + int(np.sum(np.arange(int(lam * N)) % 3 != 0))
    if policy.startswith("weighted"):
        return N + good
    if policy.startswith("growing"):
        first, power = (float(part) for part in policy.removeprefix("growing").split(","))
        return int(np.sum(np.arange(int(first * t**power)) % 3 != 0))
    return {"replace": good, "accumulate": N + good * t, "accumulate_subsample": N}[policy]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("source", ["fixed", "fresh"])
def test_failed_samples_never_enter_whatever_the_policy_and_source(case, policy, source):
    model, real = case
    seen, key = [], jax.random.key(3)
    origin = sources.fixed(real(N)) if source == "fixed" else sources.fresh_from(real(3 * N), N)
    loop = Loop(watched(model, seen), POLICIES[policy](), origin, M, fails)
    carry, first = begin(loop, key, T)
    assert first.raw is None
    seen[:] = seen[-1:]  # the first call of fit is that of the check
    for t in range(1, T + 1):
        carry, result = generation(loop, key, jnp.asarray(t, jnp.int32), carry)
        assert np.isfinite(result.raw.x).all()
        assert np.isnan(result.corrected.x).any()
        assert float(seen[t].weight.sum()) == pytest.approx(kind(policy, source, t), rel=1e-6)
    for training in seen:
        assert np.isfinite(training.x).all()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(carry.state))


def test_real_windows_are_the_same_or_new_as_the_source_says(motion):
    for source, same in ((sources.fixed(windows(N)), True), (sources.fresh_from(windows(3 * N), N), False)):
        seen = []
        loop = Loop(watched(motion, seen), POLICIES["augment 0.5"](), source, M)
        carry, _ = begin(loop, jax.random.key(1))
        generation(loop, jax.random.key(1), jnp.asarray(1, jnp.int32), carry)
        assert bool(jnp.array_equal(seen[0].x[:N], seen[1].x[:N])) is same


def test_synthetic_motions_keep_the_labels_they_were_made_for(motion):
    seen = []
    loop = Loop(watched(motion, seen), POLICIES["replace"](), sources.fixed(windows(N)), M)
    carry, _ = begin(loop, jax.random.key(1))
    _, result = generation(loop, jax.random.key(1), jnp.asarray(1, jnp.int32), carry)
    for name in ("label", "length"):
        np.testing.assert_array_equal(seen[-1].cond[name], result.raw.cond[name])
    np.testing.assert_array_equal(seen[-1].x, result.raw.x)
    assert len(np.unique(result.raw.cond["label"])) == 3


def test_the_traceable_driver_runs_motion_too(motion):
    loop = Loop(motion, POLICIES["augment 0.5"](), sources.fixed(windows(N)), M)
    last, measured = scan(loop, jax.random.key(2), T, lambda key, result: jnp.asarray(result.fit["loss"]))
    carry, _ = begin(loop, jax.random.key(2))
    for t in range(1, T + 1):
        carry, result = generation(loop, jax.random.key(2), jnp.asarray(t, jnp.int32), carry)
    assert measured.shape == (T + 1,)
    np.testing.assert_allclose(measured[-1], result.fit["loss"], rtol=1e-3)
    assert int(last.state.step) == int(carry.state.step) == 2 * (T + 1)
