"""Chains against single loops: whatever their company, on one device and on eight; compiled once for all."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import policies, sources
from selfloop.batch import sound, uniform
from selfloop.engine import chains
from selfloop.engine.cluster import compute as compute_job
from selfloop.errors import ConfigError
from selfloop.loop import begin, generation, learn, propose
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop
from tests.engine.small import compute, context, jobs, points, rows, small

N, M, T, D = 20, 20, 5, 2
TIMES = np.arange(1, T + 1, dtype=np.int32)
COUNT = 11
"""Chains: no multiple of 2, 4 or 8 devices."""
EXACT = 1e-12
"""Float64: T generations of a few hundred roundings, of a loop that does not make them grow."""
FLOAT32 = 1e-4
RUN = {"arms": ("uncorrected", "idealised"), "seeds": 5, "together": 4, "lam": (0.5, 1.0)}
"""20 chains a job."""


def given(count=COUNT):
    """The real data, and seed and lambda of each chain."""
    real = np.random.default_rng(5).normal(size=(N, D)) * [1.0, 3.0]
    return real, np.arange(count, dtype=np.uint32), np.resize((0.25, 1.0), count)


def made(real, lam, m):
    return Loop(gaussian(D, real.dtype), policies.augment(lam), sources.fixed(uniform(real)), m)


def one(real, seed, lam):
    """T generations of one chain, in two halves, as a job runs them: its states [T, ...], and whether all is finite."""
    loop, key = made(real, lam, M), jax.random.key(seed)

    def step(carry, t):
        raw = propose(loop, key, t, carry)
        carry, result = learn(loop, key, t, carry, raw, raw, {"failed": jnp.zeros(M, bool)})
        return carry, result.state

    carry, states = jax.lax.scan(step, begin(loop, key)[0], TIMES)
    return states, sound(carry.state)


@functools.partial(jax.jit, static_argnames="lam")
def single(real, seed, lam):
    """The same by itself, with exactly its own number of samples: lambda is no tracer here."""
    loop, key = made(real, lam, policies.synthetic_count(lam, N)), jax.random.key(seed)
    carry = begin(loop, key)[0]
    return jax.lax.scan(lambda carry, t: generation(loop, key, t, carry), carry, TIMES)[1].state


def together(count=COUNT, dtype=np.float64):
    """The states [count, T, ...] of chains over all devices."""
    mesh, (real, seed, lam) = chains.chain_mesh(), given(count)
    at = chains.filled(count, mesh)
    assert len(at) % mesh.size == 0
    each = chains.place((seed[at], lam[at].astype(dtype)), mesh)
    states, sound = chains.host(chains.over_chains(one, mesh)(chains.everywhere(real.astype(dtype), mesh), *each))
    assert sound.all()
    return jax.tree.map(lambda leaf: leaf[:count], states)


@functools.cache
def alone(dtype=np.float64):
    """All chains, each by itself."""
    real, seed, lam = given()
    found = [single(real.astype(dtype), seed[i], float(lam[i])) for i in range(COUNT)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


def close(states, expected, tolerance):
    for name in ("mean", "covariance"):
        np.testing.assert_allclose(getattr(states, name), getattr(expected, name), rtol=tolerance, atol=tolerance)


def test_chains_are_the_loops_they_would_be_alone(x64):
    """Each lambda below the job's m too: random numbers for fewer samples are the first of those for more."""
    close(together(), alone(), EXACT)


def test_in_single_precision_but_for_rounding():
    states = together(dtype=np.float32)
    assert states.mean.dtype == np.float32
    close(states, alone(np.float32), FLOAT32)


def test_a_chain_does_not_depend_on_its_company(x64):
    close(together(2), jax.tree.map(lambda leaf: leaf[:2], together()), EXACT)


def test_other_seeds_and_lambdas_are_other_chains(x64):
    """The equalities of this file would mean nothing if all chains were alike."""
    assert np.min(np.diff(np.sort(alone().mean[:, -1, 0]))) > 1e4 * EXACT


def eight(out):
    """What a process with eight devices does."""
    assert len(jax.devices()) == 8
    compute(small(Path(out) / "run", **RUN))
    with jax.enable_x64(True):
        states = together()
    np.savez(Path(out) / "states.npz", **states._asdict())


def test_the_same_over_eight_devices(tmp_path, compiled):
    """Single chains, and a run of the engine, whose jobs are no multiple of eight either."""
    flags = "--xla_force_host_platform_device_count=8 --xla_backend_optimization_level=1"
    # As many threads as devices, since fewer can wait for each other for ever.
    env = os.environ | compiled | {"XLA_FLAGS": flags, "PJRT_NPROC": "8", "JAX_PLATFORMS": "cpu"}
    code = f"from tests.engine.test_chains import eight; eight({str(tmp_path)!r})"
    found = subprocess.run([sys.executable, "-c", code], env=env, cwd=Path(__file__).parents[2], capture_output=True)
    assert found.returncode == 0, found.stderr.decode()
    with jax.enable_x64(True), np.load(tmp_path / "states.npz") as states:
        close(type(alone())(**states), alone(), EXACT)
    many, here = tmp_path / "run", compute(small(tmp_path / "here", **RUN))
    told = [[[row[key] for key in ("chain", "arm", "lam", "seed", "generation")] for row in own]
            for out in (many, here) for own in rows(out).values()]  # fmt: skip
    assert told[: len(told) // 2] == told[len(told) // 2 :]
    one, other = points(many), points(here)
    assert one.keys() == other.keys()
    for at in one:
        for t in one[at]:
            np.testing.assert_allclose(one[at][t], other[at][t], atol=FLOAT32)


# Compiled programs


def test_neither_a_second_generation_nor_a_second_job_of_the_same_shape_compiles_anything(tmp_path, compilations):
    """Coupled chains are a job of the same shape; the first two jobs differ by a corrector."""
    settings = small(tmp_path / "run", arms=("uncorrected", "idealised"), coupled=3, coupled_start="seed",
                     lam=(1.0,), audit_every=1)  # fmt: skip
    at, counts = context(settings), []
    for job in jobs(settings):
        seen = []
        compute_job(at, job, lambda steps, what="", kind=None, seen=seen: seen.append(len(compilations)))
        counts.append(seen)
    for seen in counts:  # a tick comes with generations 1, 2 and 3 and with the end
        assert seen[-4] == seen[-1], counts
    uncorrected, corrected, *coupled = (seen[-1] for seen in counts)
    assert 0 < counts[0][0] < uncorrected <= corrected
    assert coupled == [corrected] * 2


# The parts


def test_host_is_the_inverse_of_place():
    mesh, tree = chains.chain_mesh(), {"a": np.arange(6.0, dtype=np.float32).reshape(3, 2), "b": np.arange(3)}
    placed = chains.place(tree, mesh)
    assert placed["a"].sharding.spec == jax.sharding.PartitionSpec(chains.AXIS)
    jax.tree.map(np.testing.assert_array_equal, chains.host(placed), tree)
    jax.tree.map(np.testing.assert_array_equal, chains.host(chains.everywhere(tree, mesh)), tree)


def test_chains_are_stacked_and_taken_apart():
    stacked = chains.stacked([{"a": np.full(2, i)} for i in range(3)])
    assert stacked["a"].shape == (3, 2)
    np.testing.assert_array_equal(chains.one_chain(stacked, 1)["a"], [1, 1])


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_chain_with_a_number_that_is_not_finite_is_not_sound(bad):
    good = {"x": jnp.zeros((3, 2)), "count": jnp.asarray(7, jnp.int32)}
    assert bool(sound(good))
    assert not bool(sound(good | {"y": good["x"].at[2, 1].set(bad)}))


@pytest.mark.parametrize("devices", [1, 2, 3, 8])
def test_chains_are_filled_up_to_the_devices_with_the_last(devices):
    mesh = type("Mesh", (), {"size": devices})()
    for count in range(1, 20):
        at = chains.filled(count, mesh)
        assert len(at) % devices == 0
        assert len(at) < count + devices
        assert at.tolist() == [*range(count)] + [count - 1] * (len(at) - count)
    with pytest.raises(ConfigError, match="0 chains; give at least one"):
        chains.filled(0, mesh)
