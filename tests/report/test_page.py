"""The page is whole, safe and needs nothing else; its figures show the numbers they are given."""

import math
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from selfloop.report import figures
from selfloop.report import page as report

EVIL = "<script>alert('x')</script>&\"$a_b$"
ROWS = [
    {"arm": arm, "seed": seed, "generation": t, "fid": t + 10.0 * seed, EVIL: 1.0, "bad": math.nan}
    for arm in ("baseline", EVIL)
    for seed in (0, 1, 2)
    for t in range(4)
]


class Page(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def page(tmp_path):
    plots = [report.Plot(figures.grid(ROWS, [EVIL], ["baseline", EVIL], {EVIL: {EVIL: 2.0}}, {EVIL: EVIL}), EVIL)]
    tables = [report.Table(EVIL, ["arm", EVIL], [{"arm": EVIL, EVIL: EVIL}, {"arm": "none"}], EVIL)]
    sections = [report.Section(EVIL, "<p id='mine'>kept</p>")]
    report.write(tmp_path / "r.html", EVIL, [EVIL], {EVIL: EVIL}, {"a": {EVIL: [EVIL]}}, tables, plots, sections)
    return (tmp_path / "r.html").read_text("utf-8")


def test_all_text_is_escaped(page):
    tags = Page(page).tags
    assert "script" not in tags
    told = {"data-label", "aria-label", "title", "download"}  # shown, or the name of a file: they run nothing
    others = [(name, value) for name, value in Page(page).attributes if name not in told]
    others = [(name, value) for name, value in others if not (value or "").startswith("data:text/csv")]
    assert "alert(" not in "".join(f"{name}{value}" for name, value in others)
    assert not any("alert" in name for name, _ in Page(page).attributes)
    # title, h1, summary, table title, column, two cells, two captions, section, three facts, five texts of the figure
    assert "".join(Page(page).text).count("alert('x')") >= 15


def test_the_page_needs_no_network(page):
    assert "http" not in page
    assert "url(#" in page  # clip paths refer to the page itself
    for name, value in Page(page).attributes:
        assert name != "src"
        assert not name.endswith("href") or value.startswith(("#", "data:text/csv"))


def test_sections_are_put_in_as_they_are_and_figures_take_the_ink(page):
    assert "<p id='mine'>kept</p>" in page
    assert "currentColor" in page
    assert figures.INK not in page


def test_same_run_same_page(tmp_path):
    for name in ("a", "b"):
        plot = report.Plot(figures.grid(ROWS, ["fid"], ["baseline"], {"real": {"fid": 1.0}}))
        report.write(tmp_path / name, "t", [], {}, {}, plots=[plot])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_curves_draw_mean_spread_and_real_data():
    figure = figures.grid(ROWS, ["fid"], ["baseline"], {"real": {"fid": 1.5}, "none": {"fid": math.nan}, "no": {}})
    [axes] = figure.axes
    mean, real = axes.get_lines()
    np.testing.assert_allclose(mean.get_ydata(), np.arange(4) + 10.0)
    np.testing.assert_allclose(real.get_ydata(), 1.5)
    vertices = axes.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in vertices} == {(t, t + offset) for t in range(4) for offset in (0.0, 20.0)}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["baseline", "real"]


def test_series_leaves_out_what_is_not_finite():
    rows = [{"arm": "a", "generation": t, "m": value} for t, value in ((0, 1.0), (0, None), (1, "inf"), (2, 3))]
    assert figures.series(rows, "m", "a") == ([0, 2], [1.0, 3.0], [1.0, 3.0], [1.0, 3.0])


def test_figures_without_data_are_still_figures(tmp_path):
    figures.save(tmp_path / "deep" / "a.png", figures.grid(ROWS, ["bad", "absent"], ["baseline", "other"], {}))
    assert (tmp_path / "deep" / "a.png").read_bytes().startswith(b"\x89PNG")


def test_grid_has_a_panel_a_measure():
    figure = figures.grid(ROWS, ["fid", "bad", "fid", "fid"], ["baseline"], {"real": {"fid": 2.0}})
    assert [axes.get_visible() for axes in figure.axes] == [True] * 4 + [False] * 2
    assert [len(axes.get_lines()) for axes in figure.axes[:4]] == [2, 1, 2, 2]


def test_colours_are_the_arms_own():
    assert figures.colours(["physics"])["physics"] == figures.colours(["mine", "baseline", "physics"])["physics"]
    many = figures.colours(["mine", "baseline", "yours", "physics", "uncorrected"])
    assert len(set(many.values())) == 5
    assert len(set(figures.colours([f"arm {i}" for i in range(11)]).values())) == 11


def test_matplotlib_waits_until_it_is_needed_and_keeps_its_settings():
    code = """
import sys
from selfloop.report import figures
from selfloop.report import page as report
assert "matplotlib" not in sys.modules
import matplotlib
settings = lambda: {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}
before = settings()
report.svg(figures.grid([], ["fid"], ["a"]))
assert settings() == before and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
