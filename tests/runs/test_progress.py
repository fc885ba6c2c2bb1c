"""What a run says while it goes on."""

import io

import pytest
from rich.console import Console

from selfloop import wording
from selfloop.runs import progress


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

    monkeypatch.setattr(progress.time, "monotonic", lambda: Clock.now)
    return Clock


def test_lines_where_there_is_no_terminal(capsys, clock):
    with progress.progress(100, "loop", done=40) as tick:
        for i in range(60):
            clock.now += 2.0
            tick(1, f"[gen {i}]")
    lines = capsys.readouterr().out.splitlines()
    # The first step, then one each 15 s (so every 8 steps of 2 s), and the last one.
    assert lines[0] == "loop: 41/100, [gen 0], 2 s so far"
    assert lines[1] == "loop: 49/100, [gen 8], 18 s so far, 1 min 42 s left"
    assert lines[-1] == "loop: 100/100, [gen 59], 2 min 0 s so far, 0 s left"
    assert len(lines) == 1 + 7 + 1


def test_the_time_left_leaves_compilation_out(capsys, clock):
    with progress.progress(100, "loop") as tick:
        for seconds in (60.0, 2.0, 2.0, 40.0, 2.0, 2.0):  # two programs are compiled on the way
            clock.now += seconds
            tick(1)
    assert capsys.readouterr().out.splitlines()[-1] == "loop: 4/100, 1 min 44 s so far, 3 min 12 s left"


def test_a_bar_in_a_terminal(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda: Console(file=out, force_terminal=True, width=100))
    with progress.progress(4, "loop") as tick:
        tick(3, "[bold]")
    assert "3/4" in out.getvalue()
    assert "[bold]" in out.getvalue()


def test_an_error_inside_passes_through(capsys):
    with pytest.raises(ZeroDivisionError), progress.progress(2, "loop") as tick:
        tick(1 // 0)


def test_table_keeps_whole_rows_and_plain_text(capsys):
    rows = [{"arm": "[red]a", "skate_mm": 1.23456, "note": "x" * 150}, {"arm": "b", "skate_mm": None}]
    progress.table(rows, ["arm", "skate_mm", "note"], "a [title]")
    text = capsys.readouterr().out
    for part in ("[red]a", "skate (mm)", "1.235", "–", "x" * 150, "a [title]"):
        assert part in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4200, "1 h 10 min")]
)
def test_duration(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("measure", "words", "unit"),
    [
        ("skate_mm_per_frame", "skate", "mm/frame"),
        ("penetration_mm", "penetration", "mm"),
        ("limit_violation_deg", "limit violation", "°"),
        ("fid", "FID", ""),
        ("kinetic_fid", "kinetic FID", ""),
        ("jerk", "jerk", "m/s³"),
    ],
)
def test_measures_are_named_with_their_unit(measure, words, unit):
    assert wording.named(measure) == (words, unit)
