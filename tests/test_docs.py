"""The code of the architecture page does what the page says."""

import re
from pathlib import Path

import pytest

from selfloop.runs import record
from tests.docs import blocks

PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text("utf-8")


@pytest.fixture(scope="module")
def queue(tmp_path_factory):
    """The names that the page's example leaves behind, and the folder it was run in."""
    (code,) = (block.text for block in blocks.blocks("docs/architecture.md") if block.python)
    assert code.count("\n") <= 60
    home = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        return blocks.run("docs/architecture.md")[1], home


def test_a_domain_written_from_the_page_runs_with_arms_seeds_and_a_report(queue):
    names, home = queue
    rows = record.read(home / "runs" / "queue" / "metrics.jsonl")
    assert {row["arm"] for row in rows} == set(names["QUEUE"].arms)
    assert {row["seed"] for row in rows} == {0, 1, 2}
    assert all(row["wait_s"] > 0 and row["fid_logarithms"] >= -1e-3 for row in rows)
    assert "A queue that learns from itself" in (home / names["report"]).read_text("utf-8")


def test_it_resumes(queue):
    names, home = queue
    settings = names["QueueSettings"](generations=6, seeds=3, evaluate=64, out=home / "runs" / "queue")
    before = (settings.out / "metrics.jsonl").read_bytes()
    names["run"](names["QUEUE"], settings)
    assert (settings.out / "metrics.jsonl").read_bytes() == before


def test_every_file_that_the_page_names_is_there():
    root = Path(__file__).parents[1]
    linked = re.findall(r"\]\(\.\./([\w/.]+)\)", PAGE)
    named = re.findall(r"`(?:selfloop|tests|experiments|theory)/[\w/]+\.py`", PAGE)
    assert linked
    for path in [*linked, *(one.strip("`") for one in named if "NAME" not in one)]:
        assert (root / path).exists(), path


def test_every_figure_is_in_the_gallery_and_every_picture_exists():
    docs = Path(__file__).parents[1] / "docs"
    shown = set(re.findall(r"\]\((figures/[\w.]+)\)", (docs / "gallery.md").read_text("utf-8")))
    assert shown == {f"figures/{path.name}" for path in (docs / "figures").iterdir()}
