"""Tables and figures of image records: means over the last generations, differences seed by seed, what is kept."""

import math

import image_figures
import pytest

from selfloop.errors import DataError
from selfloop.runs import record


def rows(arm, lift, seeds=(0, 1, 2), generations=8):
    recall = lambda seed, t: seed + lift + (10 if t <= 3 else 0)  # noqa: E731
    at = [(seed, t) for seed in seeds for t in range(generations + 1)]
    head = {"record": "metrics", "arm": arm, "lam": 1.0}
    return [{**head, "seed": seed, "generation": t, "recall": recall(seed, t)} for seed, t in at]


def test_a_table_is_of_the_last_generations_with_students_interval():
    found = image_figures.table(rows("kmeans", 0.5), ["recall"])["kmeans"]["recall"]
    # Values .5, 1.5, 2.5: standard deviation 1, t with 2 degrees of freedom 4.303.
    assert found.value == pytest.approx(1.5)
    assert found.high - found.value == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)


def test_differences_are_taken_seed_by_seed():
    found = image_figures.table(rows("kmeans", 0.5) + rows("uncorrected", 0.2, (0, 1)), ["recall"], "uncorrected")
    assert found.keys() == {"kmeans"}
    assert found["kmeans"]["recall"] == pytest.approx((0.3, 0.3, 0.3))  # the seeds' spread is gone


def test_what_is_restored_is_a_share_of_the_loss():
    loop = rows("baseline", 1.0) + rows("uncorrected", 0.0)
    found = image_figures.restored(loop + rows("kmeans", 0.25), ["recall"])
    assert found["kmeans"]["recall"] == pytest.approx((0.25, 0.25, 0.25))
    assert image_figures.restored(rows("kmeans", 0.25), ["recall"]) == {}


def test_records_of_a_run_are_kept_told_and_drawn(tmp_path, capsys):
    run = tmp_path / "run"
    told = [
        {**row, "seconds": 1.0, "recall": row["recall"] / 3} for row in rows("kmeans", 0.5) + rows("uncorrected", 0)
    ]
    record.rewrite(run / "metrics.jsonl", told)
    gamma = {"kind": "gamma", "arm": "kmeans", "gamma": 0.1, "low": 0.0, "high": 0.2}
    record.rewrite(run / "results.jsonl", [gamma, {"kind": "real", "line": "real", "recall": 0.9}])
    record.write_json(run / "config.json", {"preset": "default", "n": [2000]})
    record.write_json(run / "environment.json", {"command": "image_loop.py"})
    arguments = ["--keep", str(run), "--name", "short", "--records", str(tmp_path), "--out", str(tmp_path / "figures")]
    image_figures.run(arguments)
    kept = record.read(tmp_path / "images_short.jsonl")
    assert kept[0] == {"record": "run", "command": "image_loop.py", "preset": "default", "n": [2000],
                       **dict.fromkeys(image_figures.ABOUT[1:2] + image_figures.ABOUT[3:])}  # fmt: skip
    assert [row["record"] for row in kept].count("metrics") == len(told)
    assert kept[1]["recall"] == 3.5
    assert "seconds" not in kept[1]
    assert {"record": "gamma", **{key: gamma[key] for key in gamma if key != "kind"}} in kept
    shown = " ".join(capsys.readouterr().out.split())
    assert "images_short: generations 4 to 8, mean of 3 seeds" in shown
    assert "less the arm uncorrected" in shown
    assert (tmp_path / "figures" / "images_short.png").stat().st_size > 5_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [([], r"no images\*.jsonl in"), (["--keep", "nowhere"], "--keep nowhere: no metrics.jsonl and results.jsonl here")],
)
def test_what_is_not_there_is_said_in_one_line(tmp_path, arguments, told):
    with pytest.raises(DataError, match=told) as caught:
        image_figures.run([*arguments, "--records", str(tmp_path), "--out", str(tmp_path)])
    assert "\n" not in str(caught.value)
