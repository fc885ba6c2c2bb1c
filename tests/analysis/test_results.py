"""The analysis of a whole run of linear loops whose contraction, gamma, drift and price are known."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from selfloop.analysis import contraction, cost, effective_gamma, prediction
from selfloop.analysis.cells import Cell, arms, cells, common, placed
from selfloop.analysis.columns import spread_of
from selfloop.analysis.components import decompose, ends
from selfloop.analysis.results import pack, unpack
from selfloop.engine import folder
from selfloop.errors import DataError
from selfloop.report.tables import tables
from selfloop.runs import record
from tests.analysis.made import (
    ABOUT,
    CELL,
    CONTRACTION,
    COUPLED,
    GAMMA,
    GENERATIONS,
    MEMORY,
    N,
    made_results,
    made_rows,
    made_run,
    of_rows,
)

DOCS = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def found(out):
    return made_results(out)


def part(rows, arm, measure):
    (row,) = [row for row in rows if (row["arm"], row["measure"]) == (arm, measure)]
    return row


def test_a_folder_without_a_run_is_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match=r"domain\.json: no such file"):
        contraction.measure(tmp_path)


def test_every_arm_contracts_at_its_rate(found):
    paired = {row["arm"]: row for row in found.rates if row["distance"] == "paired"}
    assert {arm: row["rate"] for arm, row in paired.items()} == pytest.approx(CONTRACTION, rel=1e-4)
    mmd = {row["arm"]: row for row in found.rates if row["distance"] == "mmd"}
    for arm, row in mmd.items():  # a distance of 1 sd at first: the kernel is not yet quadratic there
        assert row["seeds"] == 3
        assert row["apart"]
        assert row["rate"] == pytest.approx(CONTRACTION[arm], rel=0.05)


def test_distances_are_over_what_both_chains_have(found):
    assert {len(row["generation"]) for row in found.distances} == {COUPLED + 1}
    assert all(row["start"] != row["seed"] for row in found.distances)


def test_gamma_is_that_of_the_corrector(found):
    (one,) = [row for row in effective_gamma.averages(found.gammas) if row["space"] == "points"]
    assert (one["generations"], one["seeds"]) == (2, 3)  # 5 and 10
    assert one["low"] < GAMMA < one["high"]
    # Student's with three seeds is 2.5 standard deviations to each side, and a seed of N samples knows rho to a tenth.
    assert 1 / (1 + one["low"]) - 1 / (1 + one["high"]) < 0.6
    assert all(row["failed"] == pytest.approx(1 / N) for row in found.gammas)


def test_gamma_is_not_read_where_nothing_is_far_enough(found):
    artefacts = [row for row in found.gammas if row["space"] == "artefacts"]
    assert len(artefacts) == 9  # three seeds, generations 0, 5 and 10
    assert all(math.isnan(row["gamma"]) for row in artefacts)
    (one,) = [row for row in effective_gamma.averages(found.gammas) if row["space"] == "artefacts"]
    assert (one["generations"], one["refused"]) == (0, 6)
    assert math.isnan(one["gamma"])


def test_gammas_are_kept_and_not_audited_again(out, found):
    before = (out / effective_gamma.FILE).read_bytes()
    again = effective_gamma.measure(out)
    assert (out / effective_gamma.FILE).read_bytes() == before
    np.testing.assert_equal(again, found.gammas)


def test_spaces_that_were_not_observed_are_not_audited(found):
    assert {row["space"] for row in found.gammas} == {"points", "artefacts"}


def test_the_prediction_with_memory_meets_the_measurement(found):
    rows = prediction.predictions(found)
    assert {row["arm"] for row in rows} == {"uncorrected", "halving"}
    for row in rows:
        assert row["memory"] == pytest.approx(MEMORY, rel=0.05)
        assert abs(row["remembered"] - row["measured"]) < 0.06
        assert row["predicted"] < row["measured"] - 0.2
        assert not row["holds"]


def test_the_decomposition_finds_what_was_put_in():
    rows = decompose(of_rows(made_rows()))
    late = np.mean(range(GENERATIONS - 4, GENERATIONS + 1))
    free = part(rows, "uncorrected", "fid_points")
    assert free["drift"] == pytest.approx(1, abs=0.02)
    assert free["end"] == pytest.approx(3 + late, abs=0.05)
    assert free["end_low"] < 3 + late < free["end_high"]
    assert free["multiple"] == pytest.approx((3 + late) / 3, abs=0.05)
    assert math.isnan(free["removed"])
    assert part(rows, "halving", "fid_points")["removed"] == pytest.approx(0.5, abs=0.02)
    assert part(rows, "halving", "shake")["removed"] == pytest.approx(1, abs=0.02)
    flat = spread_of(part(rows, "halving", "slip_mm"), "removed")
    assert math.isnan(flat.value)
    assert part(rows, "baseline", "shake")["kind"] == "artefact"
    assert "never" not in {row["measure"] for row in rows}


def test_coupled_and_dead_chains_have_no_part_in_the_end():
    rows = made_rows()
    coupled = [row | {"start": 2, "fid_points": 1e6} for row in rows if row["seed"] == 1]
    assert decompose(of_rows(rows + coupled)) == decompose(of_rows(rows))
    dead = [row for row in rows if not (row["seed"] == 0 and row["generation"] > 3)]
    free = [row for row in dead if row["arm"] == "uncorrected"]
    assert set(ends(free, "fid_points")) == {1, 2}


def test_without_a_baseline_nothing_is_held_against_it():
    rows = [row for row in made_rows() if row["arm"] != "baseline"]
    found = decompose(of_rows(rows))
    assert np.isnan([[row["multiple"], row["removed"]] for row in found]).all()
    assert not np.isnan([row["end"] for row in found]).any()


def test_the_baseline_stands_in_every_cell_of_its_n_and_axes():
    rows = made_rows()
    assert cells(rows) == [CELL]
    assert arms(rows, CELL) == ["baseline", "uncorrected", "halving"]
    assert arms(rows, CELL._replace(axes=(("heat", 1.0),))) == []
    more = placed(ABOUT, [row | {"lam": 4.0} for row in rows if row["synthetic"]])
    assert arms(rows + more, CELL._replace(lam=4.0)) == ["baseline", "uncorrected", "halving"]
    assert common(rows) == {"n", "heat", "lam"}
    assert common(rows + more) == {"n", "heat"}


def test_a_cell_has_any_axes():
    assert Cell(64, (), 1.0).title == "n = 64, λ = 1"
    assert Cell(8, (("heat", 2.5), ("top_k", 3)), 0.5).title == "n = 8, heat 2.5, top k 3, λ = 0.5"
    about = ABOUT | {"axes": []}
    rows = placed(about, [{"n": 8, "lam": 2.0, "arm": "halving"}])
    assert cells(rows) == [Cell(8, (), 2.0)]


def test_prices_and_times_are_those_of_the_clock():
    found = of_rows(made_rows())
    price = {row["arm"]: row for row in cost.prices(found)}
    assert (price["uncorrected"]["loop"], price["halving"]["loop"]) == (3.0, 6.0)
    assert price["halving"]["correct_share"] == 0.5
    times = {(row["arm"], row["level"]): row for row in cost.times(found) if row["measure"] == "fid_points"}
    # FID is 3 + t, against 1.5 times 3: within until generation 1, of 3 core-seconds each.
    assert times["uncorrected", 1.5]["reached"] == 0
    assert times["uncorrected", 1.5]["lost"] == 3.0
    assert times["halving", 2.0]["lost"] in (5 * 6.0, 6 * 6.0)  # 3 + 6 / 2 = 6 but for chance
    assert math.isnan(times["baseline", 1.1]["lost"])


def test_gains_are_paired_and_equal_compute_is_counted():
    gained = cost.gains(of_rows(made_rows()))
    assert {row["measure"] for row in gained} == {"fid_points", "shake", "slip_mm"}  # headline, less is better
    row = part(gained, "halving", "fid_points")
    late = np.mean(range(GENERATIONS - 4, GENERATIONS + 1))
    assert row["gain"] == pytest.approx(late / 2, abs=0.05)
    assert row["harm"] == pytest.approx(late, abs=0.05)
    assert (row["generations_free"], row["generations"]) == (GENERATIONS, GENERATIONS // 2)
    assert row["gain_equal_compute"] == pytest.approx(late - 3 / 2, abs=0.05)  # halving: mean of 0.5 t, t = 1 to 5


def test_break_even_is_where_harm_and_gain_begin():
    def row(lam, harm, gain):
        head = {"n": 64, "heat": 1.0, "lam": lam, "arm": "halving", "measure": "shake"}
        limits = {f"{name}{end}": value + shift for name, value in (("harm", harm), ("gain_equal_compute", gain))
                  for end, shift in (("", 0.0), ("_low", -0.5), ("_high", 0.5))}  # fmt: skip
        return head | limits

    def even(*rows):
        return cost.break_even(placed(ABOUT, rows))

    (found,) = even(row(4.0, 3.0, 1.0), row(1.0, 0.2, -1.0), row(2.0, 2.0, 0.3))
    assert found["lams"] == [1.0, 2.0, 4.0]
    assert found["harmless"] == 1.0
    assert found["pays_from"] == 4.0
    assert found["crossing"] == pytest.approx(2 ** (1 / 1.3))
    (never,) = even(row(1.0, 2.0, -1.0))
    assert np.isnan([never["harmless"], never["pays_from"], never["crossing"]]).all()


def test_records_hold_all_that_is_shown(found):
    kept = [json.loads(json.dumps(record.plain(row))) for row in pack(found)]
    assert kept[0] == {"kind": "about"} | ABOUT
    again = unpack(kept)
    assert decompose(again)[0]["end"] == pytest.approx(decompose(found)[0]["end"], rel=1e-4)
    assert [row["why"] for row in again.rates] == [row["why"] for row in found.rates]
    for kind, name in (("rates", "rate"), ("gammas", "gamma")):
        ours, theirs = ([row[name] for row in getattr(one, kind)] for one in (again, found))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert again.real["64"]["real"]["fid_points"] == 1.5
    assert [table.title for table in tables(again)] == [table.title for table in tables(found)]


def test_records_of_the_first_version_are_read():
    about = ABOUT | {
        "axes": ["guidance"],
        "arms": dict.fromkeys(("uncorrected", "physics_prior"), ABOUT["arms"]["halving"]),
    }
    rows = record.read(DOCS / "grid_anew.jsonl")
    assert {row["kind"] for row in rows} >= {"lane", "floor"}
    found = unpack(rows, about)
    assert cells(found.rows) == [Cell(64, (("guidance", 1.0),), 1.0)]
    assert found.real["64"]["real"]["samples"] == 256
    with pytest.raises(DataError, match="kind about"):
        unpack(rows)


def test_real_data_are_each_n_s_own(tmp_path, out):
    """Laws of one n are told apart in units of its own reference."""
    again = made_run(tmp_path / "again")
    path = folder.data_folder(again, 64) / "reference.npz"
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files}
    np.savez(path, **arrays | {"space/points": 100 * arrays["space/points"]})
    values = [contraction.measure(one)[1][0]["value"][0] for one in (out, again)]
    assert values[1] < values[0] / 10
