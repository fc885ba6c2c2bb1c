"""The experiment under captions: what trains, what judges, what is recorded; labels are as they were."""

import os
from dataclasses import replace

import jax
import numpy as np
import pytest

from selfloop import experiment
from selfloop.digest import digest
from selfloop.domains.motion import scenes, setup
from selfloop.domains.motion.domain import MOTION
from selfloop.domains.motion.settings import loop_smoke
from selfloop.domains.motion.text.captions import PARAPHRASES
from selfloop.engine import folder
from selfloop.engine.measure import reference_lines
from selfloop.errors import ConfigError
from selfloop.runs import record

TINY = {"n": (8,), "evaluate": 8, "first_steps": (4,), "steps": (2,), "batch": 8, "width": 16, "layers": 1,
        "arms": ("uncorrected",), "generations": 1}  # fmt: skip


@pytest.fixture
def config(clips_folder, tmp_path):
    return replace(loop_smoke(), out=tmp_path / "run", data=str(clips_folder), condition="text", **TINY)


def rows(config):
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in record.read(config.out / "metrics.jsonl")]


@pytest.mark.slow
def test_a_run_under_captions_is_recorded_and_continues(config, compiled, hurried):
    experiment.run(MOTION, config)
    first = rows(config)
    assert len(first) == 2
    assert all(np.isfinite(row["fid_kinetic"]) for row in first)
    assert not any("r_precision_1" in row for row in first)  # a set too small for an evaluator
    shown = {scene["label"] for scene in scenes.scenes(config.out, folder.first_chains(config.out))}
    assert shown
    assert all(text.startswith("somebody") for text in shown)
    longer = replace(config, generations=2)
    experiment.run(MOTION, longer)
    straight = replace(longer, out=config.out.with_name("straight"))
    experiment.run(MOTION, straight)
    assert rows(longer) == rows(straight)
    with pytest.raises(ConfigError, match='condition is "text" there, "label" asked'):
        experiment.run(MOTION, replace(longer, condition="label"))


def test_training_and_evaluation_share_no_caption(config):
    data = MOTION.data(config, 8)
    words = data.own.text.vocabulary
    source = data.sources["fixed"](data.real)
    drawn = np.array([source(jax.random.key(t), t).cond["label"] for t in range(20)])
    judged = np.asarray(data.conditions(8)["label"])
    assert set(drawn.ravel()) <= set(words.trained.ravel())
    assert set(judged) <= set(words.held_out)
    assert set(np.asarray(data.pool.cond["label"])) <= set(words.held_out)
    assert data.names == words.texts
    np.testing.assert_array_equal(words.meaning[drawn], np.tile(words.meaning[data.own.real.label], (20, 1)))
    assert len(np.unique(drawn)) > (PARAPHRASES - 1) * len(np.unique(words.meaning[drawn])) * 0.8


def test_captions_stand_for_the_labels_and_nothing_else_changes(config):
    text, label = setup.load(config, 8), setup.load(replace(config, condition="label"), 8)
    for one, other in ((text.real, label.real), (text.pool, label.pool)):
        assert [one.names[i] for i in one.label] == [other.names[i] for i in other.label]
        for field in ("x", "length", "clip", "start"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert label.text is None
    assert text.digest != label.digest == digest((label.real, label.pool, label.reference, label.encoder, None))


@pytest.mark.slow
@pytest.mark.skipif("SELFLOOP_DATA" not in os.environ, reason="SELFLOOP_DATA names no folder of motion archives")
def test_real_motion_and_a_trained_model_find_captions_that_no_training_has_seen(tmp_path):
    config = replace(
        loop_smoke(), out=tmp_path / "run", data="bandai-namco-256", condition="text", n=(64,), evaluate=64,
        first_steps=(600,), steps=(100,), generations=1, arms=("uncorrected",), batch=64,
    )  # fmt: skip
    experiment.run(MOTION, config)
    real = reference_lines(config.out)["64"]["real"]
    chance = 3 / min(32, len(setup.load(config, 64).text.vocabulary.meanings))
    assert real["r_precision_3"] > 3 * chance
    assert all(row["r_precision_3"] > 1.5 * chance for row in rows(config))
