"""``selfloop audit`` and ``certify``: the right answer where it is known, from files, and every wrong file named."""

import json

import numpy as np
import pytest

from selfloop.cli.arrays import read
from selfloop.cli.main import main
from selfloop.errors import DataError

N, GAMMA = 600, 1.0


@pytest.fixture
def files(tmp_path, monkeypatch):
    """raw, half, same and real .npy: raw samples lie off the real ones; half are replaced by real ones at random."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    raw, real, fresh = random.normal(1.5, 1, (N, 2)), random.normal(size=(N, 2)), random.normal(size=(N, 2))
    half = np.where(random.random(N)[:, None] < GAMMA / (1 + GAMMA), fresh, raw)
    away = raw + 1.0
    for name, x in {"raw": raw, "half": half, "real": real, "away": away}.items():
        np.save(f"{name}.npy", x)
    return tmp_path


def test_a_mixture_with_the_real_law_has_the_strength_it_was_given(files, capsys):
    assert main(["audit", "raw.npy", "half.npy", "real.npy"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("The corrector brings samples nearer to real data: ")
    assert "seconds" not in shown
    assert main(["audit", "raw.npy", "half.npy", "real.npy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["gamma"]["low"] < GAMMA < found["gamma"]["high"]
    assert found["verdict"] in shown


@pytest.mark.parametrize(
    ("corrected", "verdict"), [("raw", "No effect of the corrector can be told"), ("away", "takes samples away")]
)
def test_what_does_nothing_or_harm_is_said_to(files, capsys, corrected, verdict):
    assert main(["audit", "raw.npy", f"{corrected}.npy", "real.npy"]) == 0
    assert verdict in capsys.readouterr().out


def test_rows_of_nan_have_failed_and_columns_of_unlike_scale_are_warned_of(files, capsys):
    raw, half, real = (np.load(f"{name}.npy") * [1, 1000] for name in ("raw", "half", "real"))
    half[:60] = np.nan
    for name, x in {"raw": raw, "half": half, "real": real}.items():
        np.save(f"{name}.npy", x)
    assert main(["audit", "raw.npy", "half.npy", "real.npy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["failed"] == pytest.approx(0.1)
    assert any("divide each column" in one for one in found["warnings"])


@pytest.mark.parametrize(
    ("name", "x", "told"),
    [
        ("half", np.zeros((N - 1, 2)), "give the same samples in the same order"),
        ("real", np.zeros((N, 3)), "raw has 2 numbers a sample, real 3"),
        ("raw", np.full((N, 2), np.nan), "raw: raw.npy holds NaN or infinite numbers, in row 0"),
        ("raw", np.array(["a", "b"]), "raw: raw.npy holds no array of numbers"),
        ("real", np.zeros((0, 2)), "real: real.npy is of shape [0, 2]"),
    ],
)
def test_files_that_do_not_fit_are_named(files, capsys, name, x, told):
    np.save(f"{name}.npy", x)
    assert main(["audit", "raw.npy", "half.npy", "real.npy"]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_samples_too_near_to_the_target_are_refused(files, capsys):
    assert main(["audit", "real.npy", "half.npy", "real.npy"]) == 2
    assert "bootstrap standard deviations from the target" in capsys.readouterr().err


def test_csv_with_and_without_a_line_of_names(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("1,2\n3,4\n")
    np.testing.assert_array_equal(read(tmp_path / "a.csv", "a"), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(read(tmp_path / "b.csv", "b"), [[1, 2], [3, 4]])
    (tmp_path / "c.csv").write_text("1,2\n3\n")
    with pytest.raises(DataError, match="c: .*c.csv holds no array of numbers"):
        read(tmp_path / "c.csv", "c")
    with pytest.raises(DataError, match="is no file"):
        read(tmp_path / "d.npy", "d")


def test_a_gaussians_certificate_is_the_closed_form(files, capsys):
    assert main(["certify", "real.npy", "--model", "gaussian", "--lam", "0.5", "--gamma", "1"]) == 0
    shown = capsys.readouterr().out
    # tau lambda / (1 + lambda), tau = 1/2: a sixth.
    assert "an error is multiplied by 0.167 every generation" in " ".join(shown.split())
    assert "Ferbach-type" in shown


def test_a_family_on_the_line_refuses_a_plane(files, capsys):
    assert main(["certify", "real.npy", "--model", "student"]) == 2
    assert "the data have 2 columns; give one column" in capsys.readouterr().err
