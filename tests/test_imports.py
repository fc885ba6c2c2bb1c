"""The house's order, read from the imports: arrows point down, none goes round, and what is heavy comes late."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "selfloop"


def name_of(path):
    """A file's module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def imports(module, late=False):
    """The modules that a module names at its top; ``late``: also those inside functions."""
    tree, found = ast.parse(MODULES[module].read_text()), set()
    nodes = list(ast.walk(tree)) if late else _outside(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are by full names"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return found


def _outside(tree):
    """All nodes that run when a module is imported, but those for the type checker alone."""
    found, left = [], [tree]
    while left:
        for node in ast.iter_child_nodes(left.pop()):
            checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not checking:
                found.append(node)
                left.append(node)
    return found


def under(*parts):
    """The modules of these parts of the package."""
    heads = tuple(f"selfloop.{part}" for part in parts)
    return [name for name in MODULES if any(name == head or name.startswith(f"{head}.") for head in heads)]


def crossing(lower, upper):
    """Imports that go from one part to another, wherever in the file they stand."""
    wrong = set(under(*upper))
    return [f"{name} -> {found}" for name in under(*lower) for found in sorted(imports(name, late=True) & wrong)]


def test_the_files_are_read():
    assert len(MODULES) > 100
    assert "selfloop.engine.plan" in imports("selfloop.engine.job")
    assert "selfloop.report.write" in imports("selfloop.experiment", late=True) - imports("selfloop.experiment")


PARTS = ["errors", "wording", "batch", "protocols", "contracts", "loop", "checkpointed", "policies", "sources",
         "chunks", "audit", "models", "correctors", "metrics", "stability", "runs", "engine", "analysis", "report",
         "testing"]  # fmt: skip


def test_nothing_but_a_domain_knows_a_domain():
    assert crossing(PARTS, ["domains"]) == []


def test_the_engine_knows_neither_analysis_nor_report_and_analysis_no_report():
    assert crossing(["engine"], ["analysis", "report", "experiment"]) == []
    assert crossing(["analysis"], ["report", "experiment"]) == []
    assert crossing(["report"], ["experiment"]) == []


@pytest.mark.parametrize(
    ("part", "allowed"),
    [
        ("errors", []),
        ("wording", []),
        ("batch", ["errors"]),
        ("protocols", ["errors", "batch"]),
        ("contracts", ["errors", "batch", "protocols"]),
        ("loop", ["errors", "batch", "protocols", "contracts"]),
        ("sources", ["errors", "batch", "protocols"]),
        ("policies", ["errors", "batch", "protocols"]),
        ("runs", ["errors", "wording"]),
    ],
)
def test_the_bottom_rests_on_what_is_below_it_alone(part, allowed):
    others = {name for name in MODULES if name not in {*under(part, *allowed), "selfloop"}}
    assert [f"{name} -> {found}" for name in under(part) for found in imports(name, late=True) & others] == []


def test_no_domain_knows_another():
    homes = {path.name for path in (PACKAGE / "domains").iterdir() if path.is_dir() and path.name[0].isalpha()}
    assert len(homes) > 1
    for home in homes:
        assert crossing([f"domains.{home}"], [f"domains.{other}" for other in homes - {home}]) == []


def test_no_import_goes_round():
    """A circle among what modules import as they are imported, found by taking away all that import nothing left."""
    left = {name: imports(name) & MODULES.keys() - {name, "selfloop"} for name in MODULES}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}


def test_brax_is_imported_by_its_backends_alone():
    users = {name for name in MODULES if any(found.split(".")[0] == "brax" for found in imports(name, late=True))}
    physics = "selfloop.domains.motion.physics"
    assert users <= {f"{physics}.brax_backend", f"{physics}.spring_backend"}
    assert f"{physics}.brax_backend" in users


@pytest.mark.parametrize(
    ("module", "light"),
    [("selfloop", ("brax", "mujoco", "matplotlib")), ("selfloop.experiment", ("brax", "mujoco", "matplotlib", "ray"))],
)
def test_what_is_heavy_comes_when_it_is_used(module, light):
    code = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}} & set({light!r})))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.split() == []
