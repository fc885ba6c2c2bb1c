"""A loop on a user's array with a user's functions: its arms, its split, how it stops, goes on and refuses."""

from dataclasses import replace

import numpy as np
import pytest

from selfloop import experiment
from selfloop.domains import arrays
from selfloop.domains.arrays.functions import fingerprint
from selfloop.domains.arrays.split import split
from selfloop.engine.domain import Arm
from selfloop.engine.scores import names
from selfloop.errors import ConfigError
from selfloop.runs import files, record
from tests.engine.small import compute, same

REAL = np.random.default_rng(2).normal([3.0, -1.0], [2.0, 0.1], (60, 2))
LUCK = {"calls": None}
"""How often the corrector still works; None: always."""


def fit(seed, samples, previous):
    return samples.mean(0), samples.std(0)


def draw(seed, state, n):
    return np.random.default_rng(seed).normal(*state, (n, 2))


def halved(seed, samples):
    if LUCK["calls"] is not None:
        LUCK["calls"] -= 1
        if LUCK["calls"] < 0:
            raise ArithmeticError("out of luck")
    return (samples + REAL.mean(0)) / 2


def left(samples):
    return (samples[:, 0] < 3).astype(float)


PARTS = {"correctors": {"halved": halved}, "measures": {"left": left}, "arms": {"replace": Arm(policy="replace")}}


def settings(out, **changes):
    every = {"arms": ("baseline", "uncorrected", "halved", "replace"), "n": (20,), "generations": 3, "seeds": 2}
    return arrays.ArraysSettings(**{"out": out, "evaluate": 12, "audit_every": 2} | every | changes)


@pytest.fixture(scope="module")
def domain():
    return arrays.arrays(REAL, fit, draw, **PARTS)


@pytest.fixture(scope="module")
def straight(tmp_path_factory, domain):
    return compute(settings(tmp_path_factory.mktemp("straight") / "run"), domain)


def test_half_is_the_loops_and_half_is_the_reference_always_the_same():
    one, again = split(REAL), split(REAL)
    np.testing.assert_array_equal(one.loop, again.loop)
    assert len(one.loop) == len(one.reference) == 30
    both = np.concatenate([one.loop, one.reference])
    np.testing.assert_array_equal(both[np.lexsort(both.T)], np.float32(REAL)[np.lexsort(np.float32(REAL).T)])


def test_arms_seeds_and_generations_are_there_and_the_corrector_corrects(straight):
    kept = sorted(straight.glob("jobs/*/rows.jsonl"))
    found = [row for path in kept for row in record.read(path)]
    assert len(found) == 4 * 2 * 4
    moved = {
        arm: [row["moved"] for row in found if row["arm"] == arm and "moved" in row] for arm in ("halved", "replace")
    }
    assert min(moved["halved"]) > 0.3  # half of the distance to the mean, of spread 2
    assert max(moved["replace"]) == 0


def test_what_is_observed_is_standardised_by_the_reference(straight):
    found = files.read_arrays(straight / "data" / "n20" / "reference.npz")
    np.testing.assert_allclose(found["space/standardised"].mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(found["space/standardised"].std(0), 1, rtol=1e-4)
    assert set(np.unique(found["value/left"])) == {0, 1}


def test_a_function_that_raises_is_named_and_the_run_goes_on_when_it_is_mended(straight, domain, tmp_path):
    asked = settings(tmp_path / "run")
    LUCK["calls"] = 4  # generations 0 (audited) and 1 of two seeds
    with pytest.raises(ArithmeticError) as error:
        compute(asked, domain)
    LUCK["calls"] = None
    assert error.value.__notes__[0].startswith("in n20_lam1_halved")
    assert error.value.__notes__[0].endswith(", generation 2")
    same(compute(asked, arrays.arrays(REAL, fit, draw, **PARTS)), straight)


def test_a_generator_that_ignores_n_once_is_named_with_the_generation(tmp_path):
    def some(seed, state, n):
        return draw(seed, state, n if n != 12 else 11)

    with pytest.raises(
        ConfigError, match=r"baseline.*, generation 0: draw returned float64\[11, 2\] when asked for 12 samples"
    ):
        compute(settings(tmp_path / "run", arms=("baseline",)), arrays.arrays(REAL, fit, some))


def other_fit(seed, samples, previous):
    return np.median(samples, 0), samples.std(0)


def test_a_run_is_continued_with_more_and_refused_with_other_functions_or_data(straight, domain):
    begun = settings(straight)
    with pytest.raises(ConfigError, match="holds a run with another fit"):
        experiment.begin(experiment.Context(arrays.arrays(REAL, other_fit, draw), replace(begun, arms=("baseline",))))
    with pytest.raises(ConfigError, match="on other data"):
        experiment.begin(experiment.Context(arrays.arrays(REAL + 1, fit, draw, **PARTS), begun))
    more = arrays.arrays(REAL, fit, draw, **PARTS | {"correctors": PARTS["correctors"] | {"same": lambda seed, x: x}})
    experiment.begin(experiment.Context(more, begun))


def test_fingerprints_tell_code_and_not_comments():
    def one(x):
        return x + 1  # a comment

    first = fingerprint(one)

    def one(x):

        return x + 1

    assert fingerprint(one) == first != fingerprint(other_fit)
    assert fingerprint(np.mean) != fingerprint(np.median)


def test_the_front_door_leaves_a_report_with_the_users_measures(tmp_path):
    embed = lambda x: np.concatenate([x, x**2], axis=1)  # noqa: E731
    report = arrays.run(REAL, fit, draw, tmp_path / "run", measures={"left": left}, embedding=embed, generations=1,
                        seeds=2, evaluate=12)  # fmt: skip
    text = report.read_text("utf-8")
    assert "left" in text
    rows = record.read(tmp_path / "run" / "metrics.jsonl")
    assert {row["arm"] for row in rows} == {"baseline", "uncorrected"}
    assert {row["n"] for row in rows} == {30}
    known = {"chain", "arm", "lam", "seed", "start", "n", "generation", "left", "failed", "moved"}
    named = {name for row in rows for name in row if "seconds_" not in name} - known
    assert named == names("embedding", ("embedding", "standardised"))
    assert all(0 <= row["left"] <= 1 and "fid_embedding" in row for row in rows)
