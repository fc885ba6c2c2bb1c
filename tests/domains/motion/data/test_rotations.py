import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import rotations

# A matrix of float32 sines and products of them carries a few ulp (1.2e-7); through an arc function near its end,
# sqrt(ulp).
EXACT, ARC = 2e-6, 2e-3
ORDERS = ["".join(order) for order in itertools.permutations("xyz")]


def random_matrices(n: int = 500) -> tuple[Rotation, jnp.ndarray]:
    turns = Rotation.random(n, random_state=0)
    return turns, jnp.asarray(turns.as_matrix(), jnp.float32)


def half_turns() -> jnp.ndarray:
    axes = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.6, 0.8, 0], [0.6, 0, -0.8]])
    angles = np.pi + np.array([-1e-4, 0, 1e-4])[:, None, None]
    return jnp.asarray(Rotation.from_rotvec((axes * angles).reshape(-1, 3)).as_matrix(), jnp.float32)


@pytest.mark.parametrize("axis", "xyz")
def test_turn_about_an_axis_is_scipys(axis):
    angle = np.linspace(-7, 7, 50)
    expected = Rotation.from_euler(axis, angle[:, None]).as_matrix()
    np.testing.assert_allclose(rotations.about_axis(axis, angle.astype(np.float32)), expected, atol=EXACT)


def test_quaternions_are_scipys():
    turns, matrices = random_matrices()
    q = np.asarray(rotations.to_quaternion(matrices))
    expected = turns.as_quat(scalar_first=True, canonical=True)
    np.testing.assert_allclose(np.abs(np.sum(q * expected, -1)), 1, atol=EXACT)
    assert (q[:, 0] >= 0).all()
    np.testing.assert_allclose(rotations.from_quaternion(jnp.asarray(expected, jnp.float32)), matrices, atol=EXACT)


def test_quaternions_of_half_turns_return():
    matrices = half_turns()
    np.testing.assert_allclose(rotations.from_quaternion(rotations.to_quaternion(matrices)), matrices, atol=EXACT)


def test_six_numbers_return_the_rotation():
    _, matrices = random_matrices()
    six = rotations.to_six(matrices)
    np.testing.assert_allclose(rotations.from_six(six), matrices, atol=EXACT)
    np.testing.assert_allclose(rotations.from_six(3.7 * six), matrices, atol=EXACT)


@settings(deadline=None)
@given(hnp.arrays(np.float32, 6, elements=st.floats(-(2.0**60), 2.0**60, width=32)))
def test_any_six_numbers_give_a_rotation(six):
    matrix = np.asarray(rotations.from_six(jnp.asarray(six)), np.float64)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(matrix) > 0.99


@pytest.mark.parametrize("order", ORDERS)
def test_both_euler_triples_are_the_rotation(order):
    turns, matrices = random_matrices()
    first, second = rotations.euler(matrices, order)
    assert float(jnp.abs(first[:, 1]).max()) <= np.pi / 2 + 1e-6
    for angles in (first, second):
        np.testing.assert_allclose(rotations.from_euler(angles, order), matrices, atol=ARC)
        np.testing.assert_allclose(
            Rotation.from_euler(order.upper(), np.asarray(angles)).as_matrix(), turns.as_matrix(), atol=ARC
        )


def test_heading_is_the_yaw_of_a_body_that_bows():
    yaw = np.linspace(-3, 3, 40).astype(np.float32)
    pitch = np.linspace(-6, 6, 40).astype(np.float32)
    body = rotations.about_axis("z", yaw) @ rotations.about_axis("y", pitch)
    np.testing.assert_allclose(rotations.heading(body), yaw, atol=EXACT)
