"""Laws of every corrector of motion: the common battery, and those of motions, which have a length."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.correctors import prior, table
from selfloop.domains.motion.correctors.prior import PriorConfig, train_prior
from selfloop.domains.motion.correctors.table import CORRECTORS
from selfloop.domains.motion.data import features
from tests.correctors.battery import LAWS, POINTWISE, Subject
from tests.domains.motion.correctors.motions import NAMES, as_windows, joints, made_up

pytestmark = pytest.mark.usefixtures("hurried")
REAL = as_windows(made_up(1, 30))
TINY = PriorConfig(band=8, width=16, layers=1, steps=4, batch=4)
SLOW = {"physics_gradient"}
"""Its program and the derivative compile for a minute."""

ROWS = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in CORRECTORS]
ALONE = [row for row in ROWS if CORRECTORS[row.values[0]].pointwise]


def millimetres(batch, x):
    """Mean distance [N] (mm) of the joints over the frames that count."""
    distance = np.linalg.norm(joints(x) - joints(batch.x), axis=-1).mean(-1)
    return np.array([1000 * row[:n].mean() for row, n in zip(distance, batch.cond["length"], strict=True)])


@pytest.fixture(scope="module")
def subject(hurried):
    """``subject(name)``: the corrector of a row, whose prior is a tiny one."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = table.corrector(name, "auto", REAL, NAMES)
        correct = lambda seed, batch: made[name](jax.random.key(seed), batch, None)  # noqa: E731
        return Subject(correct, made_up, millimetres, slack=1e-4)

    tiny = partial(train_prior, jax.random.key(0), config=TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prior, "load_or_train", tiny)
        yield of


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("law", LAWS)
def test_every_corrector_keeps_the_common_laws(subject, law, name):
    law(subject(name))


@pytest.mark.parametrize("name", ALONE)
@pytest.mark.parametrize("law", POINTWISE)
def test_pointwise_correctors_see_one_motion(subject, law, name):
    law(subject(name))


@pytest.mark.parametrize("name", ROWS)
def test_frames_beyond_the_length_stand_still(subject, name):
    batch = made_up(3, 8)
    fixed, _ = subject(name).correct(0, batch)
    np.testing.assert_allclose(fixed.x, features.hold(fixed.x, batch.cond["length"]), atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_frames_beyond_the_length_change_nothing(subject, name):
    batch = made_up(4, 8)
    counts = np.asarray(features.valid(batch.cond["length"], batch.x.shape[1]))[..., None]
    other = batch._replace(x=jnp.where(counts, batch.x, 0.3))
    (one, known), (two, info) = (subject(name).correct(0, given) for given in (batch, other))
    np.testing.assert_array_equal(known["failed"], info["failed"])
    np.testing.assert_allclose(np.where(counts, one.x, 0), np.where(counts, two.x, 0), atol=1e-4)
