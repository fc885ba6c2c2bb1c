"""Laws of every corrector of molecules: the common battery, and what physics must and must not do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.batch import uniform
from selfloop.domains.molecules import sets
from selfloop.domains.molecules.coordinates import prepared
from selfloop.domains.molecules.correctors import table
from selfloop.domains.molecules.correctors.minimise import minimise
from selfloop.domains.molecules.correctors.table import CORRECTORS, apart
from selfloop.domains.molecules.molecule import molecule
from selfloop.domains.molecules.observe import above
from selfloop.errors import ConfigError
from tests.correctors.battery import LAWS, POINTWISE, Subject

pytestmark = pytest.mark.usefixtures("hurried")
REAL = sets.shipped()
KNOWN = molecule(REAL.field)
SMALL = ("minimise", "ideal", "hmc_20", pytest.param("langevin_20", marks=pytest.mark.slow))
"""Those of other budgets are the same code; what compiles long is slow."""


def samples(seed, n):
    """Real conformers, shaken a little."""
    noise = 0.02 * np.random.default_rng(seed).normal(size=(n, KNOWN.field.atoms, 3))
    return uniform(prepared(KNOWN, jnp.asarray(REAL.loop[10 * seed : 10 * seed + n] + noise, jnp.float32)))


@pytest.fixture(scope="module")
def subject():
    """``subject(name)``: the corrector of a row."""
    found = {}

    def of(name):
        if name not in found:
            known = table.Known(KNOWN, 600.0, jnp.asarray(REAL.loop[-100:]), 1.0)
            correct = table.make(name, known)
            found[name] = Subject(
                lambda seed, batch: correct(jax.random.key(seed), batch, None),
                samples,
                lambda batch, x: apart(KNOWN, batch.x, x),
                slack=1e-3,
            )
        return found[name]

    return of


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("law", LAWS)
def test_laws(subject, name, law):
    law(subject(name))


@pytest.mark.parametrize("law", POINTWISE)
def test_laws_of_those_that_look_at_each_alone(subject, law):
    assert [name for name, row in CORRECTORS.items() if row.pointwise] == ["minimise"]
    law(subject("minimise"))


def corrected(subject, name):
    """Energies before and after, and means of what is told, of real conformers: 20 times 8, by one program."""
    before, after, told = [], [], []
    for i in range(20):
        batch = uniform(jnp.asarray(REAL.loop[8 * i : 8 * i + 8]))
        fixed, info = subject(name).correct(i, batch)
        before.append(energies(batch.x))
        after.append(energies(fixed.x))
        told.append({key: float(value.mean()) for key, value in info.items()})
    return np.concatenate(before), np.concatenate(after), {key: np.mean([one[key] for one in told]) for key in told[0]}


@jax.jit
def energies(x):
    return above(KNOWN, x)


def test_minimisation_only_goes_down(subject):
    before, after, _ = corrected(subject, "minimise")
    assert (after < before).all()
    assert np.median(after) < 0.3 * np.median(before)


@pytest.mark.parametrize("name", ["hmc_20", pytest.param("langevin_20", marks=pytest.mark.slow)])
def test_kernels_keep_the_law(subject, name):
    before, after, told = corrected(subject, name)
    # A stationary law stays: means of 160 energies differ by chance of 5 standard errors at most.
    assert abs(after.mean() - before.mean()) < 5 * np.sqrt((after.var() + before.var()) / len(before))
    assert 0.3 < told["accepted"] < 1
    assert told["work"] == 21


def test_another_form_is_not_corrected(subject):
    batch = samples(1, 8)
    mirror = batch.x.at[0].multiply(jnp.asarray([1.0, 1.0, -1.0])[None])
    fixed, info = subject("hmc_20").correct(0, uniform(mirror))
    np.testing.assert_array_equal(info["failed"], np.arange(8) == 0)
    np.testing.assert_array_equal(fixed.weight, np.arange(8) > 0)


def test_fewer_than_no_steps_are_refused():
    with pytest.raises(ConfigError, match="steps is -1"):
        minimise(KNOWN, -1)
