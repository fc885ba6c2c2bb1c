"""Roles: by class and hash alone, in their shares, apart from one another."""

import numpy as np
import pytest

from selfloop.domains.images.data.images import Images, key_of, shrunk
from selfloop.domains.images.data.splits import SHARES, first, split
from selfloop.errors import ConfigError
from tests.domains.images.conftest import made


def test_every_image_has_one_role_and_every_role_its_share_of_each_class():
    found = made(each=50)
    parts = split(found)
    keys = [key_of(image) for part in parts.values() for image in part.x]
    assert sorted(keys) == sorted(key_of(image) for image in found.x)
    for role, share in SHARES.items():
        assert np.bincount(parts[role].label).tolist() == [round(50 * share)] * 3


def test_roles_do_not_depend_on_the_order_of_the_images():
    found = made(each=30)
    order = np.random.default_rng(1).permutation(len(found.x))
    one, other = split(found), split(Images(found.x[order], found.label[order], ""))
    for role in SHARES:
        np.testing.assert_array_equal(one[role].x, other[role].x)
        np.testing.assert_array_equal(one[role].label, other[role].label)


def test_the_first_are_of_all_classes():
    found = first(split(made(each=50))["loop"], 8)
    assert sorted(np.bincount(found.label)) == [2, 3, 3]


def test_more_than_there_are_is_refused():
    with pytest.raises(ConfigError, match="--n is 61; the loop's part of these images holds 60"):
        first(split(made(each=50))["loop"], 61)


def test_images_shrink_by_block_means():
    found = shrunk(made(), 4)
    np.testing.assert_allclose(found.x[0, 0, 0], made().x[0, :2, :2].mean(), rtol=1e-6)
    assert found.x.shape[1:] == (4, 4)
    with pytest.raises(ConfigError, match="--size is 5, and the images are 8x8"):
        shrunk(made(), 5)
