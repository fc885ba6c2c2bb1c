import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from selfloop.domains.motion.data import quaternion, rotations


def scipys(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


@pytest.fixture
def pairs():
    random = np.random.default_rng(0)
    p, q = (Rotation.random(200, random_state=seed).as_quat(scalar_first=True) for seed in (1, 2))
    return p, q, random.normal(size=(200, 3))


def test_product_inverse_and_turned_vectors_are_scipys(pairs):
    p, q, v = pairs
    expected = (scipys(p) * scipys(q).inv()).as_matrix()
    product = quaternion.multiply(p, quaternion.conjugate(q))
    np.testing.assert_allclose(quaternion.to_matrix(product), expected, atol=1e-12)
    np.testing.assert_allclose(quaternion.rotate(p, v), scipys(p).apply(v), atol=1e-12)


def test_matrices_return_at_every_angle(pairs):
    axes = pairs[2] / np.linalg.norm(pairs[2], axis=1, keepdims=True)
    for angle in (0, 1e-6, 1.0, np.pi - 1e-9, np.pi):
        matrix = Rotation.from_rotvec(angle * axes).as_matrix()
        np.testing.assert_allclose(quaternion.to_matrix(quaternion.from_matrix(matrix)), matrix, atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_slerp_is_scipys(pairs, share):
    p, q, _ = pairs
    got = quaternion.slerp(p, q, np.full(len(p), share))
    for i in range(0, 200, 20):
        expected = Slerp([0, 1], Rotation.concatenate([scipys(p[i]), scipys(q[i])]))(share)
        np.testing.assert_allclose(scipys(got[i]).as_matrix(), expected.as_matrix(), atol=1e-9)


def test_slerp_of_equal_and_opposite_quaternions_stays_put(pairs):
    p = pairs[0]
    for other in (p, -p):
        turned = scipys(quaternion.slerp(p, other, np.full(len(p), 0.4))).as_matrix()
        np.testing.assert_allclose(turned, scipys(p).as_matrix(), atol=1e-9)


def test_hinge_angle_and_heading():
    angle = np.linspace(-3.1, 3.1, 63)
    for axis in "xyz":
        np.testing.assert_allclose(quaternion.hinge_angle(quaternion.about_axis(axis, angle), axis), angle, atol=1e-9)
        # The same rotation written with the other sign.
        np.testing.assert_allclose(quaternion.hinge_angle(-quaternion.about_axis(axis, angle), axis), angle, atol=1e-9)
    q = Rotation.random(100, random_state=3).as_quat(scalar_first=True).astype(np.float32)
    expected = rotations.heading(rotations.from_quaternion(q))
    np.testing.assert_allclose(np.unwrap([quaternion.heading(q), expected], axis=0)[0], expected, atol=1e-4)
