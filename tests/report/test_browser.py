"""The page in a headless browser: nothing overflows, all text can be read, no canvas is stretched, all columns reached.

Three ratios of device pixels, four widths, light and dark, and print. Screenshots go to the folder that the variable
SELFLOOP_SCREENSHOTS names, if it names one.
"""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from selfloop.domains.motion import player
from selfloop.domains.motion.contact_sheet import contact_sheet
from selfloop.report import write
from selfloop.report.page import readable
from tests.analysis.made import made_results, made_run
from tests.report.browser import LOOK, browser

WIDTHS = (390, 768, 1280, 1920)
PAPER = (718, 1047)
"""A4 upright and lying, less margins of 10 mm (CSS pixels)."""
FRAMES = 8


def figure_standing():
    """Points [T, 20, 3] of a figure that stands, and sways with time."""
    points = np.zeros((FRAMES, 20, 3), np.float32)
    points[..., 2] = np.linspace(0.05, 1.7, 20)
    points[..., 1] = 0.3 * np.sin(np.arange(20))
    points[..., 0] = 0.05 * np.arange(FRAMES)[:, None]
    return points


def motion_section(out):
    """A player with a row of real motion and two arms, and its contact sheet."""
    points = figure_standing()
    base = {
        "generation": 0,
        "sample": 0,
        "label": "sway",
        "raw": points,
        "corrected": None,
        "failed": False,
        "length": FRAMES,
    }
    scenes = [base | {"arm": "real motion", "real": True}]
    scenes += [base | {"arm": arm, "generation": t} for arm in ("baseline", "uncorrected") for t in (0, 5, 10)]
    scenes += [base | {"arm": "physics", "generation": t, "corrected": points + 0.1} for t in (0, 5, 10)]
    sheet = readable(contact_sheet({"real motion": points, "baseline": points}, colours={"baseline": "#2f81c7"}))
    return [("Motion", player.player(scenes) + f'<div class="selfloop-sheet">{sheet}</div>')]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = made_run(tmp_path_factory.mktemp("run"))
    return write.show(made_results(out), out, SimpleNamespace(sections=motion_section))


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


def opened(chromium, page, **options):
    """The page in a window of its own, at rest, and the errors that it reports."""
    window = chromium.new_context(reduced_motion="reduce", **options).new_page()
    errors = []
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    window.goto(page.as_uri())
    return window, errors


def keep(window, name):
    if folder := os.environ.get("SELFLOOP_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        window.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def settled(window):
    """Wait until what is drawn on the next frames is drawn."""
    window.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ratio", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)])
def test_all_of_the_page_can_be_seen_and_read(chromium, page, ratio, scheme):
    size = {"width": WIDTHS[0], "height": 844}
    window, errors = opened(chromium, page, viewport=size, device_scale_factor=ratio, color_scheme=scheme)
    for width in WIDTHS:
        window.set_viewport_size(size | {"width": width})
        settled(window)
        window.locator("canvas").first.scroll_into_view_if_needed()
        settled(window)
        keep(window, f"{scheme}_{width}_{ratio}x")
        found = window.evaluate(LOOK)
        assert found["overflow"] <= 0, width
        assert found["small"] == [], width
        assert found["pale"] == [], width
        assert found["lines"] == [], width
        assert len(found["canvases"]) == 10, width
        assert np.abs(found["canvases"]).max() <= 1, width  # else what is drawn is stretched
        assert min(found["limbs"]) >= 3, width
        assert len(found["columns"]) > 10
        assert max(found["columns"]) <= 1.5, width
    assert errors == []
    window.context.close()


def test_print_shows_all_columns_and_the_contact_sheet(chromium, page):
    window, errors = opened(chromium, page, viewport={"width": PAPER[0], "height": 1000}, color_scheme="dark")
    window.emulate_media(media="print", color_scheme="dark")
    for width in PAPER:
        window.set_viewport_size({"width": width, "height": 1000})
        settled(window)
        keep(window, f"print_{width}")
        found = window.evaluate(LOOK)
        assert found["overflow"] <= 0
        assert found["small"] == []
        assert found["pale"] == []  # in the colours of paper, though the screen be dark
        assert found["canvases"] == []
        assert max(found["columns"]) <= 1.5
        assert window.locator(".selfloop-sheet svg").bounding_box()["height"] > 100
    assert errors == []
    window.context.close()


def test_without_scripts_there_is_a_contact_sheet_and_with_them_a_player(chromium, page):
    for scripts in (False, True):
        window, _ = opened(chromium, page, java_script_enabled=scripts)
        assert window.locator(".selfloop-sheet").is_visible() is not scripts
        assert window.locator(".selfloop-player .bar").count() == int(scripts)
        window.context.close()


def test_values_and_definitions_are_told_under_the_pointer(chromium, page):
    window, _ = opened(chromium, page, viewport={"width": 1280, "height": 844})
    tips = window.locator("circle.tip title").all_text_contents()
    assert any(tip.startswith("uncorrected, generation 10: ") for tip in tips)
    assert any(tip.startswith("real: 1.5") for tip in tips)
    assert "Fréchet" in window.locator("th", has_text="FID points").first.get_attribute("title")
    # A tip lies on its mark: the circle of the last value of a line is over the line's last marker.
    place = window.evaluate(
        """() => {
      const panel = document.querySelector(".panel"), tip = [...panel.querySelectorAll("circle.tip")]
        .find(one => one.textContent.startsWith("baseline, generation 10:")).getBoundingClientRect();
      const mid = box => [box.x + box.width / 2, box.y + box.height / 2], [x, y] = mid(tip);
      return Math.min(...[...panel.querySelectorAll("use")].map(use => mid(use.getBoundingClientRect()))
        .map(([a, b]) => Math.hypot(a - x, b - y)));
    }"""
    )
    assert place < 2
    window.context.close()


def test_every_table_can_be_saved(chromium, page):
    window, _ = opened(chromium, page)
    links = window.locator("a.save")
    assert links.count() == window.locator("table").count()
    with window.expect_download() as started:
        links.first.click()
    lines = Path(started.value.path()).read_text().splitlines()
    assert started.value.suggested_filename == "last_generation.csv"
    assert lines[0].startswith("line,fid_points,fid_points_low,fid_points_high")
    assert len(lines) == 1 + 5
    window.context.close()
