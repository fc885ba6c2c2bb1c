"""A run as an object: its finding, tables and figures; certificates and audits likewise; comparison of runs."""

import csv
import io
import subprocess
import sys

import jax
import pytest

import selfloop
from selfloop.analysis.compare import Run, compare, verdict
from selfloop.analysis.results import pack
from selfloop.cli.compare import comparison
from selfloop.cli.report import exported
from selfloop.errors import ConfigError, DataError
from selfloop.figure import Figure
from selfloop.metrics.estimates import Estimate
from selfloop.runs import record
from tests.analysis.made import ABOUT, Results, made_rows, of_rows


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("run"), of_rows(made_rows()))


def stored(out, results, **config):
    record.rewrite(out / "results.jsonl", pack(results))
    record.write_json(out / "domain.json", dict(results.about))
    record.write_json(out / "config.json", {"evaluate": 80, "data": None} | config)
    return out


def test_a_result_says_its_finding_and_has_tables(run):
    result = selfloop.load(run)
    assert result.finding in repr(result)
    assert result.finding.startswith("After 10 generations training on its own samples surely made the model worse")
    assert {"last_generation", "gain_of_correction", "generations"} <= set(result.tables)
    html = result._repr_html_()
    assert html.count("<tr>") == 1 + 4
    with pytest.raises(ConfigError, match="no table 'none'; choose one of last_generation"):
        result.table("none")


def test_a_table_is_a_data_frame_or_a_list(run, monkeypatch):
    result = selfloop.load(run)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    rows = result.table()
    assert [row["line"] for row in rows] == ["generation 0", "baseline", "uncorrected", "halving"]
    assert rows[2]["fid_points_low"] < rows[2]["fid_points"] < rows[2]["fid_points_high"]
    assert len(result.table("generations")) == 3 * 3 * 11
    monkeypatch.undo()
    pandas = pytest.importorskip("pandas", reason="pandas is not installed (extra test)")
    frame = result.table()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["line"]) == [row["line"] for row in rows]


def test_every_figure_is_one_or_says_why_not(run):
    plot = selfloop.load(run).plot
    for figure in (plot.curves(), plot.curves("shake"), plot.components(), plot.prices()):
        assert isinstance(figure, Figure)
        assert figure._repr_png_().startswith(b"\x89PNG")
    for name in ("distances", "contraction", "gammas"):
        with pytest.raises(ConfigError, match="has no figure"):
            getattr(plot, name)()
    with pytest.raises(ConfigError, match="no measure 'none'"):
        plot.curves("none")


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(DataError, match="holds no run"):
        selfloop.load(tmp_path)


SHOWN = """
import sys, selfloop
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
assert "matplotlib" not in sys.modules
shell = InteractiveShell.instance()
shell.user_ns["result"] = selfloop.load(sys.argv[1])
with capture_output() as shown:
    shell.run_cell("result.plot.curves()")
    data = shell.display_formatter.format(shell.user_ns["_"])[0]
assert data["image/png"][:4] == b"\\x89PNG", data.keys()
assert "matplotlib.pyplot" not in sys.modules  # nothing keeps the figure, to show it a second time
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")
matplotlib.interactive(True)
from matplotlib_inline.backend_inline import configure_inline_support, flush_figures
configure_inline_support(shell, "inline")
def by_itself(code):  # how many pictures a cell shows that has no expression at its end
    with capture_output() as shown:
        shell.run_cell(code).raise_error()
        flush_figures()
    return sum("image/png" in one.data for one in shown.outputs)
assert by_itself("figure = result.plot.curves()") == 0  # it is shown where a cell ends with it, and nowhere else
assert list(shell.display_formatter.format(shell.user_ns["figure"])[0]) == ["text/plain", "image/png"]
assert by_itself("from matplotlib import pyplot; pyplot.plot([1])") == 1  # one that would be seen twice is seen here
"""


def test_a_figure_is_shown_once_in_a_notebook(run):
    pytest.importorskip("IPython", reason="IPython is not installed (extra test)")
    subprocess.run([sys.executable, "-c", SHOWN, str(run)], check=True, timeout=300)


def test_a_certificate_and_an_audit_show_themselves():
    x = 1 + 2 * jax.random.normal(jax.random.key(0), (200, 1))
    certificate = selfloop.certify(selfloop.gaussian(1), x, lam=1.0, gamma=0.5)
    assert len(repr(certificate)) < 200
    assert "Bertrand/Gillman" in certificate._repr_html_()
    axes = certificate.plot().axes[0]
    exact = next(line for line in axes.get_lines() if line.get_label() == "exact")
    lam, rate = exact.get_xdata(), exact.get_ydata()
    assert rate == pytest.approx(lam / (1 + lam) / 1.5, rel=1e-6)  # m = 1: an exponential family

    draw = lambda key, n: jax.random.normal(key, (n, 2))  # noqa: E731
    raw, real = selfloop.uniform(3 + draw(jax.random.key(1), 150)), selfloop.uniform(draw(jax.random.key(2), 150))
    found = selfloop.audit(jax.random.key(3), selfloop.replacement(draw, 1.0), raw, real, resamples=200)
    assert len(repr(found)) < 200
    assert "effective gamma" in found._repr_html_()
    assert len(found.plot().axes[0].containers) == 3


def shifted(by, arms=("baseline", "uncorrected", "halving"), seeds=(0, 1, 2)):
    rows = [row for row in made_rows() if row["arm"] in arms and row["seed"] in seeds]
    return of_rows([row | {"fid_points": row["fid_points"] + by * (row["arm"] == "uncorrected")} for row in rows])


def test_runs_are_compared_within_seeds():
    rows = compare(Run("a", shifted(0), {}), Run("b", shifted(2.0), {}))
    (row,) = [row for row in rows if (row["arm"], row["measure"]) == ("uncorrected", "fid_points")]
    assert (row["seeds"], row["generation"], row["verdict"]) == (3, 10, "worse")
    assert row["difference"] == pytest.approx(2.0)
    assert row["difference_high"] - row["difference_low"] < 1e-9  # the seeds' own spread goes out with the pairing
    assert {row["verdict"] for row in rows if row["arm"] == "baseline"} == {"cannot be told"}


def test_a_difference_says_no_more_than_its_interval():
    assert verdict(Estimate(1, -1, 3), "less") == "cannot be told"
    assert verdict(Estimate(1, 0.5, 3), "less") == "worse"
    assert verdict(Estimate(1, 0.5, 3), "more") == "better"
    assert verdict(Estimate(-1, -3, -0.5), "") == "lower"
    assert "no interval" in verdict(Estimate(1, float("nan"), float("nan")), "less")


@pytest.mark.parametrize(
    ("other", "config", "message"),
    [
        (shifted(0, seeds=(2,)), {}, "no arm of a seed in common"),
        (shifted(0, arms=("halving",)), {}, "none in common"),
        (shifted(0), {"evaluate": 7}, "--evaluate 80 and b 7"),
        (Results(ABOUT | {"name": "else"}, made_rows(), [], [], [], {}), {}, "one domain"),
        (Results(ABOUT | {"measures": ABOUT["measures"][1:2]}, made_rows(), [], [], [], {}), {}, "nothing in common"),
    ],
)
def test_what_does_not_compare_is_refused_in_one_line(other, config, message):
    first = Run("a", shifted(0, arms=("baseline", "uncorrected"), seeds=(0, 1)), {"evaluate": 80})
    with pytest.raises(ConfigError, match=message) as found:
        compare(first, Run("b", other, {"evaluate": 80} | config))
    assert "\n" not in str(found.value)


def test_the_command_compares_folders(run, tmp_path):
    other = stored(tmp_path / "other", shifted(2.0))
    (table,) = comparison([run, other])
    assert table.title == f"{other} against {run}"
    assert len(table.rows) == 3 * 4
    with pytest.raises(ConfigError, match="1 run given"):
        comparison([run])


def test_tables_are_exported_as_csv(run, tmp_path):
    paths = exported(selfloop.load(run), "csv", tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "last_generation.csv").read_text())))
    assert len(paths) > 4
    assert float(rows[1]["fid_points_low"]) <= float(rows[1]["fid_points"])
    with pytest.raises(ConfigError, match="cannot be exported as bvh; choose among csv"):
        exported(selfloop.load(run), "bvh", tmp_path)
