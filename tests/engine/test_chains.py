"""Lanes against single chains: whatever their company, on one device, on eight, and in two processes."""

import functools
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import lanes, policies, sources
from selfloop.batch import uniform
from selfloop.errors import ConfigError
from selfloop.loop import begin, generation, learn, propose
from selfloop.models.gaussian import gaussian
from selfloop.protocols import Loop

N, M, T, D = 20, 20, 5, 2
TIMES = np.arange(1, T + 1, dtype=np.int32)
LAMBDAS = (0.25, 1.0)
COUNT = 11
"""Lanes: no multiple of 2, 4 or 8 devices."""
EXACT = 1e-12
"""Float64: T generations of a few hundred roundings, of a loop that does not make them grow."""
FLOAT32 = 1e-4


def settings(count=COUNT):
    """The real data, and seed and lambda of each lane."""
    real = np.random.default_rng(5).normal(size=(N, D)) * [1.0, 3.0]
    return real, np.arange(count, dtype=np.uint32), np.resize(LAMBDAS, count)


def made(real, lam, m):
    return Loop(gaussian(D, real.dtype), policies.augment(lam), sources.fixed(uniform(real)), m)


def lane(real, seed, lam):
    """T generations of one lane, in two halves, as a grid runs them: its states [T, ...], and whether all is finite."""
    loop, key = made(real, lam, M), jax.random.key(seed)

    def step(carry, t):
        raw = propose(loop, key, t, carry)
        carry, result = learn(loop, key, t, carry, raw, raw, {"failed": jnp.zeros(M, bool)})
        return carry, result.state

    carry, states = jax.lax.scan(step, begin(loop, key)[0], TIMES)
    return states, lanes.sound(carry.state)


@functools.partial(jax.jit, static_argnames="lam")
def chain(real, seed, lam):
    """The same chain by itself, with exactly its own number of samples: lambda is no tracer here."""
    loop, key = made(real, lam, policies.synthetic_count(lam, N)), jax.random.key(seed)
    carry = begin(loop, key)[0]
    return jax.lax.scan(lambda carry, t: generation(loop, key, t, carry), carry, TIMES)[1].state


def together(mesh, count=COUNT, dtype=np.float64):
    """This process's lanes: which, and their states [own, T, ...]."""
    real, seed, lam = settings(count)
    at = lanes.mine(count, mesh)
    each = lanes.place((seed[at], lam[at].astype(dtype)), mesh)
    states, sound = lanes.own(lanes.over_lanes(lane, mesh)(lanes.everywhere(real.astype(dtype), mesh), *each))
    assert sound.all()
    genuine = lanes.genuine(count, mesh)
    return at[:genuine], jax.tree.map(lambda leaf: leaf[:genuine], states)


def worker(folder, process, count, port):
    """What a process of its own does: all lanes over all devices; its own go to a file."""
    jax.config.update("jax_enable_x64", True)
    if count > 1:
        jax.distributed.initialize(
            f"127.0.0.1:{port}", count, process, initialization_timeout=540, cluster_detection_method="deactivate"
        )
    at, states = together(lanes.lane_mesh())
    assert len(jax.devices()) == 8
    np.savez(Path(folder) / f"{process}.npz", at=at, mean=states.mean, covariance=states.covariance)


def processes(folder, count):
    """Run ``count`` of them with 8 devices among them; what each has left."""
    flags = f"--xla_force_host_platform_device_count={8 // count} --xla_backend_optimization_level=1"
    # As many threads as devices, since fewer can wait for each other for ever.
    env = os.environ | {"XLA_FLAGS": flags, "PJRT_NPROC": "8", "JAX_PLATFORMS": "cpu"}
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    code = "import sys; from tests.test_lanes import worker; worker(sys.argv[1], *map(int, sys.argv[2:]))"
    begun = [
        subprocess.Popen([sys.executable, "-c", code, folder, *map(str, (i, count, port))], env=env,
                         cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True)
        for i in range(count)
    ]  # fmt: skip
    try:
        for process in begun:
            errors = process.communicate(timeout=600)[1]
            assert process.returncode == 0, errors
    finally:
        for process in begun:
            process.kill()
    return [np.load(folder / f"{i}.npz") for i in range(count)]


@functools.cache
def alone(dtype=np.float64):
    """All lanes, each as a chain of its own."""
    real, seed, lam = settings()
    found = [chain(real.astype(dtype), seed[i], float(lam[i])) for i in range(COUNT)]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


def close(states, expected, tolerance):
    for name in ("mean", "covariance"):
        np.testing.assert_allclose(states[name], expected[name], rtol=tolerance, atol=tolerance)


def test_lanes_are_the_chains_they_would_be_alone(x64):
    """Each lambda below the block's m too: random numbers for fewer samples are the first of those for more."""
    at, states = together(lanes.lane_mesh())
    np.testing.assert_array_equal(at, np.arange(COUNT))
    close(states._asdict(), alone()._asdict(), EXACT)


def test_in_single_precision_but_for_rounding():
    _, states = together(lanes.lane_mesh(), dtype=np.float32)
    assert states.mean.dtype == np.float32
    close(states._asdict(), alone(np.float32)._asdict(), FLOAT32)


def test_a_lane_does_not_depend_on_its_company(x64):
    few, many = (together(lanes.lane_mesh(), count)[1] for count in (2, COUNT))
    close(few._asdict(), jax.tree.map(lambda leaf: leaf[:2], many)._asdict(), EXACT)


def test_other_seeds_and_lambdas_are_other_chains(x64):
    """The equalities of this file would mean nothing if all lanes were alike."""
    mean = alone().mean[:, -1, 0]
    assert np.min(np.diff(np.sort(mean))) > 1e4 * EXACT


def test_the_same_over_eight_devices(tmp_path):
    (found,) = processes(tmp_path, 1)
    np.testing.assert_array_equal(found["at"], np.arange(COUNT))
    with jax.enable_x64(True):
        close(found, alone()._asdict(), EXACT)


def test_two_processes_have_each_their_own_lanes(tmp_path):
    first, second = processes(tmp_path, 2)
    np.testing.assert_array_equal(first["at"], np.arange(8))
    np.testing.assert_array_equal(second["at"], np.arange(8, COUNT))
    with jax.enable_x64(True):
        both = {name: np.concatenate([first[name], second[name]]) for name in ("mean", "covariance")}
        close(both, alone()._asdict(), EXACT)


def test_own_is_the_inverse_of_place():
    mesh, tree = lanes.lane_mesh(), {"a": np.arange(6.0, dtype=np.float32).reshape(3, 2), "b": np.arange(3)}
    placed = lanes.place(tree, mesh)
    assert placed["a"].sharding.spec == jax.sharding.PartitionSpec(lanes.AXIS)
    jax.tree.map(np.testing.assert_array_equal, lanes.own(placed), tree)
    jax.tree.map(np.testing.assert_array_equal, lanes.own(lanes.everywhere(tree, mesh)), tree)


def test_lanes_are_stacked_and_taken_apart():
    trees = [{"a": np.full(2, i)} for i in range(3)]
    stacked = lanes.stacked(trees)
    assert stacked["a"].shape == (3, 2)
    np.testing.assert_array_equal(lanes.one_lane(stacked, 1)["a"], trees[1]["a"])


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_lane_with_a_number_that_is_not_finite_is_not_sound(bad):
    good = {"x": jnp.zeros((3, 2)), "count": jnp.asarray(7, jnp.int32)}
    assert bool(lanes.sound(good))
    assert not bool(lanes.sound(good | {"y": good["x"].at[2, 1].set(bad)}))


def test_every_lane_is_in_one_place(monkeypatch):
    """Devices of three processes: each lane is genuine in exactly one, whatever their number."""

    class Device:
        def __init__(self, process_index):
            self.process_index = process_index

    mesh = type("Mesh", (), {"devices": np.array([Device(i) for i in (0, 0, 1, 2, 2)]), "size": 5})()
    for count in range(1, 23):
        genuine, sizes = [], set()
        for process, devices in enumerate((2, 1, 2)):
            monkeypatch.setattr(jax, "process_index", lambda process=process: process)
            at = lanes.mine(count, mesh)
            sizes.add(len(at) / devices)
            genuine += list(at[: lanes.genuine(count, mesh)])
            assert at.max() < count
        assert genuine == list(range(count))
        assert len(sizes) == 1  # every device has as many


def test_no_lane_is_an_error():
    with pytest.raises(ConfigError, match="0 lanes; give at least one"):
        lanes.mine(0, lanes.lane_mesh())
