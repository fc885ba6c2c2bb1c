import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.correctors.nearest import nearest_real
from selfloop.errors import DataError
from tests.domains.motion.correctors.motions import NAMES, as_windows, joints, made_up

pytestmark = pytest.mark.usefixtures("hurried")
REAL = as_windows(made_up(1, 40))


def test_the_nearest_is_that_of_a_plain_search():
    batch = made_up(2, 300)  # more than a block
    fixed, info = nearest_real(REAL)(jax.random.key(0), batch, None)
    own, real = joints(batch.x), joints(REAL.x)
    for i in (0, 1, 7, 255, 256, 299):
        label, length = int(batch.cond["label"][i]), int(batch.cond["length"][i])
        allowed = np.flatnonzero((REAL.label == label) & (REAL.length >= length))
        square = ((real[allowed, :length] - own[i, None, :length]) ** 2).sum((1, 2, 3))
        best = real[allowed[square.argmin()], :length]
        np.testing.assert_allclose(joints(fixed.x[i : i + 1])[0, :length], best, atol=1e-5)


def test_real_motion_is_left_where_it_is():
    batch = made_up(1, 40)
    fixed, info = nearest_real(REAL)(jax.random.key(0), batch, None)
    # Up to float32's rounding: programs compiled in a hurry, as some tests ask for, round otherwise.
    np.testing.assert_allclose(fixed.x, batch.x, atol=1e-6)
    np.testing.assert_allclose(info["moved"], 0, atol=1e-3)


def test_labels_match_by_name_and_one_without_windows_takes_any():
    batch = made_up(2, 6)
    swapped = tuple(reversed(NAMES))
    other = batch._replace(cond=batch.cond | {"label": 2 - batch.cond["label"]})
    one, two = nearest_real(REAL)(jax.random.key(0), batch, None), nearest_real(REAL, swapped)(None, other, None)
    np.testing.assert_array_equal(one[0].x, two[0].x)
    strange = nearest_real(REAL, ("jump", "skip", "hop"))(None, batch, None)
    assert bool((strange[1]["moved"] <= one[1]["moved"] + 50).all())
    assert not strange[1]["failed"].any()


def test_no_window_is_refused():
    empty = REAL._replace(x=REAL.x[:0], length=REAL.length[:0], label=REAL.label[:0])
    with pytest.raises(DataError, match="no real window"):
        nearest_real(empty)


def test_a_short_window_is_taken_where_none_is_long_enough():
    batch = made_up(2, 1)
    length = jnp.full(1, 16)
    batch = batch._replace(cond=batch.cond | {"length": length})
    short = REAL._replace(length=np.full_like(REAL.length, 8))
    assert not nearest_real(short)(None, batch, None)[1]["failed"].any()
