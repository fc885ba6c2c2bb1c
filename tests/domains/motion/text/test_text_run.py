"""The experiment under captions: what trains, what judges, what is recorded; labels are as they were."""

import os
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from selfloop.domains.motion import measures, setup, summary
from selfloop.domains.motion import run as experiment
from selfloop.domains.motion.arms import arm_loop
from selfloop.domains.motion.config import checked, paper, smoke
from selfloop.domains.motion.text.captions import PARAPHRASES
from selfloop.errors import ConfigError
from selfloop.runs import record

TINY = {"n": 8, "evaluate": 8, "first_steps": 4, "steps": 2, "batch": 8, "width": 16, "layers": 1, "guidance": 2.5,
        "arms": ("uncorrected",), "generations": 1}  # fmt: skip


@pytest.fixture
def config(clips_folder, tmp_path):
    return replace(smoke(), out=tmp_path / "run", data=str(clips_folder), condition="text", **TINY)


def rows(config):
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in record.read(config.out / "metrics.jsonl")]


@pytest.fixture
def quick(monkeypatch, hurried):
    """Runs share the model's programs and the measures, draw no floor lines and make no page."""

    def once(module, name):
        made, original = [], getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given: (made or made.append(original(*given)) or made)[0])

    once(setup, "model")
    once(measures, "motion_measures")
    monkeypatch.setattr(experiment, "floors", lambda *given: {})
    monkeypatch.setattr(summary, "write", lambda config, *given: config.out)


def test_a_run_under_captions_is_recorded_and_continues(config, quick):
    experiment.run(config)
    first = rows(config)
    assert len(first) == 2
    assert all(np.isfinite(row["fid_kinetic"]) for row in first)
    assert not any("r_precision_1" in row for row in first)  # a set too small for an encoder
    shown = {scene["label"] for scene in summary._scenes(config, setup.load(config))}
    assert shown
    assert all(text.startswith("somebody") for text in shown)
    longer = replace(config, generations=2)
    experiment.run(longer)
    straight = replace(longer, out=config.out.with_name("straight"))
    experiment.run(straight)
    assert rows(longer) == rows(straight)
    with pytest.raises(ConfigError, match='condition is "text" there, "label" asked'):
        experiment.run(replace(longer, condition="label"))


def test_training_and_evaluation_share_no_caption(config):
    data = setup.load(config)
    words = data.text.vocabulary
    loop = arm_loop("uncorrected", config, data, setup.model(config, data))
    drawn = np.array([loop.source(jax.random.key(t), t).cond["label"] for t in range(20)])
    judged = np.asarray(setup.evaluation_conditions(data, 8)["label"])
    assert set(drawn.ravel()) <= set(words.trained.ravel())
    assert set(judged) <= set(words.held_out)
    assert set(data.pool.label) <= set(words.held_out)
    np.testing.assert_array_equal(words.meaning[drawn], np.tile(words.meaning[data.real.label], (20, 1)))
    assert len(np.unique(drawn)) > (PARAPHRASES - 1) * len(np.unique(words.meaning[drawn])) * 0.8


def test_captions_stand_for_the_labels_and_nothing_else_changes(config):
    text, label = setup.load(config), setup.load(replace(config, condition="label"))
    for one, other in ((text.real, label.real), (text.pool, label.pool)):
        assert [one.names[i] for i in one.label] == [other.names[i] for i in other.label]
        for field in ("x", "length", "clip", "start"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))
    assert label.text is None
    assert text.digest != label.digest
    # Without captions the hash is that of the windows alone, so that what is kept under it is found again.
    assert label.digest == setup._digest(label.real, label.pool, label.reference, label.encoder)


def test_settings_that_do_not_fit_are_refused():
    assert checked(paper()).condition == "text"
    with pytest.raises(ConfigError, match="--condition is texts; choose one of label, text"):
        checked(replace(smoke(), condition="texts"))
    with pytest.raises(ConfigError, match="--text-encoder is folder, but conditions are labels"):
        checked(replace(smoke(), text_encoder=Path("folder")))


@pytest.mark.slow
@pytest.mark.skipif("SELFLOOP_DATA" not in os.environ, reason="SELFLOOP_DATA names no folder of motion archives")
def test_real_motion_and_a_trained_model_find_captions_that_no_training_has_seen(tmp_path):
    config = replace(
        smoke(), out=tmp_path / "run", data="bandai-namco-256", condition="text", n=64, evaluate=64, first_steps=600,
        steps=100, generations=1, arms=("uncorrected",), batch=64,
    )  # fmt: skip
    experiment.run(config)
    real = record.read_json(config.out / "floors.json")["real"]
    meanings = len(setup.load(config).text.vocabulary.meanings)
    chance = 3 / min(32, meanings)
    assert real["r_precision_3"] > 3 * chance
    assert all(row["r_precision_3"] > 1.5 * chance for row in rows(config))
