"""What a type checker of a user's sees: every public name's type, and stories without an error."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
UNTYPED = "import-untyped"
"""A library of the user's that says no types (scikit-learn) is no fault of ours."""

pytestmark = pytest.mark.slow


def checker(name):
    found = shutil.which(name)
    return found or pytest.skip(f"needs {name}: install the extra `dev`")


def test_every_public_name_has_a_type(bin_folder, tmp_path):
    # The checker looks for the package where the first python on the path finds it.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env = kept | {"PATH": os.pathsep.join([str(bin_folder), os.environ["PATH"]])}
    command = [checker("pyright"), "--verifytypes", "selfloop", "--ignoreexternal", "--outputjson"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
    found = json.loads(told.stdout)["typeCompleteness"]
    assert Path(found["packageRootDirectory"]).is_relative_to(bin_folder.parent), "it looked at another package"
    assert found["exportedSymbolCounts"]["withKnownType"] > 2000
    unknown = [one["name"] for one in found["symbols"] if one["isExported"] and not one["isTypeKnown"]]
    assert not unknown
    assert found["completenessScore"] == 1


def typed(bin_folder, folder, *files):
    """What mypy says of files that were copied to a folder outside of the repository."""
    for file in files:
        shutil.copy(HERE / file, folder)
    command = [checker("mypy"), "--python-executable", str(bin_folder / "python"), "--check-untyped-defs"]
    command += ["--warn-unused-ignores", "--disable-error-code", UNTYPED, *files]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_stories_and_numpy_s_arrays_have_no_type_error(bin_folder, tmp_path):
    files = sorted(path.name for path in HERE.glob("[a-z]_*.py")) + ["numpy_only.py"]
    told = typed(bin_folder, tmp_path, *files)
    assert told.returncode == 0, told.stdout
    assert f"no issues found in {len(files)} source files" in told.stdout


def test_a_mistake_in_a_user_s_file_is_told(bin_folder, tmp_path):
    (tmp_path / "wrong.py").write_text("import selfloop\nselfloop.mixture('two', 5)\nselfloop.load(3).tabel()\n")
    command = [checker("mypy"), "--python-executable", str(bin_folder / "python"), "wrong.py"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert "Found 3 errors in 1 file" in told.stdout, told.stdout


def test_numpy_s_arrays_are_taken(outside, tmp_path):
    shutil.copy(HERE / "numpy_only.py", tmp_path)
    outside("python", "numpy_only.py")
