"""The analysis of a whole grid of linear loops whose contraction, gamma, drift and price are known."""

import json
import math

import grid_made
import numpy as np
import pytest
from grid_made import CONTRACTION, GAMMA, GENERATIONS, MEMORY, made_grid, made_rows
from selfloop.domains.motion.grid import contraction, cost, findings, gammas, prediction, report, tables

from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import arms, cells, decompose, ends
from selfloop.analysis.results import Findings, pack, unpack
from selfloop.errors import DataError
from selfloop.runs import record

CELL = (64, 2.5, 1.0)
FLOORS = {"64": {"samples": 80, "fid_features": 1.5, "spread": {"fid_features": 0.1}}}


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return made_grid(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="module")
def found(grid):
    rates, distances = contraction.measure(grid)
    return Findings(made_rows(), rates, distances, gammas.measure(grid), FLOORS)


def part(rows, arm, measure):
    (row,) = [row for row in rows if (row["arm"], row["measure"]) == (arm, measure)]
    return row


def test_a_folder_without_a_grid_is_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match=r"reference\.npz: no such file"):
        contraction.measure(tmp_path)


def test_every_arm_contracts_at_its_rate(found):
    paired = {row["arm"]: row for row in found.rates if row["distance"] == "paired"}
    assert {arm: row["rate"] for arm, row in paired.items()} == pytest.approx(CONTRACTION, rel=1e-4)
    mmd = {row["arm"]: row for row in found.rates if row["distance"] == "mmd"}
    for arm, row in mmd.items():  # a distance of 1 sd at first: the kernel is not yet quadratic there
        assert row["seeds"] == 3
        assert row["apart"]
        assert row["rate"] == pytest.approx(CONTRACTION[arm], rel=0.05)


def test_gamma_is_that_of_the_corrector(found):
    (one,) = [row for row in gammas.averages(found.gammas) if row["space"] == "features"]
    assert one["generations"] == 2  # 5 and 10
    assert one["low"] < GAMMA < one["high"]
    assert one["high"] - one["low"] < 1.5
    assert all(row["failed"] == pytest.approx(1 / grid_made.N) for row in found.gammas)


def test_gamma_is_not_audited_where_nothing_can_be_read(found):
    artefacts = [row for row in found.gammas if row["space"] == "artefacts"]
    assert len(artefacts) == 3
    assert all(math.isnan(row["gamma"]) for row in artefacts)
    (one,) = [row for row in gammas.averages(found.gammas) if row["space"] == "artefacts"]
    assert (one["generations"], one["refused"]) == (0, 2)
    assert math.isnan(one["gamma"])


def test_gammas_are_kept(grid, found, monkeypatch):
    monkeypatch.setattr(gammas, "effective", None)
    again = gammas.measure(grid)
    assert [row["generation"] for row in again] == [row["generation"] for row in found.gammas]
    np.testing.assert_equal([row["gamma"] for row in again], [row["gamma"] for row in found.gammas])


def test_the_prediction_with_memory_meets_the_measurement(found):
    rows = prediction.predictions(found.rates, gammas.averages(found.gammas))
    for row in rows:
        assert row["memory"] == pytest.approx(MEMORY, rel=0.05)
        assert abs(row["remembered"] - row["measured"]) < 0.06
        assert row["predicted"] < row["measured"] - 0.2
        assert not row["holds"]


def test_the_decomposition_finds_what_was_put_in():
    rows = decompose(made_rows())
    late = np.mean(range(GENERATIONS - 4, GENERATIONS + 1))
    free = part(rows, "uncorrected", "fid_features")
    assert free["drift"] == pytest.approx(1, abs=0.02)
    assert free["end"] == pytest.approx(3 + late, abs=0.05)
    assert free["end_low"] < 3 + late < free["end_high"]
    assert free["multiple"] == pytest.approx((3 + late) / 3, abs=0.05)
    assert math.isnan(free["removed"])
    assert part(rows, "physics", "fid_features")["removed"] == pytest.approx(0.5, abs=0.02)
    assert part(rows, "physics", "jerk")["removed"] == pytest.approx(1, abs=0.02)
    flat = spread_of(part(rows, "physics", "skate_mm_per_frame"), "removed")
    assert math.isnan(flat.value)
    assert part(rows, "baseline", "jerk")["kind"] == "artefacts"


def test_twins_and_dead_lanes_have_no_part_in_the_end():
    rows = made_rows()
    twins = [row | {"start": 2, "fid_features": 1e6} for row in rows if row["seed"] == 1]
    dead = [row for row in rows if not (row["seed"] == 0 and row["generation"] > 3)]
    assert decompose(rows + twins) == decompose(rows)
    free = [row for row in dead if row["arm"] == "uncorrected"]
    assert set(ends(free, "fid_features")) == {1, 2}


def test_without_an_encoder_kinetic_features_stand_in():
    rows = [{name.replace("features", "kinetic"): value for name, value in row.items()} for row in made_rows()]
    assert part(decompose(rows), "physics", "fid_kinetic")["removed"] == pytest.approx(0.5, abs=0.02)


def test_the_baseline_stands_in_every_cell_of_its_n():
    assert cells(made_rows()) == [CELL]
    assert arms(made_rows(), CELL) == ["baseline", "uncorrected", "physics"]


def test_prices_and_times_are_those_of_the_clock():
    rows = made_rows()
    price = {row["arm"]: row for row in cost.prices(rows)}
    assert (price["uncorrected"]["loop"], price["physics"]["loop"]) == (3.0, 6.0)
    assert price["physics"]["correct_share"] == 0.5
    times = {(row["arm"], row["level"]): row for row in cost.times(rows) if row["measure"] == "fid_features"}
    # FID is 3 + t, against 1.5 times 3: within until generation 1, of 3 core-seconds each.
    assert times["uncorrected", 1.5]["reached"] == 0
    assert times["uncorrected", 1.5]["lost"] == 3.0
    assert times["physics", 2.0]["lost"] in (5 * 6.0, 6 * 6.0)  # 3 + 6 / 2 = 6 but for chance
    assert math.isnan(times["baseline", 1.1]["lost"])


def test_gains_are_paired_and_equal_compute_is_counted():
    gained = cost.gains(made_rows())
    row = part(gained, "physics", "fid_features")
    late = np.mean(range(GENERATIONS - 4, GENERATIONS + 1))
    assert row["gain"] == pytest.approx(late / 2, abs=0.05)
    assert row["harm"] == pytest.approx(late, abs=0.05)
    assert (row["generations_free"], row["generations"]) == (GENERATIONS, GENERATIONS // 2)
    assert row["gain_equal_compute"] == pytest.approx(late - 3 / 2, abs=0.05)  # physics: mean of 0.5 t, t = 1 to 5


def test_break_even_is_where_harm_and_gain_begin():
    def row(lam, harm, gain):
        head = {"n": 64, "guidance": 1.0, "lam": lam, "arm": "physics", "measure": "jerk"}
        limits = {f"{name}{end}": value + shift for name, value in (("harm", harm), ("gain_equal_compute", gain))
                  for end, shift in (("", 0.0), ("_low", -0.5), ("_high", 0.5))}  # fmt: skip
        return head | limits

    (found,) = cost.break_even([row(4.0, 3.0, 1.0), row(1.0, 0.2, -1.0), row(2.0, 2.0, 0.3)])
    assert found["lams"] == [1.0, 2.0, 4.0]
    assert found["harmless"] == 1.0
    assert found["pays_from"] == 4.0
    assert found["crossing"] == pytest.approx(2 ** (1 / 1.3))
    (never,) = cost.break_even([row(1.0, 2.0, -1.0)])
    assert np.isnan([never["harmless"], never["pays_from"], never["crossing"]]).all()


def test_records_hold_all_that_figures_need(found):
    kept = [json.loads(json.dumps(record.plain(row))) for row in pack(found)]
    again = unpack(kept)
    assert decompose(again.rows)[0]["end"] == pytest.approx(decompose(found.rows)[0]["end"], rel=1e-4)
    assert [row["why"] for row in again.rates] == [row["why"] for row in found.rates]
    np.testing.assert_allclose([row["rate"] for row in again.rates], [row["rate"] for row in found.rates], rtol=1e-4)
    np.testing.assert_allclose(
        [row["gamma"] for row in again.gammas], [row["gamma"] for row in found.gammas], rtol=1e-4
    )
    assert again.floors["64"]["fid_features"] == 1.5
    tables.tables(again)  # from records alone


def test_the_page_and_the_figures_are_written_and_drawn_again(grid, found, monkeypatch, capsys):
    import results_figures

    monkeypatch.setattr(findings, "measured", lambda out: made_rows())
    monkeypatch.setattr(findings, "floor_rows", lambda out: FLOORS)
    page = report.write(grid)
    html = page.read_text()
    assert "Share that correction removes" in html
    assert "Contraction" in capsys.readouterr().out
    first = sorted(path.name for path in (grid / "figures").glob("*.png"))
    assert "grid_contraction.png" in first
    results_figures.run(["--records", str(grid / "grid.jsonl"), "--out", str(grid / "again")])
    assert sorted(path.name for path in (grid / "again").glob("*.png")) == first


def test_no_records_are_refused(tmp_path):
    import results_figures

    with pytest.raises(DataError, match="no such file"):
        results_figures.run(["--records", str(tmp_path / "none.jsonl"), "--out", str(tmp_path)])
