import jax.numpy as jnp
import numpy as np

from selfloop.domains.motion.data import rotations, skeleton
from selfloop.domains.motion.data.skeleton import J, Motion
from selfloop.domains.motion.physics import spring_tracker
from selfloop.domains.motion.physics.gains import gains
from selfloop.domains.motion.physics.spring_backend import engine

FRAMES = 6


def turning(rate, since=0.0):
    """A motion in which pelvis and chest turn steadily (rad/s) since a time (s), rising by 0.1 m/s."""
    time = since + np.arange(FRAMES, dtype=np.float32) / 20
    turn = rotations.about_axis("z", jnp.asarray(rate * time))
    local = jnp.broadcast_to(jnp.eye(3, dtype=jnp.float32), (FRAMES, J, 3, 3)).at[:, :2].set(turn[:, None])
    root = np.stack([0 * time, 0 * time, 2 + 0.1 * time], 1)
    return Motion(jnp.asarray(root), local)


def test_targets_pass_a_whole_turn_without_a_jump():
    turn = np.asarray(spring_tracker.targets(turning(30.0)).turn)
    assert (np.sum(turn[1:] * turn[:-1], -1) > 0).all()
    np.testing.assert_allclose(np.abs(turn[:, 0, 0]), np.abs(np.cos(0.5 * 30 * np.arange(FRAMES) / 20)), atol=1e-5)


def test_offsets_turn_and_shift():
    aim = spring_tracker.targets(turning(1.0))
    none = spring_tracker.shifted(aim, jnp.zeros((FRAMES, 3)), jnp.zeros((FRAMES, J, 3)))
    for a, b in zip(none, aim, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    angle = 0.2
    turn = jnp.zeros((FRAMES, J, 3)).at[..., 2].set(angle)
    moved = spring_tracker.shifted(aim, jnp.ones((FRAMES, 3)), turn)
    np.testing.assert_allclose(moved.root - aim.root, 1, atol=1e-6)
    between = np.sum(np.asarray(moved.turn) * np.asarray(aim.turn), -1)
    np.testing.assert_allclose(2 * np.arccos(between), angle, atol=angle**3 / 12 + 1e-3)


def test_curves_between_frames_are_cubic():
    """Hermite's curve through values and slopes of a cubic polynomial is that polynomial."""
    value, rate = spring_tracker._hermite(8)
    polynomial = np.polynomial.Polynomial([1.0, -2.0, 3.0, -1.5])
    slope = polynomial.deriv()
    knots = np.array([polynomial(0), polynomial(1), slope(0), slope(1)])
    u = np.arange(1, 9) / 8
    np.testing.assert_allclose(value @ knots, polynomial(u), atol=1e-5)
    np.testing.assert_allclose(rate @ knots, 20 * slope(u), atol=1e-4)


def test_the_start_is_the_motions_pose_and_movement():
    spring = engine(1 / 960)
    bodies = spring_tracker.start(spring, turning(2.0), jnp.float32(0.25))
    joints = spring.joints(bodies)
    places = skeleton.forward(turning(2.0))[0][0]
    np.testing.assert_allclose(joints.place - places, np.broadcast_to([0, 0, 0.25], (J, 3)), atol=1e-5)
    # The finite rotation of a frame is read to second order: sin for its angle.
    pelvis, chest = 2 * 20 * np.sin(0.5 * 0.1), 2 * 20 * np.sin(0.5 * 0.2)
    np.testing.assert_allclose(bodies.spin[0], [0, 0, pelvis], atol=1e-3)
    np.testing.assert_allclose(bodies.spin[1], [0, 0, chest], atol=1e-3)
    np.testing.assert_allclose(joints.pace[0], [0, 0, 0.1], atol=1e-4)


def test_links_give_back_their_motion():
    spring, motion = engine(1 / 960), turning(3.0, since=0.5)
    again = spring_tracker.to_motion(spring_tracker.start(spring, motion, jnp.float32(0)), spring)
    np.testing.assert_allclose(again.root, motion.root[0], atol=1e-6)
    np.testing.assert_allclose(again.rotations, motion.rotations[0], atol=1e-5)


def test_strength_is_the_other_engines_but_for_damping():
    spring, table = engine(1 / 960), gains()
    strong = spring_tracker.strength(spring)
    knee = skeleton.INDEX["left_knee"]
    hinge = 6 + [f"{j.name}_{a}" for j in skeleton.SKELETON for a in j.order].index("left_knee_y")
    assert strong.stiffness[knee, 0] == table.stiffness[hinge].astype(np.float32)
    assert strong.cap[knee, 0] == table.cap[hinge].astype(np.float32)
    assert (strong.damping[:, 0] * spring.timestep <= 0.6001 * spring.inertia).all()
    np.testing.assert_allclose(strong.root[2], table.cap[:3])
