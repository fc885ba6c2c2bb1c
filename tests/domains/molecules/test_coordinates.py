"""Internal coordinates: there and back, under rigid motion, and what follows from a molecule's bonds."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.molecules import parameters, sets
from selfloop.domains.molecules.coordinates import fitted, framed, labelled, prepared
from selfloop.domains.molecules.forcefield import energy
from selfloop.domains.molecules.geometry import dihedrals
from selfloop.domains.molecules.molecule import molecule
from selfloop.errors import DataError
from tests.domains.molecules.test_forcefield import FIELD, shaken

pytestmark = pytest.mark.usefixtures("hurried")
KNOWN = molecule(FIELD)


@pytest.fixture(scope="module")
def real():
    """Prepared real conformers."""
    return jnp.asarray(sets.shipped().loop[:300])


def test_coordinates_and_positions_are_inverse(real):
    on = fitted(KNOWN, real)
    z = on.forward(real)
    assert z.shape == (300, len(on.mean))
    np.testing.assert_allclose(z.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(z.std(0), 1, atol=1e-2)
    np.testing.assert_allclose(on.inverse(z), framed(KNOWN, real), atol=2e-5)
    assert on.turns.sum() == 2  # phi and psi alone


def test_coordinates_know_nothing_of_place_and_turn(real):
    on = fitted(KNOWN, real)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    turn[:, 0] *= np.sign(np.linalg.det(turn))
    moved = real @ jnp.asarray(turn, jnp.float32) + 2
    np.testing.assert_allclose(on.forward(moved), on.forward(real), atol=2e-3)
    np.testing.assert_allclose(framed(KNOWN, moved), framed(KNOWN, real), atol=2e-5)


def test_a_mirror_image_has_another_form(real):
    assert KNOWN.own_form(real).all()
    assert not KNOWN.own_form(real * jnp.asarray([1.0, 1.0, -1.0])[None, None]).any()


def test_every_numbering_of_a_methyls_hydrogens_becomes_one(real):
    x = labelled(KNOWN, real[:20])
    of = jax.jit(energy(FIELD))
    for row, order in itertools.product(KNOWN.methyls, itertools.permutations(range(3))):
        other = x.at[:, row[:3]].set(x[:, row[list(order)]])
        np.testing.assert_allclose(labelled(KNOWN, other), x, atol=1e-6)
        np.testing.assert_allclose(of(other), of(x), rtol=1e-5)


def test_shipped_conformers_are_prepared(real):
    np.testing.assert_allclose(prepared(KNOWN, real), real, atol=1e-3)  # rounded to 1/2048 A


def test_phi_and_psi_are_found_and_amides_stay_trans(real):
    assert KNOWN.names == ("phi", "psi")
    np.testing.assert_array_equal(KNOWN.free, [[1, 3, 4, 6], [3, 4, 6, 8]])
    assert len(KNOWN.stiff) == 2
    assert (np.cos(dihedrals(real, KNOWN.stiff)) < 0).all()


def test_dihedrals_have_the_sign_of_iupac():
    """Looking along the middle bond, the far one turns clockwise by the angle."""
    for angle in (-2.0, -0.5, 1.0, 3.0):
        x = jnp.asarray([[[1, 0, 0], [0, 0, 0], [0, 0, 1], [np.cos(angle), -np.sin(angle), 1]]], jnp.float32)
        # From above (along +z) a turn from x to -y is clockwise seen by one who looks down on it from z = 0 upwards.
        np.testing.assert_allclose(dihedrals(x, np.array([[0, 1, 2, 3]])), -angle, atol=1e-6)


@pytest.mark.parametrize(
    ("smiles", "free"),
    [
        ("CCCC", 1),
        pytest.param("CC(=O)Oc1ccccc1C(=O)O", 2, marks=pytest.mark.slow),
        pytest.param("CCCCCC", 3, marks=pytest.mark.slow),
    ],
)
def test_other_molecules_go_there_and_back(smiles, free):
    pytest.importorskip("rdkit")
    known = molecule(parameters.of_smiles(smiles))
    assert len(known.free) == free
    x = prepared(known, jnp.asarray(shaken(known.field, 20, size=0.05), jnp.float32))
    on = fitted(known, x)
    np.testing.assert_allclose(on.inverse(on.forward(x)), x, atol=2e-5)


def test_atoms_in_a_line_are_refused():
    pytest.importorskip("rdkit")
    with pytest.raises(DataError, match="three in a line"):
        molecule(parameters.of_smiles("CC#CCO"))
