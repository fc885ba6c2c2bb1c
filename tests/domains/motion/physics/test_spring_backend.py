import jax
import jax.numpy as jnp
import numpy as np
import pytest

from selfloop.domains.motion.data import skeleton
from selfloop.domains.motion.data.skeleton import J, Motion
from selfloop.domains.motion.physics.humanoid import MASS
from selfloop.domains.motion.physics.spring_backend import ROTOR, Bodies, engine

H, STEPS = 1 / 960, 48
G = 9.81


@pytest.fixture(scope="module")
def spring():
    """The engine."""
    return engine(H)


@pytest.fixture(scope="module")
def step(spring):
    """One compiled step."""
    return jax.jit(spring.step)


def high(spring, spin=0.0):
    """The rest pose in the air; every link turns by ``spin`` about the pelvis, as one rigid body."""
    turns = jnp.broadcast_to(jnp.eye(3, dtype=jnp.float32), (J, 3, 3))
    places = skeleton.forward(Motion(jnp.array([0, 0, 3.0], jnp.float32), turns))[0]
    centre = places + spring.offset
    omega = jnp.broadcast_to(spin * jnp.array([0.3, 0.5, 1.0], jnp.float32), (J, 3))
    quaternion = jnp.tile(jnp.array([1.0, 0, 0, 0], jnp.float32), (J, 1))
    return Bodies(centre, quaternion, jnp.cross(omega, centre - places[:1]), omega)


def momenta(spring, bodies):
    """Linear and angular momentum about the origin; links are told apart by their inertia in the world."""
    mass = np.asarray(spring.system.link.inertia.mass, np.float64)[:, None]
    own = np.asarray(spring.system.link.inertia.i, np.float64)
    w, v = np.asarray(bodies.turn[:, 0], np.float64)[:, None, None], np.asarray(bodies.turn[:, 1:], np.float64)
    cross = np.array([[[0, -c, b], [c, 0, -a], [-b, a, 0]] for a, b, c in v])
    turn = np.eye(3) + 2 * w * cross + 2 * cross @ cross
    spin = (turn @ own @ turn.transpose(0, 2, 1) @ np.asarray(bodies.spin, np.float64)[..., None])[..., 0]
    linear = mass * np.asarray(bodies.velocity, np.float64)
    return linear.sum(0), (np.cross(np.asarray(bodies.centre, np.float64), linear) + spin).sum(0)


def test_free_fall_is_that_of_semi_implicit_euler(spring, step):
    bodies = start = high(spring)
    for _ in range(STEPS):
        bodies = step(bodies, jnp.zeros(3, jnp.float32), jnp.zeros((J, 3), jnp.float32))
    np.testing.assert_allclose((start.centre - bodies.centre)[:, 2], G * H**2 * STEPS * (STEPS + 1) / 2, atol=2e-5)
    np.testing.assert_allclose(bodies.velocity[:, 2], -G * H * STEPS, atol=1e-4)
    assert {leaf.dtype for leaf in bodies} == {jnp.dtype("float32")}


def test_a_spinning_body_holds_together(spring, step):
    bodies = high(spring, spin=2.0)
    for _ in range(STEPS):
        bodies = step(bodies, jnp.zeros(3, jnp.float32), jnp.zeros((J, 3), jnp.float32))
    joints = spring.joints(bodies)
    turns = np.asarray(joints.turn[1:], np.float64)
    # Free hands and feet lag behind a little; no joint opens by more than a millimetre: centripetal over stiffness.
    np.testing.assert_allclose(np.abs(turns[:, 0]), 1, atol=5e-3)
    places = np.asarray(joints.place, np.float64)
    along = np.linalg.norm(places[1:] - places[np.array(skeleton.PARENTS[1:])], axis=1)
    np.testing.assert_allclose(along, np.linalg.norm(skeleton.OFFSETS[1:], axis=1), atol=1e-3)


def test_forces_and_torques_change_momentum_by_themselves_alone(spring, step):
    """Joints act on both their links: only gravity, the root's force and the root's torque are seen from outside."""
    random = np.random.default_rng(0)
    force = random.normal(size=3).astype(np.float32) * 300
    torque = random.normal(size=(J, 3)).astype(np.float32) * 50
    before = high(spring, spin=1.0)
    after = step(before, jnp.asarray(force), jnp.asarray(torque))
    (p0, l0), (p1, l1) = momenta(spring, before), momenta(spring, after)
    mass = np.asarray(spring.system.link.inertia.mass)
    weight = mass[:, None] * np.array([0, 0, -G])
    np.testing.assert_allclose(mass.sum(), MASS, rtol=1e-5)
    np.testing.assert_allclose(p1 - p0, H * (force + weight.sum(0)), atol=1e-4)
    centre = np.asarray(before.centre, np.float64)
    moment = torque[0] + np.cross(centre[0], force) + np.cross(centre, weight).sum(0)
    # Euler's step leaves out the gyroscopic term, H w x (I w), and moves a link only after its velocity.
    np.testing.assert_allclose(l1 - l0, H * moment, atol=0.02 * H * np.abs(torque).sum(0).max())


def test_rotors_are_the_only_mass_that_is_added(spring):
    import mujoco

    from selfloop.domains.motion.physics import humanoid

    model = mujoco.MjModel.from_xml_string(humanoid.passive(H))
    own = np.asarray(spring.system.link.inertia.i) - ROTOR[:, None, None] * np.eye(3)
    np.testing.assert_allclose(np.diagonal(own, axis1=1, axis2=2), model.body_inertia[1:], atol=1e-6)
