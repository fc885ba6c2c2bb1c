"""The check for a card: its order, limits and files, and what it measures, in miniature."""

import time

import gpu_check
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks import gpu as benchmarks_gpu
from benchmarks import gpu_agreement, gpu_candidates
from benchmarks.measuring import row

from selfloop.errors import ConfigError
from selfloop.runs import environment
from selfloop.runs.record import read_json

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    """JAX's cache of compiled programs, which outlives a test, stays as it is."""
    monkeypatch.setattr(environment, "compilation_cache", lambda folder: None)
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


@pytest.fixture
def taken(monkeypatch):
    """Three steps that only say that they were taken; the second may be told to fail."""
    taken, broken = [], {"b"}

    def rows(name):
        taken.append(name)
        yield row(f"{name} one", 1.0, "s")
        if name in broken:
            raise ValueError("no such thing\nat all")
        yield row(f"{name} two", 2.0, "s", "goal: 4 s", 0.5)

    monkeypatch.setattr(gpu_check, "LIMITS", dict.fromkeys("abc", 30.0))
    monkeypatch.setattr(gpu_check, "steps", lambda config, limit: {name: rows(name) for name in "abc"})
    return taken, broken


def test_a_step_that_fails_costs_the_others_nothing_and_is_taken_again(taken, tmp_path, capsys):
    names, broken = taken
    gpu_check.run(["--out", str(tmp_path)])
    assert names == ["a", "b", "c"]
    assert not (tmp_path / "b.json").exists()
    part = read_json(tmp_path / "b.part.json")
    assert part["stopped"] == "ValueError: no such thing"
    assert [made["name"] for made in part["rows"]] == ["b one"]
    assert "c: c two: 2 s; goal: 4 s (ratio 0.5)" in capsys.readouterr().out
    broken.clear()
    gpu_check.run(["--out", str(tmp_path)])
    assert names == ["a", "b", "c", "b"]
    assert len(read_json(tmp_path / "b.json")["rows"]) == 2
    assert not (tmp_path / "b.part.json").exists()


def test_no_step_begins_without_time(taken, tmp_path, capsys):
    gpu_check.run(["--out", str(tmp_path), "--minutes", "0.01"])
    assert taken[0] == []
    assert "a: no time left; the same command continues" in capsys.readouterr().out


def test_a_step_has_its_limit():
    with pytest.raises(TimeoutError, match="over its limit of 0 s"), gpu_check.limited(0.05):
        time.sleep(5)
    with gpu_check.limited(0.05):
        pass
    time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--minutes", "0"], "--minutes is 0.0; give more than 0"), (["--only", "x"], "--only is x; choose among")],
)
def test_bad_input_is_said_in_one_line(arguments, message):
    with pytest.raises(ConfigError, match=message):
        gpu_check.run(arguments)


def test_generations_are_read_off_the_grids_rows():
    parts = {"seconds_train": 2.0, "seconds_correct": 0.5}
    rows = [{"generation": g, "chain": chain, "n": 64} | parts for g in range(6) for chain in range(3)]
    found = {made["name"]: made["value"] for made in gpu_check._generations(rows)}
    assert found == {"grid, generations": 5, "grid, seconds_train": 6.0, "grid, seconds_correct": 1.5}
    assert [made["value"] for made in gpu_check._generations([])] == [0]


def test_it_knows_the_cards():
    assert environment.peak_flops("bfloat16", "NVIDIA H100 80GB HBM3") == 989e12
    assert environment.peak_flops("float32", "NVIDIA H200") == 495e12
    assert environment.peak_flops("bfloat16", "NVIDIA L40S") is None
    assert environment.peak_flops("bfloat16", "cpu") is None


def test_what_is_compared_on_one_device_is_equal():
    for made in gpu_agreement.gaussian():
        assert made["value"] == made["ratio"] == 0


def test_measures_compare_means():
    one, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.3])
    made = gpu_agreement._measure("skate", one, other)
    assert made["ratio"] == pytest.approx(0.1 / max(0.21, 3 * np.std(one - other) / np.sqrt(3)))


def test_one_kernel_solves_what_cholesky_does():
    random = np.random.default_rng(0)
    half = random.normal(size=(3, 36, 36)).astype(np.float32)
    matrix, right = half @ half.transpose(0, 2, 1) + np.eye(36, dtype=np.float32), random.normal(size=(3, 36))
    found = jax.vmap(gpu_candidates.solved)(jnp.asarray(matrix), jnp.asarray(right, jnp.float32))
    wanted = np.linalg.solve(matrix.astype(float), right[..., None])[..., 0]
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def test_a_loop_of_known_length_ends_where_the_other_does():
    def halve(loop):
        return jax.vmap(lambda x: loop(lambda v: (v[0] > 1) & (v[1] < 3), lambda v: (v[0] / 2, v[1] + 1), (x, 0)))

    x = jnp.array([0.5, 1.5, 3.0, 100.0])
    for one, other in zip(halve(jax.lax.while_loop)(x), halve(gpu_candidates.counted_loop)(x), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_training_is_counted_and_timed():
    """The FLOP are at least the six of every weight that multiplies a token, and bfloat16 changes them little."""
    size = benchmarks_gpu.TINY
    found = {made["name"]: made["value"] for made in benchmarks_gpu.training(size)}
    band, width, layers = size.network
    matrices = layers * (4 + 2 * 2) * width**2 + 2 * band * benchmarks_gpu.D * width
    least = 6 * matrices * benchmarks_gpu.BATCH * benchmarks_gpu.FRAMES // band * size.chains
    for compute in ("float32", "bfloat16"):
        assert least < found[f"training, {compute}, counted"] < 2.5 * least
        assert found[f"training, {compute}, speed"] > 0


@pytest.mark.slow
def test_the_whole_check_in_miniature(tmp_path, embedded_folder):
    gpu_check.run(["--tiny", "--out", str(tmp_path), "--minutes", "20"])
    for name in gpu_check.LIMITS:
        rows = read_json(tmp_path / f"{name}.json")["rows"]
        assert rows
        assert all(np.isfinite(made["value"]) for made in rows if "value" in made)
    assert jax.config.jax_enable_compilation_cache
