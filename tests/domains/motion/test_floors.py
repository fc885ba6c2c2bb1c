"""Floor lines on made-up windows, with a measure whose values are known."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion import floors, measures
from selfloop.domains.motion.arms import Arm
from selfloop.domains.motion.config import MotionLoopConfig
from selfloop.domains.motion.data.windows import Windows
from selfloop.domains.motion.setup import Data
from selfloop.runs import record


def made(n):
    """n windows whose first feature is their number."""
    x = np.zeros((n, 8, 64), np.float32)
    x[:, 0, 0] = count = np.arange(n, dtype=np.int32)
    return Windows(x, np.full(n, 8, np.int32), count * 0, count, count, ("walk",))


def mean(key, x, length, label, weight):
    """The mean number of the windows, and how many there are."""
    return {"mean": jnp.sum(x[:, 0, 0] * weight) / jnp.sum(weight), "count": jnp.sum(weight)}


@pytest.fixture(name="config")
def _config(tmp_path):
    return MotionLoopConfig(out=tmp_path, arms=("baseline",), evaluate=20)


def test_a_split_set_draws_as_many_windows_as_there_are_samples(config):
    data = Data(made(4), made(30), made(4), (made(4), []), "")
    line = floors.floors(config, data, mean)["real"]
    assert line["n"] == line["count"] == 20
    assert abs(line["mean"] - 14.5) < 5 * np.sqrt(30**2 / 12 / 20 / 3 / floors.DRAWS)  # without replacement: a third
    assert line["spread"]["mean"] > 0
    assert record.read_json(config.out / "floors.json")["real"] == line


def test_few_windows_are_all_measured(config):
    data = Data(made(4), made(10), made(4), (made(4), []), "")
    line = floors.floors(config, data, mean)["real"]
    assert (line["n"], line["mean"]) == (10, 4.5)


def test_a_small_set_stands_half_against_half(config, monkeypatch):
    def against(other, evaluator, names):
        left = set(other.start.tolist())

        def measure(key, x, length, label, weight):
            here = set(np.asarray(x[:, 0, 0]).astype(int).tolist())
            return {"shared": jnp.asarray(float(len(left & here))), "all": jnp.asarray(float(len(left | here)))}

        return measure

    monkeypatch.setattr(measures, "motion_measures", against)
    data = Data(made(4), made(11), made(11), None, "")
    line = floors.floors(config, data, mean)["real"]
    assert (line["n"], line["shared"], line["all"]) == (5, 0, 11)


def test_the_corrected_line_measures_corrected_motions_and_counts_failures(config, monkeypatch):
    def fails_odd_ones(key, batch, state):
        odd = batch.x[:, 0, 0] % 2 == 1
        return batch._replace(x=batch.x + 100, weight=jnp.where(odd, 0.0, batch.weight)), {"failed": odd}

    monkeypatch.setitem(floors.ARMS, "physics", Arm(lambda config, data: fails_odd_ones))
    data = Data(made(4), made(20), made(4), (made(4), []), "")
    lines = floors.floors(replace(config, arms=("physics",)), data, mean)
    assert lines["real, corrected"]["failed"] == 10
    assert lines["real, corrected"]["count"] == 10
    np.testing.assert_allclose(lines["real, corrected"]["mean"], 100 + np.mean(np.arange(0, 20, 2)), rtol=1e-5)
