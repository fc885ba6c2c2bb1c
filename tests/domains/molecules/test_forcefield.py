"""The force field against RDKit, against differences and under rigid motion; its parameters as a file."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.molecules import parameters, sets
from selfloop.domains.molecules.forcefield import CHUNK, energy, energy_and_gradient
from selfloop.errors import DataError

pytestmark = pytest.mark.usefixtures("hurried")
SMILES = ("CC(=O)N[C@@H](C)C(=O)NC", "CC#CCO")
OTHERS = ("CCCCC", "c1ccccc1O", "CC(=O)Oc1ccccc1C(=O)O", "OCC1OC(O)C(O)C1O")
FIELD = parameters.read(sets.PARAMETERS)
BOTH = jax.jit(energy_and_gradient(FIELD))


def shaken(field, count, seed=0, size=0.1):
    noise = size * np.random.default_rng(seed).normal(size=(count, field.atoms, 3))
    return field.minimum[None] + noise


@pytest.mark.parametrize("smiles", [*SMILES, *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)])
def test_energies_and_forces_are_rdkits(smiles, x64):
    chem = pytest.importorskip("rdkit.Chem")
    from rdkit.Chem import AllChem
    from rdkit.Chem import rdForceFieldHelpers as fields

    molecule = chem.AddHs(chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    field = parameters.of_molecule(molecule)
    peer = fields.MMFFGetMoleculeForceField(molecule, fields.MMFFGetMoleculeProperties(molecule))
    x = shaken(field, 4)
    known = [(peer.CalcEnergy(one), peer.CalcGrad(one)) for one in x.reshape(4, -1).tolist()]
    found, slope = jax.jit(energy_and_gradient(field))(jnp.asarray(x))
    np.testing.assert_allclose(found, [one for one, _ in known], rtol=0, atol=1e-3)
    theirs = np.array([one for _, one in known]).reshape(x.shape)
    assert np.abs(slope - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_forces_are_differences_of_energies(x64):
    x, step = shaken(FIELD, 1), 1e-5
    each = step * np.eye(3 * FIELD.atoms).reshape(-1, FIELD.atoms, 3)
    value, slope = BOTH(jnp.asarray(np.concatenate([x, x + each, x - each])))
    above, below = np.asarray(value[1:]).reshape(2, -1)
    difference = (above - below) / (2 * step)
    np.testing.assert_allclose(slope[0].reshape(-1), difference, atol=1e-5 * np.abs(difference).max())


@pytest.mark.slow
def test_energies_have_the_gradient_of_both():
    x = jnp.asarray(shaken(FIELD, CHUNK + 3), jnp.float32)
    found = jax.jit(jax.grad(lambda x: (energy(FIELD)(x) * jnp.arange(1.0, len(x) + 1)).sum()))(x)
    weight = jnp.arange(1.0, len(x) + 1)[:, None, None]
    np.testing.assert_allclose(found, BOTH(x)[1] * weight, rtol=1e-4, atol=1e-2)


def test_energies_are_those_of_any_chunk_and_any_place_and_turn():
    x = jnp.asarray(shaken(FIELD, CHUNK + 3), jnp.float32)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    moved = x @ jnp.asarray(turn, jnp.float32) + jnp.asarray([3.0, -2.0, 1.0])[None, None]
    value, slope = BOTH(x)
    np.testing.assert_allclose(BOTH(x[:5])[0], value[:5], rtol=1e-5)
    np.testing.assert_allclose(BOTH(moved)[0], value, rtol=1e-4)
    size = float(abs(slope).max())
    np.testing.assert_allclose(BOTH(moved)[1], slope @ jnp.asarray(turn, jnp.float32), atol=1e-3 * size)
    np.testing.assert_allclose(slope.sum(1), 0, atol=1e-4 * size)  # nothing pulls a molecule as a whole


def test_the_minimum_has_no_forces():
    five = jnp.asarray(np.repeat(FIELD.minimum[None], 5, 0), jnp.float32)
    assert np.abs(BOTH(five)[1]).max() < 0.02


def test_parameters_come_back_from_a_file(tmp_path):
    parameters.write(tmp_path / "one.json", FIELD)
    again = parameters.read(tmp_path / "one.json")
    for one, other in zip(again, FIELD, strict=True):
        np.testing.assert_array_equal(one, other)
    (tmp_path / "bad.json").write_text('{"elements": []}')
    with pytest.raises(DataError, match=r"bad\.json: holds no parameters"):
        parameters.read(tmp_path / "bad.json")


def test_the_shipped_parameters_are_rdkits():
    pytest.importorskip("rdkit")
    made = parameters.of_smiles("CC(=O)N[C@@H](C)C(=O)NC")
    for name in ("bonds", "angles", "planes", "torsions", "pairs"):
        np.testing.assert_allclose(getattr(FIELD, name), getattr(made, name), rtol=1e-6, atol=1e-9)
