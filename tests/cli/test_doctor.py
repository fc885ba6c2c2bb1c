"""``selfloop doctor``: all is well here, and what is not is said."""

from selfloop import extras
from selfloop.cli import doctor, selftest
from selfloop.cli.main import main


def test_this_installation_is_sound(capsys):
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    assert shown.rstrip().endswith("All is well.")
    assert "15 clips of DeepMimic, MIT licence: inside the package" in shown
    assert doctor.BAD not in shown
    assert all(name in shown for name in (*selftest.TESTS, *extras.EXTRAS))


def test_a_test_that_fails_or_breaks_is_a_cross_and_code_1(capsys, monkeypatch):
    def broken():
        raise RuntimeError("no device")

    tests = {"wrong": lambda: (False, "1 is 2"), "broken": broken, "absent": lambda: (None, "not installed")}
    monkeypatch.setattr(selftest, "TESTS", tests)
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "✗ wrong: 1 is 2" in shown
    assert "✗ broken: RuntimeError: no device" in shown
    assert "- absent: not installed" in shown


def test_an_extra_that_is_missing_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(extras, "_found", lambda module: module != "brax")
    assert "- motion: not installed (brax): pip install 'selfloop[motion]'" in doctor.extras()
    good, told = selftest.free_fall()
    assert good is None
    assert "brax" in told
