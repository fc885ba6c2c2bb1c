"""The finding says no more than its interval: what holds 0 is not called an effect, and one seed has no interval."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfloop.analysis.cells import placed
from selfloop.analysis.glossary import Entry, entry, within
from selfloop.metrics.estimates import Estimate
from selfloop.report.finding import NOTHING, finding
from selfloop.report.tables import last_generation, tables
from selfloop.report.values import shown
from tests.analysis.made import ABOUT, LAM, made_rows, of_rows


def rows_of(ends, generations=3):
    """Rows whose FID is, for each arm, that of each seed at every generation."""
    rows = [
        {"arm": arm, "lam": LAM if ABOUT["arms"][arm]["synthetic"] else 0.0, "n": 64, "heat": 2.5, "seed": seed}
        | {"start": seed, "generation": t, "fid_points": value}
        for arm, values in ends.items()
        for seed, value in enumerate(values)
        for t in range(generations + 1)
    ]
    return of_rows(placed(ABOUT, rows))


def test_a_sure_harm_is_called_one_with_its_interval():
    # Differences 2, 3, 4: mean 3, half width 4.303 / sqrt(3) = 2.48.
    text = finding(rows_of({"baseline": [1, 1, 1], "uncorrected": [3, 4, 5]}))
    assert "surely made the model worse: it ends 3 [0.516, 5.48] worse than real data alone" in text
    assert "over 3 seeds" in text


def test_an_interval_that_holds_0_shows_no_harm():
    text = finding(rows_of({"baseline": [1, 1, 1], "uncorrected": [0, 2, 4]}))
    assert "no harm from training on its own samples can be shown" in text
    assert "surely" not in text


def test_one_seed_tells_nothing_sure():
    text = finding(rows_of({"baseline": [1], "uncorrected": [9]}))
    assert text.startswith("One seed tells nothing sure")
    assert "interval" in text
    assert "surely" not in text


def test_better_is_said_the_right_way_round():
    text = finding(rows_of({"baseline": [9, 9, 9], "uncorrected": [1, 1.1, 0.9]}))
    assert "surely made the model better: it ends 8 [7.75, 8.25] better than" in text


def test_what_a_corrector_removes_is_told_where_there_is_something_to_remove():
    ends = {"baseline": [1, 1, 1], "uncorrected": [5, 5.1, 4.9], "halving": [3, 3.05, 2.95]}
    assert "Correction by halving removes 50 % [" in finding(rows_of(ends))
    unsure = ends | {"uncorrected": [-3, 5, 7], "halving": [9, 1, 2]}
    assert "Whether halving helps cannot be told" in finding(rows_of(unsure))


def test_without_a_baseline_arms_are_held_against_their_own_beginning():
    rows = [row for row in made_rows() if row["arm"] == "uncorrected"]
    text = finding(of_rows(rows))
    assert "worse than their own generation 0" in text
    assert "uncorrected" in text
    assert finding(of_rows([])) == NOTHING


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_surely_stands_only_beside_intervals_that_leave_out_0(gaps):
    text = finding(rows_of({"baseline": [0.0] * len(gaps), "uncorrected": gaps}))
    mean = sum(gaps) / len(gaps)
    if all(gap == gaps[0] for gap in gaps):
        return
    if "surely made the model worse" in text:
        assert mean > 0
    elif "surely made the model better" in text:
        assert mean < 0
    else:
        assert "no harm" in text


def test_intervals_hold_no_value_that_cannot_be():
    share = Entry("", 0, 1)
    assert within(Estimate(0.9, 0.7, 1.2), share) == Estimate(0.9, 0.7, 1)
    assert within(Estimate(0.1, -0.2, 0.3), share) == Estimate(0.1, 0, 0.3)
    assert within(Estimate(50.0, 49.0, 51.0), share) == Estimate(50.0, 49.0, 51.0)  # no share at all
    assert math.isnan(within(Estimate(0.9, math.nan, math.nan), share).low)


@pytest.mark.parametrize("name", ["fid_kinetic", "coverage", "modes_effective", "drift_mean", "corrected_fid_x"])
def test_measures_of_the_engine_are_defined(name):
    assert len(entry(name).about) > 20


def test_all_measures_of_the_domains_are_defined():
    from selfloop.domains.gaussian.domain import GAUSSIAN
    from selfloop.engine.folder import about_of

    measures = {one["name"]: one for one in about_of(GAUSSIAN)["measures"]}
    undefined = [name for name in measures if not entry(name, measures).about]
    assert undefined == ["second_moment", "moved"] or undefined == []


def test_an_arm_that_ignores_an_axis_stands_once():
    rows = [row | {"axes": (("heat", heat),)} for row in made_rows() for heat in (1.0, 2.5)]
    rows = [row | {"fid_points": row["fid_points"] + dict(row["axes"])["heat"]} if row["arm"] == "halving" else row
            for row in rows]  # fmt: skip
    lines = [(row["line"], row["heat"]) for row in last_generation(of_rows(rows)).rows]
    assert lines == [
        ("generation 0", "any"),
        ("baseline", "any"),
        ("uncorrected", "any"),
        ("halving", 1.0),
        ("halving", 2.5),
    ]


def test_captions_count_the_generations_that_there_are():
    few = of_rows([row for row in made_rows() if row["generation"] <= 3])
    captions = {table.title: table.caption for table in tables(few)}
    assert captions["End of the loop"].startswith("Mean of the last 3 generations")
    assert not any("five" in caption for caption in captions.values())


def test_numbers_have_no_needless_exponent():
    from selfloop.report.values import Mean

    assert shown(Mean(2297.3, 2268.0, 2326.6)) == "2300 ± 29"
