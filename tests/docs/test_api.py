"""Every public name has its place on an API page, and every page names what there is."""

import importlib
import re

import pytest

from tests.docs.blocks import ROOT
from tests.docs.names import known_as, public

PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
DIRECTIVE = re.compile(r"^\.\. auto(function|class|data|module):: ([\w.]+)\n((?:   :[^\n]*\n)*)", re.MULTILINE)
SHOWN = [(kind, name, options) for page in PAGES for kind, name, options in DIRECTIVE.findall(page.read_text("utf-8"))]


def shown():
    """Full names that the pages show."""
    found = set()
    for kind, name, options in SHOWN:
        if kind != "module":
            found.add(name)
        elif ":no-members:" not in options:
            module = importlib.import_module(name)
            found |= {f"{name}.{one}" for one, thing in vars(module).items() if _documented(one, thing, name)}
    return found


def _documented(name, thing, module):
    """Whether autodoc shows it: a docstring, and its home is here."""
    return not name.startswith("_") and getattr(thing, "__module__", None) == module and bool(thing.__doc__)


def test_no_public_name_is_missing():
    there = shown()
    missing = [name for name, thing in public().items() if not known_as(name, thing) & there]
    assert not missing, f"on no page of docs/api: {', '.join(missing)}"


def test_the_list_of_public_names_is_not_empty_of_what_users_call():
    assert {"selfloop.certify", "selfloop.audit", "selfloop.Loop", "selfloop.policies.augment"} <= set(public())
    assert len(public()) > 150


@pytest.mark.parametrize(("kind", "name", "options"), SHOWN, ids=[name for _, name, _ in SHOWN])
def test_what_a_page_names_exists_and_has_a_docstring(kind, name, options):
    if kind == "module":
        assert importlib.import_module(name).__doc__
        return
    module, _, attribute = name.rpartition(".")
    thing = getattr(importlib.import_module(module), attribute)
    assert kind == "data" or thing.__doc__


def test_every_page_of_the_folder_is_in_its_contents():
    contents = (ROOT / "docs" / "api" / "index.md").read_text("utf-8")
    assert {page.stem for page in PAGES} - {"index"} == set(re.findall(r"^(\w+)$", contents, re.MULTILINE))
