"""Motion in the engine, end to end: what a run leaves, how it goes on, and which data it refuses."""

import json
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from selfloop import experiment, extras
from selfloop.domains.motion import setup
from selfloop.domains.motion.data import datasets
from selfloop.domains.motion.domain import MOTION
from selfloop.domains.motion.physics.backends import PIPELINES, roll_of
from selfloop.domains.motion.settings import GRID_PRESETS, LOOP_PRESETS, loop_smoke
from selfloop.engine.plan import plan
from selfloop.engine.settings import checked
from selfloop.errors import ConfigError, SelfloopError
from selfloop.runs import record

TINY = {"n": (8,), "evaluate": 8, "first_steps": (4,), "steps": (2,), "batch": 8, "width": 16, "layers": 1,
        "guidance": (1.0,), "generations": 3, "seeds": 2}  # fmt: skip
ARMS = ("baseline", "uncorrected", "smoothing")


def settings(out, data, **changes):
    """A tiny run."""
    return replace(loop_smoke(), **(TINY | {"out": out, "data": data and str(data), "arms": ARMS} | changes))


def rows(out):
    """What was computed, without times, by arm, seed and generation."""
    found = {}
    for row in record.read(out / "metrics.jsonl"):
        at = row["arm"], row["seed"], row["generation"]
        assert at not in found, f"computed twice: {at}"
        found[at] = {k: v for k, v in row.items() if "seconds_" not in k and k != "chain"}
    return found


@pytest.fixture(scope="module")
def finished(compiled, hurried, clips_folder, tmp_path_factory):
    """The settings of a run that nothing stopped."""
    config = settings(tmp_path_factory.mktemp("finished") / "run", clips_folder)
    experiment.run(MOTION, config)
    return config


def check_folder(config, arms):
    """Everything that a run promises, for the arms, seeds and generations asked."""
    found = rows(config.out)
    assert found.keys() == {
        (arm, seed, t) for arm in arms for seed in range(config.seeds) for t in range(config.generations + 1)
    }
    for (arm, _, t), row in found.items():
        assert row.keys() >= {"fid_kinetic", "fid_geometric", "diversity_kinetic", "penetration_mm", "float_mm",
                              "skate_mm_per_frame", "jerk", "limit_violation_deg", "guidance"}  # fmt: skip
        assert all(np.isfinite(value) for name, value in row.items() if name != "arm")
        assert t == 0 or {"failed", "moved", "loss"} <= row.keys()
        assert t == 0 or (row["moved"] > 0) == (MOTION.arms[arm].corrector != "identity")
    page = (config.out / "report.html").read_text()
    assert not re.findall(r"https?://|src=.(?!data:)|<link|@import", page)
    held = json.loads(re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    assert {arm["name"] for arm in held["arms"]} == {"real motion", *arms}
    assert held["generations"][0] == 0
    assert held["generations"][-1] <= config.generations
    for clip in held["clips"]:
        corrects = clip["arm"] != "real motion" and MOTION.arms[clip["arm"]].corrector != "identity"
        assert (clip["corrected"] is None) == (not corrects)
    assert (config.out / "figures" / "measures.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_leaves_all_it_promises(finished):
    check_folder(finished, ARMS)
    about = record.read_json(finished.out / "domain.json")
    assert next(one for one in about["measures"] if one["name"] == "moved")["unit"] == "mm"
    size = sum(path.stat().st_size for path in finished.out.rglob("*.msgpack"))
    chains = len(ARMS) * finished.seeds + finished.seeds  # one checkpoint a chain, one initial state a seed
    model = MOTION.model(finished, MOTION.data(finished, 8))
    assert size <= 1.1 * chains * sum(leaf.nbytes for leaf in _leaves(model))


def _leaves(model):
    import jax

    return jax.tree.leaves(model.init(jax.random.key(0)))


@pytest.mark.slow
def test_more_generations_and_arms_continue_and_compute_nothing_twice(finished, clips_folder, tmp_path):
    before = rows(finished.out)
    longer = replace(finished, generations=4, arms=(*ARMS, "accumulate"))
    experiment.run(MOTION, longer)
    after = rows(finished.out)
    assert {at: after[at] for at in before} == before
    straight = replace(longer, out=tmp_path / "straight")
    experiment.run(MOTION, straight)
    # The chains of the straight run share their programs with others, which moves the last bits.
    for at, row in rows(straight.out).items():
        for name, value in row.items():
            if isinstance(value, float):
                np.testing.assert_allclose(after[at][name], value, rtol=2e-2, atol=1e-2, err_msg=f"{at}: {name}")


def test_other_data_in_the_folder_are_refused(finished, made_up_folder, tmp_path):
    other = replace(finished, data=str(made_up_folder), generations=5)
    with pytest.raises(ConfigError, match="on other data"):
        experiment.run(MOTION, other)


@pytest.mark.parametrize("presets", [LOOP_PRESETS, GRID_PRESETS])
def test_every_preset_can_be_run_and_says_which_it_is(presets):
    for name, preset in presets.items():
        asked = checked(MOTION, preset())
        assert asked.preset == name
        assert plan(MOTION, asked)
        assert preset.__doc__.endswith(".")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"guidance": (float("nan"),)}, "--guidance is nan"),
        ({"frames": 42}, "--frames is 42; give a multiple of 4"),
        ({"pipeline": "spring"}, f"--pipeline is spring; choose one of {', '.join(PIPELINES)}"),
        ({"condition": "texts"}, "--condition is texts; choose one of label, text"),
        ({"text_encoder": "folder"}, "--text-encoder is folder, but conditions are labels"),
        ({"first_steps": (1, 2)}, "--first-steps has 2 numbers for 1 of --n"),
        ({"n": (1000,)}, "n = 1000 windows"),
        ({"arms": ("nearest_real",)}, "nearest_real learns from other clips"),
        ({"band": 7}, "the band must divide the frames"),
    ],
)
def test_a_bad_setting_is_named_and_nothing_is_begun(made_up_folder, tmp_path, changes, told):
    with pytest.raises(SelfloopError, match=re.escape(told)):
        experiment.run(MOTION, settings(tmp_path / "run", made_up_folder, **changes))
    assert not list((tmp_path / "run").rglob("*.jsonl"))


def spoilt(kind, source, target):
    """A set with one bad thing in it."""
    target.mkdir()
    good = (source / "walk_0.bvh").read_text()
    head, _, motion = good.partition("Frame Time:")
    text = {
        "empty": "",
        "malformed": "This is no motion.",
        "truncated": good[: len(good) * 2 // 3],
        "NaN": re.sub(r"-?\d+\.\d+(?=\s*$)", "nan", good, count=1),
        "rate": head + "Frame Time: 20.0" + motion.partition("\n")[1] + motion.partition("\n")[2],
    }.get(kind)
    if text is not None:
        (target / "bad_1.bvh").write_text(text)
        return target
    with zipfile.ZipFile(target / "bad_1.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        if kind == "bomb":
            archive.writestr("bad.bvh", b"0" * (65 * 2**20))
        else:
            archive.writestr("../bad.bvh", good)
    return target / "bad_1.zip"


@pytest.mark.parametrize("kind", ["empty", "malformed", "truncated", "NaN", "rate", "bomb", "outside"])
def test_bad_data_is_named(made_up_folder, tmp_path, kind):
    with pytest.raises(SelfloopError, match="bad") as raised:
        experiment.run(MOTION, settings(tmp_path / "run", spoilt(kind, made_up_folder, tmp_path / "set")))
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_without_the_extra_it_says_what_to_install_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "_found", lambda module: not module.startswith("mujoco"))
    told = re.escape("the arm physics needs what is not installed (mujoco, mujoco.mjx): pip install 'selfloop[motion]'")
    with pytest.raises(ConfigError, match=told):
        experiment.run(MOTION, settings(tmp_path / "run", None, arms=("baseline", "physics")))
    assert not (tmp_path / "run").exists()
    with pytest.raises(ConfigError, match="the physics of motion needs"):
        roll_of("auto")
    checked(MOTION, settings(tmp_path / "run", None, arms=("baseline", "uncorrected", "smoothing")))


def test_labels_that_changed_are_other_data(made_up_folder, tmp_path, monkeypatch):
    config, read = settings(tmp_path, made_up_folder), datasets.load
    first = setup.load(config, 8)
    monkeypatch.setattr(
        datasets, "load", lambda *what, **how: [replace(clip, label=clip.label + "ing") for clip in read(*what, **how)]
    )
    setup.clips_of.cache_clear()
    second = setup.load(config, 8)
    setup.clips_of.cache_clear()
    np.testing.assert_array_equal(first.real.x, second.real.x)
    assert first.digest != second.digest


@pytest.mark.slow
def test_physics_from_end_to_end(compiled, embedded_folder, tmp_path):
    arms = ("baseline", "uncorrected", "physics")
    config = settings(tmp_path / "run", None, arms=arms)
    experiment.run(MOTION, config)
    check_folder(config, arms)
    assert "real, physics" in (config.out / "report.html").read_text()


@pytest.mark.slow
def test_a_set_large_enough_to_split(compiled, data_folder, tmp_path):
    data = data_folder / "bandai-namco" / "bandai-namco-motion-2-subset256.zip"
    config = settings(tmp_path / "run", data, generations=2)
    experiment.run(MOTION, config)
    check_folder(config, ARMS)
    assert all("fid_features" in row and 0 <= row["label_accuracy"] <= 1 for row in rows(config.out).values())
