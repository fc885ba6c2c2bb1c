"""The site is built without a warning and can be read from disk: all links lead somewhere, nothing is fetched."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.blocks import ROOT
from tests.docs.names import known_as, public

pytest.importorskip("sphinx", reason="needs the extra `docs`")
pytest.importorskip("myst_nb", reason="needs the extra `docs`")


def built(out, notebooks):
    """The site's folder; notebooks are ``force``d or left out (``off``)."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(out / "doctrees"), "docs"]
    environment = os.environ | {"SELFLOOP_DOCS_NOTEBOOKS": notebooks}
    done = subprocess.run(
        [*command, str(out / "site")], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return out / "site"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return built(tmp_path_factory.mktemp("docs"), "off")


class Page(HTMLParser):
    """Links, what is loaded, and anchors of a page."""

    LOADS = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src"}

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "link" and found.get("href") and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])
        if found.get(self.LOADS.get(tag, "")):
            self.loaded.append(found[self.LOADS[tag]])


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_every_page_is_there(pages, site):
    there = {str(path.relative_to(site)) for path in pages}
    docs = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert {str(path) for path in docs if path.parts[0] != "results"} <= there


def test_nothing_is_loaded_from_elsewhere(pages):
    outside = {
        (path.name, one) for path, page in pages.items() for one in page.loaded
        if urlsplit(one).scheme not in ("", "data") or one.startswith("/")
    }  # fmt: skip
    assert not outside
    for path in pages:
        assert "@import url(http" not in path.read_text("utf-8")


def test_all_links_lead_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            scheme, host, where, _, anchor = urlsplit(link)
            if scheme in ("http", "https", "mailto", "data") or host:
                continue
            assert not where.startswith("/"), f"{path}: {link} is absolute"
            target = (path.parent / unquote(where)).resolve() if where else path
            if not target.exists():
                broken.append(f"{path.name}: {link}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                broken.append(f"{path.name}: {link} (no such anchor)")
    assert not broken, "\n".join(broken[:40])


def test_no_path_of_the_machine_is_in_it(site):
    for path in site.rglob("*"):
        if path.suffix in (".html", ".js", ".css", ".json"):
            assert str(ROOT) not in path.read_text("utf-8"), path


def test_every_public_name_can_be_looked_up(site):
    from sphinx.util.inventory import InventoryFile

    with (site / "objects.inv").open("rb") as stream:
        inventory = InventoryFile.load(stream, "", lambda base, path: path)
    there = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    missing = [name for name, thing in public().items() if not known_as(name, thing) & there]
    assert not missing
    assert {"selfloop.Batch.x", "selfloop.Batch.weight", "selfloop.Audit.gamma"} <= there  # fields of records


@pytest.mark.slow
def test_notebooks_are_executed_and_show_each_figure_once(tmp_path):
    site = built(tmp_path, "force")
    for source in (ROOT / "docs" / "notebooks").glob("*.md"):
        text = (site / "notebooks" / f"{source.stem}.html").read_text("utf-8")
        figures = len(re.findall(r"plt\.subplots", source.read_text("utf-8")))
        assert len(re.findall(r'<img [^>]*src="[^"]*_images/', text)) == figures, source.name
        assert "Traceback" not in text
