"""The command line: presets and what overrides them, mistakes in one line, what is loaded, exit codes, Ctrl-C."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from selfloop import __version__, experiment
from selfloop.cli import domains, guard, parse, table
from selfloop.cli.main import main
from selfloop.engine.settings import checked
from selfloop.errors import DataError
from selfloop.runs import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch):
    """What the experiment was asked for: (domain, settings) of every call."""
    found = []
    monkeypatch.setattr(experiment, "run", lambda *arguments: found.append(arguments) or Path("report.html"))
    monkeypatch.setattr(environment, "compilation_cache", lambda *_: None)
    return found


@pytest.mark.parametrize("name", domains.DOMAINS)
def test_presets_are_where_the_defaults_come_from(name, asked, capsys):
    row = domains.DOMAINS[name]
    presets = domains._at(row.presets)
    assert main(["run", name]) == 0
    assert "report: report.html" in capsys.readouterr().out
    assert asked.pop() == (domains._at(row.domain), presets[row.default]())
    for preset, made in presets.items():
        for form in (["--preset", preset], [f"--preset={preset}"]):
            assert main(["run", name, *form]) == 0
            domain, settings = asked.pop()
            assert settings == made()
            assert checked(domain, settings).preset == preset


@pytest.mark.parametrize("name", domains.DOMAINS)
def test_options_override_the_preset(name, asked):
    options = "--preset smoke --generations 7 --n 5 9 --lam 0.5 --seeds 4"
    assert main(["run", name, *options.split()]) == 0
    smoke = domains._at(domains.DOMAINS[name].presets)["smoke"]()
    assert asked[0][1] == dataclasses.replace(smoke, generations=7, n=(5, 9), lam=(0.5,), seeds=4)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("zz", "zz"),
        ("run", "gaussian, images, motion"),
        ("run moton", "moton"),
        ("run gaussian --preset huge", "--preset is huge; choose one of default, smoke"),
        ("run gaussian --speed 3", "--speed"),
        ("run gaussian --generations many", "--generations"),
        ("run gaussian --arms magic", "magic"),
        ("run gaussian --seeds 0", "--seeds is 0; give 1 or more"),
        ("run gaussian --n", "--n"),
        ("verify --only theorem_9", "--only is theorem_9; choose one of bertrand_infinite"),
        ("audit a.npy b.npy", "selfloop audit"),
        ("audit a.npy b.npy c.npy", "raw: a.npy is no file"),
        ("certify a.npy --model magic", "magic"),
        ("bench speed --only warp", "--only is warp; choose among statistics"),
        ("bench gaussian-toy --seeds 0", "--seeds is 0; give 1 or more"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(arguments, told, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "compilation_cache", lambda *_: None)
    inherited = dict(os.environ)
    assert main(arguments.split()) == 2
    assert dict(os.environ) == inherited  # of processes started later
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert told in said
    assert said.count("\n") == 1
    assert not any(mark in said for mark in "│╭─")


def test_what_tyro_says_in_a_box_becomes_a_line():
    rule = f"│ {'─' * 20} │"
    said = ["Error parsing --a:", "no int 'x'", rule, "Argument helptext:", rule, "See --help"]
    box = "\n".join(["╭─ Value error ─────╮", *(one if one == rule else f"│ {one} │" for one in said), "╰──────╯"])
    assert parse.one_line(box) == "Error parsing --a: no int 'x'; See --help"
    assert parse.one_line("plain words\n") == "plain words"
    assert parse.one_line("") == "the arguments cannot be read"


def test_help_lists_every_command_and_loads_none_of_them(capsys, monkeypatch):
    monkeypatch.setattr(table.importlib, "import_module", None)
    monkeypatch.setattr(domains.importlib, "import_module", None)
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name.split()[0] in shown for name in table.COMMANDS)
    assert main([]) == 0
    assert capsys.readouterr().out == shown


def test_the_version_is_that_of_the_package(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"selfloop {__version__}\n"


def test_every_row_that_is_there_loads_and_its_help_names_its_options(capsys):
    for name in table.COMMANDS:
        try:
            assert main([*name.split(), "--help"]) == 0, name
        except ModuleNotFoundError as error:
            pytest.skip(f"{name} is not there yet: {error}")
        assert f"usage: selfloop {name}" in capsys.readouterr().out


def test_help_of_a_domain_tells_its_presets_and_an_example(capsys):
    assert main(["run", "motion", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "selfloop run motion --preset smoke" in shown
    assert "paper: The paper's class of model" in shown
    assert "--pipeline {auto,mjx,mujoco}" in shown


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [(DataError("no such thing"), 2, "error: no such thing\n"), (PermissionError(13, "denied", "x"), 2, "error: ")],
)
def test_errors_of_the_user_are_one_line(error, code, told, capsys):
    def work():
        raise error

    assert guard.guarded(work) == code
    assert capsys.readouterr().err.startswith(told)


def test_errors_of_ours_keep_their_traceback():
    def work():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guard.guarded(work)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_clean(number, capsys):
    before = signal.getsignal(number)
    assert guard.guarded(lambda: os.kill(os.getpid(), number), "stopped; the same command continues") == 128 + number
    assert capsys.readouterr().err == "stopped; the same command continues\n"
    assert signal.getsignal(number) == before


class Careless:
    """Python drops what a destructor raises."""

    def __init__(self, number):
        self.number = number

    def __del__(self):
        os.kill(os.getpid(), self.number)


def swallowed(number):
    with contextlib.suppress(BaseException):
        os.kill(os.getpid(), number)


def called_back(number):
    """A callback of a compiled program."""

    def stop(x):
        os.kill(os.getpid(), number)
        return x

    done = jax.jit(lambda x: jax.pure_callback(stop, jax.ShapeDtypeStruct((), jnp.float32), x))(jnp.float32(1))
    done.block_until_ready()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("lost", [Careless, swallowed, called_back])
def test_a_stop_that_is_lost_is_asked_for_again(lost, number, capsys, monkeypatch):
    monkeypatch.setattr(guard, "AGAIN", 0.05)

    def work():
        lost(number)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            time.sleep(0.01)

    before = signal.getsignal(number)
    assert guard.guarded(work, "stopped here") == 128 + number
    assert capsys.readouterr().err.splitlines()[-1] == "stopped here"
    assert signal.getsignal(number) == before


SIGINT_AS_USUAL = "signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A process that was started in the background ignores it."""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_while_the_package_is_imported_is_one_line():
    # In the midst of it: where jax is looked for.
    code = f"""
import os, signal, sys
{SIGINT_AS_USUAL}
class Found:
    def find_spec(self, name, path=None, target=None):
        if name == "jax":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Found())
import selfloop
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    assert done.stderr == "stopped while selfloop was loading\n"


def test_an_error_while_the_package_is_imported_keeps_its_traceback_and_ctrl_c_its_handler():
    broken = "import sys; sys.modules['jax'] = None; import selfloop"
    done = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True, cwd=ROOT)
    assert "Traceback" in done.stderr
    assert "import of jax halted" in done.stderr
    sound = f"import signal, sys; {SIGINT_AS_USUAL}; import selfloop; "
    sound += "print(signal.getsignal(2) is signal.default_int_handler, sys.excepthook is sys.__excepthook__)"
    done = subprocess.run([sys.executable, "-c", sound], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["True", "True"]


@pytest.mark.parametrize(("said", "code"), [(None, 0), (0, 0), (2, 2), ("no", 2)])
def test_an_exit_of_the_parser_is_an_exit_code(said, code, monkeypatch):
    def stops(*_):
        raise SystemExit(said)

    monkeypatch.setattr(parse, "parse", stops)
    assert main(["run", "gaussian"]) == code


@pytest.mark.slow
def test_completion_for_the_shell_knows_options_and_choices():
    command = [sys.executable, "-m", "selfloop", "--tyro-print-completion", "bash"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for word in ("motion-grid", "--first-steps", "physics_prior", "--real-groups", "student"):
        assert word in found
