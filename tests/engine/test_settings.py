"""Settings: what is refused and how; what may change on a run's folder and what may not."""

import dataclasses
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from selfloop.domains.gaussian.domain import GAUSSIAN, PRESETS, GaussianSettings
from selfloop.engine.context import Context
from selfloop.engine.settings import MAY_CHANGE, by_n, checked, single
from selfloop.errors import ConfigError
from selfloop.experiment import begin, run
from tests.engine.small import options, small

EXPERIMENTS = Path(__file__).parents[2] / "experiments"

MISTAKES = [
    ({"n": (3,)}, "--n is 3; give 4 or more"),
    ({"n": (8, 3)}, "--n is 3; give 4 or more"),
    ({"n": ()}, "--n is empty; give one or more"),
    ({"n": (8, 8)}, "--n is 8 8; give one or more, each once"),
    ({"lam": ()}, "--lam is empty"),
    ({"lam": (1.0, 1.0)}, "--lam is 1.0 1.0"),
    ({"lam": (-1.0,)}, "--lam is -1.0; give a number, 0 or more"),
    ({"lam": (math.nan,)}, "--lam is nan; give a number, 0 or more"),
    ({"lam": (1.0, math.inf)}, "--lam is inf; give a number, 0 or more"),
    ({"lam": (0.01,)}, "lambda is 0.01, which beside 8 real points is less than one synthetic point: give 0, or"),
    ({"lam": (0.01,), "cluster": "local"}, "lambda is 0.01"),
    ({"gamma": (math.nan,)}, "--gamma is nan"),
    ({"gamma": (-0.5,)}, "--gamma is -0.5; give a number, 0 or more"),
    ({"arms": ()}, "--arms is empty"),
    ({"arms": ("replace", "replace")}, "--arms is replace replace; give one or more, each once"),
    ({"arms": ("bogus",)}, "--arms bogus: no such arm; choose from baseline, uncorrected"),
    ({"skip": ("8",)}, "--skip '8'; give pairs n:lambda, such as 256:4"),
    ({"skip": ("8:1:2",)}, "--skip '8:1:2'"),
    ({"skip": ("eight:1",)}, "--skip 'eight:1'"),
    ({"skip": ("8:1",)}, "--skip leaves no cell"),
    ({"generations": 0}, "--generations is 0; give 1 or more"),
    ({"seeds": 0}, "--seeds is 0; give 1 or more"),
    ({"coupled": -1}, "--coupled is -1; give 0 or more"),
    ({"coupled": 1, "seeds": 1, "coupled_start": "seed"}, "--coupled needs 2 --seeds or more"),
    ({"coupled_start": "bogus"}, "--coupled-start is bogus; choose one of seed, part"),
    ({"refit": "bogus"}, "--refit is bogus; choose one of finetune, from_scratch"),
    ({"together": 0}, "--together is 0; give 1 or more"),
    ({"workers": 0}, "--workers is 0; give 1 or more"),
    ({"audit_every": 0}, "--audit-every is 0; give 1 or more"),
    ({"evaluate": 3}, "--evaluate is 3; give 4 or more"),
    ({"d": 0}, "--d is 0; give 1 or more"),
    ({"model": "bogus"}, "--model is bogus; choose one of gaussian, mean"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), MISTAKES)
def test_a_bad_setting_is_named_in_one_line_and_begins_no_run(tmp_path, changes, told):
    with pytest.raises(ConfigError) as error:
        run(GAUSSIAN, small(tmp_path / "run", **changes))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


def test_whatever_is_not_a_mistake_is_taken():
    """A part of the real samples needs no second seed; a lambda of 0 and a gamma of 0 are loops."""
    for changes in ({"coupled": 1, "seeds": 1, "coupled_start": "part"}, {"lam": (0.0,)}, {"gamma": (0.0,)}):
        checked(GAUSSIAN, small(Path("here"), **changes))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_and_have_folders_of_their_own(name):
    settings = PRESETS[name]()
    assert settings.preset == name
    assert checked(GAUSSIAN, settings) == settings
    assert len({preset().out for preset in PRESETS.values()}) == len(PRESETS)


def test_out_may_be_text():
    assert checked(GAUSSIAN, small("somewhere")).out == Path("somewhere")


@dataclasses.dataclass(frozen=True)
class Trained(GaussianSettings):
    """Settings of which there is one value or one for each n."""

    steps: tuple[int, ...] = (5,)


TRAINED = GAUSSIAN._replace(settings=Trained, by_n=("steps",))


def test_what_there_is_by_n_belongs_to_its_n():
    settings = Trained(n=(8, 16), steps=(5, 6), gamma=(1.0, 2.0))
    assert [by_n(TRAINED, settings, n) for n in (8, 16)] == [(("steps", 5),), (("steps", 6),)]
    assert [by_n(TRAINED, replace(settings, steps=(7,)), n) for n in (8, 16)] == [(("steps", 7),)] * 2
    one = single(settings, 16, (("gamma", 2.0), ("steps", 6)))
    assert (one.n, one.gamma, one.steps) == ((16,), (2.0,), (6,))
    for steps in ((), (1, 2, 3)):
        with pytest.raises(ConfigError, match=f"--steps has {len(steps)} numbers for 2 of --n; give one, or one each"):
            checked(TRAINED, replace(settings, steps=steps))


# A folder that holds a run


OTHER = {"preset": "smoke", "data": "elsewhere", "out": None, "arms": ("baseline",), "n": (8, 9), "lam": (1.0, 2.0),
         "gamma": (1.0, 2.5), "skip": ("8:2",), "refit": "from_scratch", "coupled_start": "seed", "cluster": "local",
         "model": "mean"}  # fmt: skip
NAMES = [field.name for field in dataclasses.fields(GaussianSettings) if field.name not in ("out", "generations")]


@pytest.fixture
def begun(tmp_path):
    settings = small(tmp_path / "run", coupled=1)
    begin(Context(GAUSSIAN, settings))
    return settings


@pytest.mark.parametrize("name", NAMES)
def test_what_decides_results_may_not_change_and_the_rest_may(begun, name):
    value = getattr(begun, name)
    other = replace(begun, **{name: OTHER.get(name, value + 1 if isinstance(value, int) else None)})
    assert getattr(other, name) != value
    before = (begun.out / "config.json").read_bytes()
    if name in (*MAY_CHANGE, *GAUSSIAN.axes):
        begin(Context(GAUSSIAN, checked(GAUSSIAN, other)))
        assert (begun.out / "config.json").read_bytes() != before
        return
    with pytest.raises(ConfigError) as error:
        run(GAUSSIAN, other)
    assert "\n" not in str(error.value)
    for told in (f"{name} is ", " there, ", " asked", "give another --out"):
        assert told in str(error.value)
    assert (begun.out / "config.json").read_bytes() == before


def test_all_differences_are_named_at_once(begun):
    with pytest.raises(ConfigError, match="evaluate is 8 there, 9 asked; .*d is 2 there, 3 asked"):
        run(GAUSSIAN, replace(begun, evaluate=9, d=3, seeds=3))


def test_what_may_change_are_settings():
    assert set(MAY_CHANGE) <= {field.name for field in dataclasses.fields(GaussianSettings)}


def test_other_data_are_refused(tmp_path):
    from tests.engine.small import compute

    settings = small(tmp_path / "run", arms=("baseline",), generations=1)
    compute(settings)

    def other(settings, n):
        return GAUSSIAN.data(settings, n)._replace(digest="other")

    with pytest.raises(ConfigError, match="holds a run on other data than --data"):
        compute(replace(settings, seeds=3), GAUSSIAN._replace(data=other))


def test_a_run_of_the_version_before_is_refused_in_one_line(begun):
    (begun.out / "domain.json").unlink()
    (begun.out / "blocks").mkdir()
    with pytest.raises(ConfigError, match="holds a run of selfloop 0.1, which this version cannot continue; give"):
        run(GAUSSIAN, begun)


def test_a_run_that_was_killed_in_its_first_moment_is_continued(begun):
    """config.json is the first thing that is written, and may be the only one."""
    for name in ("domain.json", "environment.json"):
        (begun.out / name).unlink()
    (begun.out / ".domain.json.7.tmp").touch()
    begin(Context(GAUSSIAN, begun))
    assert (begun.out / "domain.json").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").touch()
    with pytest.raises(ConfigError, match="is not empty and holds no run"):
        run(GAUSSIAN, small(tmp_path))
    with pytest.raises(ConfigError, match="is a file; give a folder"):
        run(GAUSSIAN, small(tmp_path / "letter.txt"))


# The command line


def said(*words, compiled):
    command = [sys.executable, str(EXPERIMENTS / "gaussian_loop.py"), *words]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | compiled)
    return found.returncode, found.stdout, found.stderr


def test_help_names_every_setting_and_its_choices(compiled):
    code, told, _ = said("--help", compiled=compiled)
    assert code == 0
    for field in dataclasses.fields(GaussianSettings):
        assert f"--{field.name.replace('_', '-')}" in told
    for choice in ("from_scratch", "accumulate_subsample", "part", "mean"):
        assert choice in told


def test_a_mistake_on_the_command_line_is_one_line(tmp_path, compiled):
    code, _, errors = said(*options(small(tmp_path / "run", lam=(-1.0,))), compiled=compiled)
    assert (code, errors) == (2, "error: --lam is -1.0; give a number, 0 or more\n")
