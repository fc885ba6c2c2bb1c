"""What a rollout is given: from a reference and gains to the numbers that the model's actuators and mocap bodies take.

The joints' actuators take ``q_ref + tau / k + (d / k) v_ref`` with the torque tau that the movement takes (see `gains`,
`inverse_dynamics`). The root's six measure the pelvis from the two mocap bodies, which are put where the reference's
pelvis is, so their controls are the velocity part alone.

Shapes: K = S + 1 instants, V = 36 degrees of freedom.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from selfloop.domains.motion.physics.gains import Gains
from selfloop.domains.motion.physics.reference import Reference

V = 36

CONTROLS = V + 2 * 3 + 2 * 4
"""Numbers a step: actuators, places and turns (wxyz) of the mocap bodies `goal_place` and `goal_turn`."""


class Command(NamedTuple):
    """One open-loop rollout."""

    start: Array
    """Position and velocity at the beginning [V + 1 + V]: the reference's own, lifted out of the floor."""
    control: Array
    """What holds over each physics step [S, CONTROLS]."""


AHEAD = 0.3
"""Most (rad) that a target is moved ahead by the torque that the movement takes."""


def command(strength: Gains, reference: Reference, offset: Array) -> Command:
    """The rollout that follows a reference; ``offset`` [K, 30] (rad) is added to the joints' targets."""
    q, velocity = reference.q, reference.velocity
    stiffness, damping, _ = (part.astype(jnp.float32)[None] for part in strength)
    start = jnp.concatenate([q[0].at[2].add(reference.sunk), velocity[0]])
    lead = damping / stiffness * velocity
    ahead = jnp.clip(reference.torque / stiffness[:, 6:], -AHEAD, AHEAD)
    actuators = jnp.concatenate([lead[:, :6], q[:, 7:] + ahead + offset + lead[:, 6:]], -1)
    nowhere, unturned = jnp.zeros_like(q[:, :3]), jnp.zeros_like(q[:, 3:7]).at[:, 0].set(1)
    # MuJoCo lays all places before all turns.
    control = jnp.concatenate([actuators, q[:, :3], nowhere, unturned, q[:, 3:7]], -1)
    return Command(start, control[1:])
