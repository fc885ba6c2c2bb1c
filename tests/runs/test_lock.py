"""One process at a time, and a lock that dies with its holder."""

import os
import signal
import subprocess
import sys

import pytest

from selfloop.errors import ConfigError, SelfloopError
from selfloop.runs.lock import alone

pytest.importorskip("fcntl", reason="needs POSIX locks")

HOLD = """
import sys, time
from selfloop.runs.lock import alone
with alone(sys.argv[1]):
    print(flush=True)
    time.sleep(60)
"""


def test_held_once_and_free_afterwards(tmp_path):
    with alone(tmp_path / "a" / "run"):
        with pytest.raises(ConfigError, match="another process is at work in it.*--out"), alone(tmp_path / "a" / "run"):
            pass
        with alone(tmp_path / "b"):
            pass
    with alone(tmp_path / "a" / "run"):
        pass
    assert os.listdir(tmp_path / "a" / "run") == []


def test_free_after_an_error(tmp_path):
    with pytest.raises(KeyError), alone(tmp_path):
        raise KeyError
    with alone(tmp_path):
        pass


def test_a_killed_holder_leaves_it_free(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE)
    assert holder.stdout.readline()
    with pytest.raises(ConfigError), alone(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with alone(tmp_path):
        pass


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file is a file; give a folder"), alone(tmp_path / "file"):
        pass
    with pytest.raises(SelfloopError, match="cannot be written"), alone(tmp_path / "file" / "run"):
        pass
