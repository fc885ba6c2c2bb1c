"""The scripts' command lines and what they write, in miniature."""

import gaussian_toy
import jax
import numpy as np
import phase_diagram
import pollution
import pollution_page
import pytest
import speed
from benchmarks.measuring import row
from benchmarks.table import BENCHMARKS

from selfloop.errors import ConfigError, SelfloopError
from selfloop.runs.record import read_json


def test_the_toy_writes_its_table_beside_the_known_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(gaussian_toy, "prepare", lambda out: {})
    paths = np.abs(np.random.default_rng(0).normal(0.3, 0.1, (8, 6, 501)))
    monkeypatch.setattr(gaussian_toy, "measure", lambda config: dict.fromkeys(gaussian_toy.PROCESSES, paths))
    page = gaussian_toy.run(["--seeds", "6", "--out", str(tmp_path)])
    written = read_json(tmp_path / "results.json")
    assert len(written["table"]) == 24
    first = written["table"][0]
    assert first["known"] == 0.5654
    assert first["W2 at the end"] == pytest.approx(paths[0, :, -1].mean())
    assert first["95 % low"] < first["W2 at the end"] < first["95 % high"]
    html = page.read_text()
    assert all(sentence.replace("'", "&#39;") in html for sentence in gaussian_toy.MEANING)
    assert (tmp_path / "gaussian_toy.png").stat().st_size > 10_000


def test_the_toys_processes_start_from_the_same_real_data(monkeypatch, tmp_path):
    paths = gaussian_toy.measure(gaussian_toy.ToyConfig(seeds=3, generations=2, out=tmp_path))
    starts = [path[:, :, 0] for path in paths.values()]
    assert all(path.shape == (8, 3, 3) and np.isfinite(path).all() for path in paths.values())
    np.testing.assert_allclose(starts[0], starts[1], rtol=1e-5)
    np.testing.assert_allclose(starts[0], starts[2], atol=1e-4)  # the ridge of the official fit


def test_the_planes_are_what_their_axes_say():
    plane = phase_diagram.main_plane(100)
    (cells,) = plane.parts
    assert len(cells.m) == 10_000
    np.testing.assert_allclose((cells.m / cells.n).reshape(100, 100)[7], plane.x)
    np.testing.assert_allclose(cells.gamma.reshape(100, 100)[:, 7], plane.y)
    by_n, by_d = phase_diagram.side_planes(8)
    assert by_n.parts[0].n.reshape(len(by_n.y), -1)[:, 0].tolist() == by_n.y.tolist()
    assert [part.d for part in by_d.parts] == by_d.y.tolist()


def test_the_diagram_writes_every_plane(tmp_path, monkeypatch):
    import planes

    def measure(cells, seeds, generations, seed, tick):
        tick(len(cells.m))
        lam = cells.m / cells.n
        rate = lam / (1 + lam) / (1 + cells.gamma.astype(float))
        return planes.Measured(rate, rate * 0.01, rate, rate, rate * 0.1, rate)

    monkeypatch.setattr(planes, "measure", measure)
    monkeypatch.setattr(phase_diagram, "prepare", lambda out: {})
    page = phase_diagram.run(["--quick", "--out", str(tmp_path)])
    written = read_json(tmp_path / "phase_diagram.json")
    assert [plane["plane"] for plane in written["planes"]] == ["lambda, gamma", "lambda, n", "gamma, d"]
    assert np.shape(written["planes"][0]["rate"]) == (16, 16)
    assert "below 1 in every cell (largest 0.667)" in page.read_text()


@pytest.mark.parametrize(
    ("run", "arguments", "message"),
    [
        (gaussian_toy.run, ["--seeds", "0"], "--seeds is 0; give 1 or more"),
        (phase_diagram.run, ["--generations", "-3"], "--generations is -3; give 1 or more"),
        (pollution.run, ["--steps", "0"], "--steps is 0; give 1 or more"),
        (pollution.run, ["--preset", "huge"], "--preset is huge; choose one of default, smoke"),
        (speed.run, ["--only", "warp"], "--only is warp; choose among statistics, official"),
    ],
)
def test_bad_input_is_said_in_one_line(run, arguments, message):
    with pytest.raises(ConfigError, match=message):
        run(arguments)


@pytest.fixture(name="cache_after")
def _cache_after():
    yield
    jax.config.update("jax_enable_compilation_cache", True)  # speed turns it off for its whole process


SMALL_WEB = ["--seeds", "1", "--chains", "4", "--steps", "1", "--start", "60", "--n", "60", "--published", "40",
             "--bits", "8"]  # fmt: skip


@pytest.mark.slow
def test_a_polluted_web_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(pollution, "gaussians", lambda config: pollution_rows())
    few = lambda config: {name: every(config)[name] for name in ("pool, none", "window, none")}  # noqa: E731
    every = pollution.scenarios
    monkeypatch.setattr(pollution, "scenarios", few)
    monkeypatch.setattr(pollution_page, "report", lambda out, rows, *rest: rows)
    arguments = [*SMALL_WEB, "--out", str(tmp_path / "web")]
    rows = pollution.run(arguments)
    assert len([row for row in rows if row["kind"] == "web"]) == 2 * 2
    path = tmp_path / "web" / "results.jsonl"
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:4]))  # within the second web
    assert pollution.run(arguments) == rows
    assert path.read_bytes() == whole
    with pytest.raises(ConfigError, match="steps is 1 there, 2 asked"):
        pollution.run([*arguments, "--steps", "2"])


def pollution_rows():
    own = {"kind": "gaussian", "temperature": 1.0, "families": 1, "published": 0.5, "tpr": 0.0, "kept": 0.5}
    return [own | {"variance": 1.0, "half": 0.1, "mean_square": 0.0, "predicted": 1.0, "predicted_infinite": 1.0}]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; give a text file"),
        (b"\xff" * 200, "byte 0 is not UTF-8"),
        (b"one document alone, as long as it is, " * 9, "holds 1 document"),
        (b"short", "fewer than the window of 128 tokens"),
        ("\n".join(f"line {i} of a text" for i in range(50)).encode(), "--start is 60; the train part holds"),
    ],
)
def test_a_polluted_web_of_bad_text(tmp_path, monkeypatch, content, says):
    monkeypatch.setattr(pollution, "gaussians", lambda config: pollution_rows())
    (tmp_path / "text.txt").write_bytes(content)
    given = [*SMALL_WEB, "--data", str(tmp_path / "text.txt"), "--out", str(tmp_path / "web")]
    with pytest.raises(SelfloopError, match=says) as raised:
        pollution.run(given)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("cache_after")
def test_speed_writes_the_rows_it_measured(tmp_path, monkeypatch):
    rows = [row("a", 2.0, "s", "allowed: 4 s", 0.5), row("b", 1, "s")]
    monkeypatch.setitem(BENCHMARKS, "import", lambda: rows)
    path = speed.run(["--only", "import", "--out", str(tmp_path)])
    assert read_json(path) == [
        {"name": "a", "value": 2.0, "unit": "s", "against": "allowed: 4 s", "ratio": 0.5},
        {"name": "b", "value": 1.0, "unit": "s", "against": "", "ratio": None},
    ]
