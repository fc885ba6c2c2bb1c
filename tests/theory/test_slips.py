"""Mutation testing: a slip stands in the prediction's place, measurements stay, and only what was measured counts."""

import json
import sys
from functools import cache
from types import ModuleType

import jax
import numpy as np
import pytest

from selfloop.errors import ConfigError
from selfloop.stability import recursions
from theory import mutate, verify
from theory.frame.claim import Claim, Control, Finding, Slip, equal, identity, mean
from theory.frame.slips import applied, early, scaled, trials
from theory.shared.slips import COIN

MEASURED = []


def limit(n):
    """The prediction of the claim below."""
    return 1 / n


@cache
def samples():
    MEASURED.append(1)
    return np.random.default_rng(0).normal(0.25, 0.01, 400)


def finding():
    half = limit(2)
    return Finding(
        {"a quarter is half a half": abs(limit(4) - half / 2) < 1e-9},
        [mean("a quarter", limit(4), samples()), identity("a half", half, 0.5, 1e-9)],
        Control("a fifth", mean("a quarter", 0.2, samples())),
        lambda: None,
    )


SLIPS = (
    Slip("a factor 2", limit, scaled(2.0)),
    Slip("of 4 nothing wrong", limit, lambda right, n: right(n) if n == 4 else 2 / n),
    Slip("one part in a thousand", limit, lambda right, n: 1.001 / n),
)


@pytest.fixture(autouse=True)
def claims(monkeypatch):
    module = ModuleType("theory.quarter")
    module.CLAIM = Claim("quarter", "a source", "a statement", lambda effort: finding(), SLIPS)
    module.limit = limit
    monkeypatch.setitem(sys.modules, "theory.quarter", module)
    monkeypatch.setitem(sys.modules, "theory.here", sys.modules[__name__])
    monkeypatch.setattr(verify, "CLAIMS", ("quarter",))


def test_a_slip_is_caught_by_what_was_measured_alone():
    MEASURED.clear()
    samples.cache_clear()
    first, second, third = trials("quarter", None)
    assert (first.caught, first.by) == (True, "a quarter")
    assert (second.caught, second.by) == (False, "(not measured: a half)")
    assert (third.caught, third.by) == (False, "(not measured: a half)")
    assert len(MEASURED) == 1


def test_a_claim_that_does_not_hold_is_no_ground(monkeypatch):
    monkeypatch.setitem(globals(), "limit", lambda n: 2 / n)
    with pytest.raises(ConfigError, match="quarter does not hold"):
        trials("quarter", None)


def test_a_slip_reaches_compiled_predictions_and_goes_again():
    path = lambda: np.asarray(recursions.reuse(1, 1, 1.0, 0.0, 5))  # noqa: E731
    with jax.enable_x64(True):
        right = path()
        with applied(COIN):
            wrong = path()
        np.testing.assert_array_equal(path(), right)
    assert wrong[0] == right[0]
    assert np.all(wrong[1:] < right[1:])


def test_a_prediction_that_nobody_makes_is_an_error():
    with pytest.raises(LookupError, match="nobody"), applied(Slip("nobody", lambda: 0, lambda right: 1)):
        pass


def test_a_path_one_generation_behind():
    np.testing.assert_array_equal(early(lambda: np.arange(4)), [0, 0, 1, 2])


def test_the_command_tells_and_writes_what_survives(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(verify, "_cache", lambda: None)
    monkeypatch.setattr(sys, "argv", ["mutate.py", "--out", str(tmp_path)])
    assert mutate.main() == 1
    rows = json.loads((tmp_path / "mutants.json").read_text())
    assert [(row["slip"], row["quick"], row["full"]) for row in rows] == [
        ("a factor 2", True, True), ("of 4 nothing wrong", False, False), ("one part in a thousand", False, False),
    ]  # fmt: skip
    printed = capsys.readouterr().out
    assert "3 slips in 1 claims" in printed
    assert "caught by the quick run: 1" in printed
    assert mutate.checked(mutate.parse(["--quick", "--only", "quarter", "--out", str(tmp_path)])) == 1
    with pytest.raises(ConfigError, match="theorem_9"):
        mutate.checked(mutate.MutateConfig(only=("theorem_9",)))


def test_equal_is_no_identity():
    assert not equal("", 1, 1, 0).identity
