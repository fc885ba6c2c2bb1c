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
SMALL = ("minimise", "ideal", "langevin_20", "hmc_20")
"""Those of other budgets are the same code."""


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


def test_minimisation_only_goes_down_and_kernels_keep_the_law(subject):
    batch = uniform(jnp.asarray(REAL.loop[:200]))
    before = above(KNOWN, batch.x)
    after = above(KNOWN, subject("minimise").correct(0, batch)[0].x)
    assert (after < before).all()
    assert np.median(after) < 0.3 * np.median(before)
    for name in ("langevin_20", "hmc_20"):
        fixed, info = subject(name).correct(0, batch)
        value = np.asarray(above(KNOWN, fixed.x))
        # A stationary law stays: means of 200 energies differ by chance of 5 standard errors at most.
        error = np.sqrt(value.var() / 200 + np.asarray(before).var() / 200)
        assert abs(value.mean() - before.mean()) < 5 * error
        assert 0.3 < info["accepted"].mean() < 1
        assert (info["work"] >= 20).all()


def test_another_form_is_not_corrected(subject):
    batch = samples(1, 8)
    mirror = batch.x.at[0].multiply(jnp.asarray([1.0, 1.0, -1.0])[None])
    fixed, info = subject("hmc_20").correct(0, uniform(mirror))
    np.testing.assert_array_equal(info["failed"], np.arange(8) == 0)
    np.testing.assert_array_equal(fixed.weight, np.arange(8) > 0)


def test_fewer_than_no_steps_are_refused():
    with pytest.raises(ConfigError, match="steps is -1"):
        minimise(KNOWN, -1)
