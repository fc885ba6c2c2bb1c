"""How strongly the humanoid follows: stiffness, damping and caps of its actuators, and where a model keeps them.

On each degree of freedom acts, with the step h and the reference at its end,

    clip(k (q_ref - q - h v) + d (v_ref - v), -cap, cap)

which is the control law at the end of the step, to first order (stable PD: Tan, Liu and Turk, IEEE CG&A 2011), so that
gains may be high and steps long. A `position` actuator of kp = k and kv = d + h k does that, integrated implicitly,
with the control ``q_ref + (d / k) v_ref``. Joint stiffness and caps are multiples of DeepMimic's (Peng et al.,
SIGGRAPH 2018). Shapes: V = 36 degrees of freedom: root place, root turn, joint coordinates.
"""

from typing import Any, NamedTuple

import numpy as np

from selfloop.domains.motion.data.skeleton import SKELETON
from selfloop.domains.motion.physics.humanoid import MASS, SPIN_ARMATURE

_STRENGTH = {"chest": (1000, 200), "neck": (100, 50), "shoulder": (400, 100), "elbow": (300, 60),
             "hip": (500, 200), "knee": (500, 150), "ankle": (400, 90), "toe": (40, 30)}  # fmt: skip
"""DeepMimic's stiffness (Nm/rad) and torque limit (Nm) of each joint; toes are ours."""


class Gains(NamedTuple):
    """Strength of control on each degree of freedom [V], float64 arrays: changing them does not recompile."""

    stiffness: np.ndarray
    """k: N/m, Nm/rad."""
    damping: np.ndarray
    """d: N s/m, Nm s/rad."""
    cap: np.ndarray
    """Largest force: N, Nm."""


def gains(
    joint_stiffness: float = 8.0,
    joint_damping: float = 0.0125,
    joint_cap: float = 3.0,
    root_force: float = 1000.0,
    root_lift: float = 300.0,
    root_torque: float = 600.0,
    root_frequency: float = 2.0,
    root_stiffness: float = 12000.0,
) -> Gains:
    """Gains as multiples of DeepMimic's, and the residual wrench on the root.

    Args:
        joint_stiffness: times DeepMimic's.
        joint_damping: seconds, times the stiffness.
        joint_cap: times DeepMimic's torque limits.
        root_force: cap along each horizontal axis, N.
        root_lift: cap along the vertical, N; keep it under the body's weight (640 N). Without it running bounces.
        root_torque: cap about each axis, Nm.
        root_frequency: of the critically damped spring on the pelvis' place, Hz.
        root_stiffness: on the pelvis' turn, Nm/rad; a tenth of it is its damping.
    """
    strength = [_STRENGTH[j.name.removeprefix("left_").removeprefix("right_")] for j in SKELETON[1:] for _ in j.order]
    table = np.array(strength, float)
    omega = 2 * np.pi * root_frequency
    joints = joint_stiffness * table[:, 0]
    return Gains(
        np.r_[[MASS * omega**2] * 3, [root_stiffness] * 3, joints],
        np.r_[[2 * MASS * omega] * 3, [0.1 * root_stiffness] * 3, joint_damping * joints],
        np.r_[[root_force] * 2, root_lift, [root_torque] * 3, joint_cap * table[:, 1]],
    )


def fields(model: Any, strength: Gains) -> dict[str, np.ndarray]:
    """The arrays of a MuJoCo or MJX model of the `humanoid` that hold these gains, by the model's own names.

    MJCF gives all six coordinates of a free joint one armature; its turn's alone is set here.
    """
    k, d, cap = strength
    gain, bias = np.array(model.actuator_gainprm), np.array(model.actuator_biasprm)
    gain[:, 0], bias[:, 1], bias[:, 2] = k, -k, -(d + k * float(model.opt.timestep))
    wrench, joints = np.array(model.actuator_forcerange), np.array(model.jnt_actfrcrange)
    armature = np.array(model.dof_armature)
    armature[3:6] = SPIN_ARMATURE
    wrench[:6] = np.stack([-cap[:6], cap[:6]], 1)
    joints[1:] = np.stack([-cap[6:], cap[6:]], 1)
    named = {
        "actuator_gainprm": gain,
        "actuator_biasprm": bias,
        "actuator_forcerange": wrench,
        "jnt_actfrcrange": joints,
        "dof_armature": armature,
    }
    return {name: value.astype(getattr(model, name).dtype) for name, value in named.items()}
