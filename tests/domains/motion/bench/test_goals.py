"""Goals are judged by rows, and only by held-out ones."""

import math

import pytest

from selfloop.domains.motion.bench.cases import ON_POLICY
from selfloop.domains.motion.bench.corruptions import CORRUPTIONS
from selfloop.domains.motion.bench.goals import GOALS, verdicts
from selfloop.domains.motion.correctors.table import CORRECTORS


def row(corrector, corruption, measure, value, low=math.nan, high=math.nan, split="heldout"):
    return {"corrector": corrector, "corruption": corruption, "split": split, "measure": measure, "value": value,
            "low": low, "high": high}  # fmt: skip


def verdict(figure, *rows):
    (found,) = [one for one in verdicts(rows, "mujoco") if one["figure"] == figure]
    return found


def test_goals_name_what_there_is():
    for goal in GOALS:
        assert goal.corrector in CORRECTORS
        assert goal.corruption in (*CORRUPTIONS, "generator_20", ON_POLICY)


@pytest.mark.parametrize(("value", "holds"), [(0.3, "yes"), (0.4, "yes"), (0.41, "no"), (math.nan, "no")])
def test_an_upper_limit(value, holds):
    found = verdict("k, jitter", row("physics", "jitter", "map_contraction", value, 0.1, 0.5))
    assert found["holds"] == holds
    assert found["target"] == "<= 0.4"


def test_a_lower_limit():
    assert verdict("survival, mix", row("physics", "mix", "survival", 0.97))["holds"] == "no"
    assert verdict("survival, mix", row("physics", "mix", "survival", 0.98))["holds"] == "yes"


def test_a_limit_relative_to_the_clean_clips():
    own = row("identity", "clean", "skate_walks_mm_per_frame", 2.0)
    figure = "skate on walks against clean clips"
    good, ill = (row("physics", "clean", "skate_walks_mm_per_frame", value) for value in (2.1, 2.3))
    assert verdict(figure, own, good)["holds"] == "yes"
    assert verdict(figure, own, ill)["holds"] == "no"
    assert verdict(figure, own, ill)["target"] == "<= 1.1 x clean = 2.2"
    assert verdict(figure, good)["holds"] == "not measured"


def test_a_gamma_must_surely_be_above_nought():
    measure = "effective_gamma_artefacts"
    sure = row("physics", "generator_20", measure, 1.2, 0.1, math.inf)
    unsure = row("physics", "generator_20", measure, 1.2, -0.1, 3.0)
    assert verdict("gamma, artefacts", sure)["holds"] == "yes"
    assert verdict("gamma, artefacts", unsure)["holds"] == "no"


def test_tuning_figures_do_not_count():
    found = verdict("k, jitter", row("physics", "jitter", "map_contraction", 0.1, split="tuning"))
    assert found["holds"] == "not measured"
    assert found["measured"] is None


def test_a_speed_is_judged_by_its_engine():
    rows = [row("physics", "clean", "motion_s_per_core_s", 100, 90, 110)]
    verdict_of = {one["figure"]: one["holds"] for one in verdicts(rows, "mjx")}
    assert verdict_of["speed, Brax"] == "yes"
    assert "speed, C engine" not in verdict_of
    assert verdict("speed, C engine", *rows)["holds"] == "no"
