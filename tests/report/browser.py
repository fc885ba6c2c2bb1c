"""A headless browser that looks at pages: what stands where, how large, and in which colours."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

LOOK = Path(__file__).with_name("look.js").read_text("utf-8")
"""A function that tells sizes, contrasts, canvases and columns of a page."""


@contextmanager
def browser():
    """A running Chromium; the test is skipped with the reason where there is none."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra test)")
    path = os.environ.get("SELFLOOP_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium is found: install one, or name it in SELFLOOP_BROWSER")
    with sync.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
