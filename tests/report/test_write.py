"""The report of a made run: its tables, sentences, figures and page, from results and from their records."""

import re
from types import SimpleNamespace

import pytest

from selfloop.analysis.cells import placed
from selfloop.analysis.glossary import Entry, entry
from selfloop.errors import DataError
from selfloop.report import write
from selfloop.report.summary import summary
from selfloop.report.tables import last_generation, tables
from selfloop.report.values import over, shown
from tests.analysis.made import ABOUT, GENERATIONS, made_results, made_rows, made_run, of_rows

CONFIG = {"evaluate": 80}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return made_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def found(out):
    return made_results(out)


def many_cells():
    """The made rows at two lambdas and two heats."""
    rows = [row | {"axes": (("heat", heat),)} for row in made_rows() for heat in (1.0, 2.5)]
    rows += [row | {"lam": 4.0} for row in rows if row["synthetic"]]
    return of_rows(placed(ABOUT, rows))


def titles(results):
    return [table.title for table in tables(results)]


def test_the_last_generation_has_a_row_an_arm_between_generation_0_and_real_data(found):
    table = last_generation(found)
    assert [row["line"] for row in table.rows] == ["generation 0", "baseline", "uncorrected", "halving", "real"]
    assert table.columns == ["line", "FID points", "modes effective", "shake (m/s)", "slip (mm)"]
    by_line = {row["line"]: {name: shown(value) for name, value in row.items()} for row in table.rows}
    assert by_line["generation 0"]["FID points"].startswith(("3 ±", "2.99 ±", "3.01 ±"))
    mean, half = map(float, by_line["uncorrected"]["FID points"].split(" ± "))
    assert abs(mean - 3 - GENERATIONS) < 0.05
    assert 0 < half < 0.1
    assert by_line["real"]["FID points"] == "1.5"
    assert "95 %" in table.caption


def test_seeds_are_shown_as_many_as_they_are():
    assert over([]) is None
    assert over([2.0]) == 2.0
    assert shown(over([1.0, 2.0])) == "1.5 ± 0.5"
    assert shown(over([1.0, 2.0, 3.0])) == "2 ± 2.5"  # 4.30 sd / sqrt(3)
    assert shown(over([1.0, 2.0, 3.0], Entry("", 0, 3))) == "2 [0, 3]"  # an interval shows no value that cannot be
    rows = [row for row in made_rows() if row["seed"] < 2]
    assert "two" in last_generation(of_rows(rows)).caption


def test_every_column_but_axes_and_made_measures_has_a_definition(found):
    measures, undefined = {found.heading(one.name) for one in found.measures if not entry(one.name).about}, set()
    for results in (found, many_cells()):
        for table in tables(results):
            undefined |= {name for name in table.columns if not table.about.get(name)} - measures
    assert undefined <= {"heat"}


def test_cells_are_told_apart_by_what_differs():
    table = last_generation(many_cells())
    assert table.columns[:3] == ["heat", "lam", "line"]
    lines = [(row.get("heat"), row.get("lam"), row["line"]) for row in table.rows]
    # These loops are the same at every heat, and stand once.
    assert lines[:4] == [("any", None, "generation 0"), ("any", 0.0, "baseline"), ("any", 1.0, "uncorrected"),
                         ("any", 1.0, "halving")]  # fmt: skip
    assert len(lines) == 1 + 1 + 2 * 2


def test_a_chain_that_died_is_named_and_not_averaged():
    rows = [row for row in made_rows() if (row["arm"], row["seed"]) != ("uncorrected", 0) or row["generation"] < 4]
    head = {"n": 64, "heat": 2.5, "lam": 1.0, "arm": "uncorrected", "seed": 0, "start": 0}
    rows += placed(ABOUT, [head | {"generation": 4, "stopped": True}])
    found = of_rows(rows)
    assert "uncorrected (1 of 3 seeds stopped)" in [row["line"] for row in last_generation(found).rows]
    assert any("1 of them stopped" in line for line in summary(found, CONFIG))


def test_tables_stand_only_where_they_have_rows(found):
    assert {"Contraction", "Share that correction removes", "Effective gamma"} <= set(titles(found))
    assert "Break-even lambda" not in titles(found)
    assert "Break-even lambda" in titles(many_cells())
    assert not {"Contraction", "Effective gamma"} & set(titles(many_cells()))
    bare = of_rows([row for row in made_rows() if row["arm"] == "uncorrected"])
    assert titles(bare) == ["Last generation", "End of the loop", "Drift a generation", "Price of a generation"]


def test_the_summary_says_what_was_run(found):
    lines = summary(found, CONFIG)
    assert lines[0].startswith("64 real samples, lambda = 1, heat 2.5, 10 generations, 3 seeds; 1 min 39 s")
    assert "80 new samples" in lines[1]
    assert "measured on 80 samples" in lines[1]
    assert f"halving {2 * 3 * (GENERATIONS + 1)}" in lines[2]
    assert "baseline" not in lines[2]
    many = summary(many_cells(), CONFIG)
    assert many[0].startswith("64 real samples, lambda = 1 and 4, heat 1 and 2.5,")
    assert any("in 4 of 4 cells; correction surely removes some of that in 4" in line for line in many)


def test_the_report_is_written_and_its_figures_are_drawn_again(out, found, capsys):
    import results_figures

    domain = SimpleNamespace(sections=lambda out: [("Own", f"<p id='own'>{out.name}</p>")])
    html = write.show(found, out, domain).read_text()
    assert f"<p id='own'>{out.name}</p>" in html
    assert "<title>Linear loops</title>" in html
    assert re.search(r"<h2>Share that correction removes</h2>", html)
    printed = capsys.readouterr().out
    assert "Last generation" in printed
    assert "Contraction" in printed
    first = sorted(path.name for path in (out / "figures").glob("*.png"))
    assert {"measures.png", "artefact.png", "components.png", "contraction.png", "gammas.png"} <= set(first)
    results_figures.run(["--records", str(out / write.RECORDS), "--out", str(out / "again")])
    assert sorted(path.name for path in (out / "again").glob("*.png")) == [f"results_{name}" for name in first]


@pytest.mark.slow
def test_many_cells_are_panels_side_by_side(tmp_path):
    drawn = write.save_figures(many_cells(), tmp_path)
    assert len(drawn["measures"].figure.axes) == 4 * 4
    assert [axes.get_title(loc="left") for axes in drawn["measures"].figure.axes[:2]] == [
        "n = 64, heat 1, λ = 1",
        "n = 64, heat 1, λ = 4",
    ]
    assert len(drawn["components"].figure.axes) == 4


def test_no_records_are_refused(tmp_path):
    import results_figures

    with pytest.raises(DataError, match="no such file"):
        results_figures.run(["--records", str(tmp_path / "none.jsonl"), "--out", str(tmp_path)])
