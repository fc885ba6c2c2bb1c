"""Sphinx configuration of the documentation: `python -m sphinx -W --keep-going docs build/site`.

The site opens from disk: all links are relative, and nothing is loaded from elsewhere. Pages are the Markdown files of
this folder, the README (as `readme`), API pages from docstrings, and notebooks, which are executed by the build.
"""

import importlib.metadata
import os
import re
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent
ROOT = HOME.parent
sys.path.insert(0, str(ROOT))  # the package of this checkout, and its folders of scripts
# Kernels of notebooks are processes of their own; they find the package in the same way.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))

project = "selfloop"
author = "selfloop"
release = version = importlib.metadata.version("selfloop")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["results/**"]
html_theme = "furo"
html_title = "selfloop"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# A page of one folder must not depend on a server, nor on anything that is fetched while it is read.
nb_ipywidgets_js: dict[str, Any] = {}

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
nb_execution_mode = os.environ.get("SELFLOOP_DOCS_NOTEBOOKS", "force")
nb_execution_timeout = 900
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
default_role = "py:obj"
"""A name in single backticks is a link where it is known, and code where it is not."""


def readme() -> str:
    """The README with its links seen from this folder."""
    text = (ROOT / "README.md").read_text("utf-8")
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\]\((?!https?:|#)(?=[A-Z]+\b)", "](../", text)  # LICENSE, CITATION.cff


def _pages(app: Any, name: str, source: list[str]) -> None:
    if name == "readme":
        app.env.note_dependency(str(ROOT / "README.md"))
        source[0] = readme()


def _escaped(text: str) -> str:
    """A docstring's text in which bars, stars and trailing underscores are what they look like.

    Formulas (p*, |x|^2) are prose here; code in backticks and bold text stay as they are.
    """
    parts = re.split(r"(``.*?``|`[^`]*`|\*\*[^*\s][^*]*\*\*)", text, flags=re.DOTALL)
    parts[::2] = [re.sub(r"(?<!\\)([|*])|(?<=\w)(_)(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
    return re.sub(r"(?<!`)(`[^`]+`)(?=\w)", r"\1\\ ", "".join(parts))


def _docstring(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Before napoleon: plain text is made safe; fields of records without a docstring say nothing."""
    if lines and lines[0].startswith("Alias for field number"):
        lines[:] = [""]
    if what in ("attribute", "property", "data"):
        lines.insert(0, "")  # else napoleon takes what stands before a colon for a type
    # Blocks that follow a blank line and are indented are formulas and code, shown as they are.
    blocks = re.split(r"(\n\s*\n(?: {4}.*(?:\n|$))+)", "\n".join(lines))
    blocks[::2] = map(_escaped, blocks[::2])
    lines[:] = "".join(_literal(block) if i % 2 else block for i, block in enumerate(blocks)).split("\n")


def _literal(block: str) -> str:
    return "\n\n::\n\n" + block.lstrip("\n") + "\n"


def setup(app: Any) -> None:
    """Connect what is above."""
    app.connect("source-read", _pages)
    app.connect("autodoc-process-docstring", _docstring, priority=400)
