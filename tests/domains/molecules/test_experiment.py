"""Molecules in the engine, end to end in miniature: what a run leaves, files of a user's own, settings refused."""

import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop import experiment
from selfloop.domains.molecules import sets, strengths
from selfloop.domains.molecules.domain import MOLECULES
from selfloop.domains.molecules.observe import CELLS, ramachandran
from selfloop.domains.molecules.settings import PRESETS, smoke
from selfloop.engine.check import check_data, check_observation
from selfloop.engine.plan import plan
from selfloop.engine.settings import checked
from selfloop.errors import SelfloopError
from selfloop.loop import begin, generation
from selfloop.policies import POLICIES
from selfloop.protocols import Loop
from selfloop.runs import record
from selfloop.sources import fixed
from tests.domains.molecules.test_forcefield import FIELD

pytestmark = pytest.mark.usefixtures("hurried")
TINY = {"n": (32,), "evaluate": 40, "first_steps": 4, "steps": 2, "batch": 8, "width": 16, "layers": 1,
        "sample_steps": 4, "generations": 1, "seeds": 1, "audit_every": 1}  # fmt: skip


def tiny(out, **changes):
    return replace(smoke(), **TINY | {"out": out} | changes)


@pytest.mark.slow
def test_a_run_leaves_measures_maps_and_sticks(compiled, tmp_path):
    asked = tiny(tmp_path / "run", arms=("replace_ideal", "replace_hmc_20"))
    experiment.run(MOLECULES, asked)
    rows = {(row["arm"], row["generation"]): row for row in record.read(asked.out / "metrics.jsonl")}
    assert rows.keys() == {(arm, t) for arm in asked.arms for t in (0, 1)}
    named = {measure.name for measure in MOLECULES.measures} - {"moved", "failed", "accepted", "work"}
    for row in rows.values():
        assert row.keys() >= named | {"fid_torsions", "coverage", "precision"}
        assert 0 <= row["map_tv"] <= 1
    assert rows["replace_hmc_20", 1]["work"] == 21
    page = (asked.out / "report.html").read_text()
    assert page.count('alt="Ramachandran map"') == 1 + 2 * 2
    assert "Conformers" in page
    assert not re.findall(r"https?://[^w]|src=.(?!data:)|<link|@import", page)


def test_the_bare_loop_goes_round():
    """One generation under replacement by the ideal corrector: states and samples stay finite and of one form."""
    asked = checked(MOLECULES, tiny("run"))
    data = MOLECULES.data(asked, 32)
    corrector = MOLECULES.correctors["ideal"](asked, data)
    parts = Loop(MOLECULES.model(asked, data), POLICIES["replace"](1.0), fixed(data.real), 32, corrector)
    carry, _ = begin(parts, jax.random.key(0))
    carry, found = generation(parts, jax.random.key(0), jnp.int32(1), carry)
    assert np.isfinite(found.fit["loss"])
    assert found.corrected.x.shape == (32, 22, 3)
    replaced = (np.asarray(found.correction["moved"]) > 0).mean()
    assert abs(replaced - 0.5) < 5 * np.sqrt(0.25 / 32)


def test_data_are_real_conformers_and_are_measured_as_such():
    asked = checked(MOLECULES, tiny("run", n=(1500,)))
    data = MOLECULES.data(asked, 1500)
    check_data(MOLECULES, data, 1500)
    observe = MOLECULES.observe(asked, data)
    check_observation(MOLECULES, observe, data.pool)
    found = observe(data.pool)
    # The two halves are independent runs of one law: shares agree within five standard errors.
    count = data.pool.capacity
    assert abs(float(found.values["hot"].mean()) - 0.01) < 5 * np.sqrt(0.01 / count) + 0.005
    assert abs(float(found.numbers["bond_spread"]) - 1) < 5 * np.sqrt(0.5 / count)
    assert not found.values["other_form"].any()
    assert found.spaces["torsions"].shape == (count, 4)


def test_maps_are_shares_of_cells():
    angle = jnp.asarray([[-3.1, 3.1], [0.1, 0.1], [0.1, 0.1]], jnp.float32)
    found = np.asarray(ramachandran(angle)).reshape(CELLS, CELLS)
    assert found[0, -1] == pytest.approx(1 / 3)
    assert found[CELLS // 2, CELLS // 2] == pytest.approx(2 / 3)
    assert found.sum() == pytest.approx(1)


def test_strengths_are_read_from_a_run(tmp_path):
    row = {"arm": "replace_hmc_80", "space": "local", "generation": 4, "gamma": 1.2, "low": 0.5, "high": "inf"}
    record.append(tmp_path / "gammas.jsonl", row, row | {"arm": "replace_ideal"}, row | {"gamma": None})
    (found,) = strengths.points(tmp_path)
    assert (found["kernel"], found["gradients"], found["gamma"]) == ("hmc", 80, 1.2)
    assert len(strengths.figure([found]).axes) == 1


def test_packed_conformers_come_back(tmp_path):
    x = np.random.default_rng(0).normal(size=(5, 3, 3)).astype(np.float32)
    sets.pack(tmp_path / "x.xz", x)
    np.testing.assert_allclose(sets.unpack(tmp_path / "x.xz", 3), x, atol=sets.GRID)


def butane(count):
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles("CCCC"))
    AllChem.EmbedMultipleConfs(molecule, count, randomSeed=1)
    return molecule


@pytest.mark.parametrize("kind", ["sdf", "xyz"])
def test_conformers_of_a_users_own(tmp_path, kind):
    chem = pytest.importorskip("rdkit.Chem")
    molecule, path = butane(40), tmp_path / f"own.{kind}"
    if kind == "sdf":
        with chem.SDWriter(str(path)) as writer:
            for one in molecule.GetConformers():
                writer.write(molecule, confId=one.GetId())
    else:
        blocks = [chem.MolToXYZBlock(molecule, confId=one.GetId()) for one in molecule.GetConformers()]
        path.write_text("".join(blocks))
    found = sets.load(str(path))
    assert found.field.smiles == "CCCC"
    assert found.loop.shape == found.reference.shape == (20, 14, 3)
    asked = checked(MOLECULES, tiny("run", n=(8,), data=str(path)))
    data = MOLECULES.data(asked, 8)
    assert data.own.molecule.names == ("1-2-3-4",)
    model = MOLECULES.model(asked, data)
    drawn = model.sample(jax.random.key(0), model.init(jax.random.key(0)), None, 4)
    assert drawn.x.shape == (4, 14, 3)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("own.pdb", "", "ends in .pdb; give an .sdf or .xyz file"),
        ("own.xyz", "one\n", "line 1 is no number of atoms"),
        ("own.xyz", "3\n\nO 0 0 0\n", "the conformer at line 1 is cut short"),
        ("own.xyz", "1\n\nO 0 0 0\n" * 3, "holds 3 conformers; give 20 or more"),
        ("own.sdf", "nothing\n", "cannot be read as SDF"),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path, name, content, told):
    pytest.importorskip("rdkit")
    (tmp_path / name).write_text(content)
    with pytest.raises(SelfloopError, match=re.escape(told)) as caught:
        sets.load(str(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"n": (99_999,)}, "--n is 99999; the loop's part"),
        ({"temperature": 0.0}, "--temperature is 0.0; give kelvin, above 0"),
        ({"gamma": -1.0}, "--gamma is -1.0"),
        ({"steps": 0}, "--steps is 0; give 1 or more"),
        ({"data": "nowhere.sdf"}, "nowhere.sdf: no such file"),
    ],
)
def test_a_bad_setting_is_named_and_nothing_is_begun(tmp_path, changes, told):
    with pytest.raises(SelfloopError, match=re.escape(told)) as caught:
        experiment.run(MOLECULES, tiny(tmp_path / "run", **changes))
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "run").rglob("*.jsonl"))


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_run_and_says_which_it_is(name):
    asked = checked(MOLECULES, PRESETS[name]())
    assert asked.preset == name
    assert plan(MOLECULES, asked)
    assert PRESETS[name].__doc__.endswith(".")


def test_the_shipped_molecule_is_alanine_dipeptide():
    assert FIELD.smiles == "CNC(=O)[C@H](C)NC(C)=O"
    found = sets.shipped()
    assert found.loop.shape == found.reference.shape == (3000, 22, 3)
