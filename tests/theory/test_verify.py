"""The command: exit codes, files, names, and what becomes of a claim that fails or breaks."""

import json
import math
import signal
import sys
from types import ModuleType

import jax
import jax.numpy as jnp
import pytest

from selfloop.errors import ConfigError
from selfloop.report.figures import blank
from theory import verify
from theory.frame.claim import Claim, Control, Finding, at_most, equal

KEYS = ["name", "source", "statement", "hypotheses", "definitions", "predicted", "measured", "interval", "power",
        "negative_control", "holds"]  # fmt: skip


def finding(measured=1.0, control=2.0):
    numbers = [equal("a number", 1.0, measured, 1e-9), at_most("below infinity <&>", math.inf, 1.0)]
    return Finding(
        {"met": True}, numbers, Control("the control", equal("other", control, 1.0, 1e-9)), lambda: blank(1, 1)
    )


def in_float64():
    assert jnp.zeros(()).dtype == jnp.float64
    return finding()


def broken():
    raise RuntimeError("out of <luck>")


CHECKS = {
    "good": in_float64,
    "false": lambda: finding(measured=1.1),
    "passing_control": lambda: finding(control=1.0),
    "broken": broken,
}


@pytest.fixture(autouse=True)
def claims(monkeypatch):
    """Four claims in place of the real ones."""
    for name, check in CHECKS.items():
        module = ModuleType(f"theory.{name}")
        module.CLAIM = Claim(name, "a source", "a <statement>", lambda effort, check=check: check())
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(verify, "CLAIMS", tuple(CHECKS))


@pytest.fixture
def command(monkeypatch, tmp_path):
    """``command(*arguments)``: the exit code of the script."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(verify, "_cache", lambda: None)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["verify.py", "--out", str(tmp_path), *arguments])
        return verify.main()

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def written(tmp_path):
    return {claim["name"]: claim for claim in json.loads((tmp_path / "claims.json").read_text())}


def test_claims_that_hold_exit_with_0_and_leave_their_files(command, tmp_path):
    assert command("--quick", "--only", "good") == 0
    (claim,) = json.loads((tmp_path / "claims.json").read_text())
    assert list(claim) == KEYS
    assert claim["predicted"][1] == {
        "label": "below infinity <&>", "relation": "<=", "value": "inf", "identity": False, "power": None,
    }  # fmt: skip
    assert claim["measured"] == [1.0, 1.0]
    assert claim["interval"][1] == [1.0, 1.0]
    assert claim["negative_control"]["fails"] is True
    assert (claim["holds"], claim["hypotheses"]) == (True, {"met": True})
    assert (tmp_path / "figures" / "good.png").read_bytes().startswith(b"\x89PNG")
    assert "packages" in json.loads((tmp_path / "environment.json").read_text())
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "1 of 1 claims hold" in page
    assert "below infinity &lt;&amp;&gt;" in page
    assert "a &lt;statement&gt;" in page


@pytest.mark.parametrize("name", ["false", "passing_control", "broken"])
def test_a_claim_that_does_not_hold_exits_with_1(command, tmp_path, name):
    assert command("--only", name, "--only", "good") == 1
    assert [(claim, one["holds"]) for claim, one in written(tmp_path).items()] == [("good", True), (name, False)]
    assert f"Not: {name}." in (tmp_path / "report.html").read_text("utf-8")


def test_a_claim_whose_check_raises_says_why(command, tmp_path):
    assert command("--only", "broken") == 1
    claim = written(tmp_path)["broken"]
    assert claim["hypotheses"] == {"the check runs to its end (RuntimeError: out of <luck>)": False}
    assert claim["measured"] == [None]


def test_an_unknown_name_exits_with_2_and_the_names(command, capsys, tmp_path):
    assert command("--only", "theorem_9") == 2
    assert capsys.readouterr().err == (
        "error: --only is theorem_9; choose one of good, false, passing_control, broken\n"
    )
    assert not (tmp_path / "claims.json").exists()


def test_names_are_all_by_default_and_several_if_given_several_times():
    assert verify.parse([]) == verify.VerifyConfig()
    assert verify.parse(["--only", "good", "--only", "false", "--quick"]).only == ("good", "false")
    with pytest.raises(ConfigError, match="theorem_9"):
        verify.checked(verify.VerifyConfig(only=("good", "theorem_9")))


def test_precision_is_left_as_it_was(command):
    before = jax.config.jax_enable_x64
    command("--only", "good")
    assert jax.config.jax_enable_x64 == before
