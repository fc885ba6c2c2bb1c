"""The canonical skeleton as a MuJoCo model: bodies with mass, three hinges a ball joint, contact spheres, a floor.

Masses are the fractions that P. de Leva (Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters, J. Biomech.
29, 1996, table 4, men) gives, of a person of 65 kg. The trunk is split at the skeleton's own joints: the pelvis takes
the lower part and half the middle, the chest the rest; the forearm carries its hand; a fifth of the foot is toes.
Inertia follows from the shapes' volume.

The controller is part of the model: a `position` actuator on every joint coordinate, limited at the joint, and six that
pull the pelvis, with capped force and torque, to a place and a turn that two mocap bodies have (the residual wrench).
Correcting a motion is then one open-loop rollout of controls, in any engine that reads MJCF. How strong the actuators
are is filled in later, by `gains.fields`.

Only the contact spheres touch, and only the floor. Degrees of freedom are in the skeleton's own order: three of
translation (world), three of rotation (pelvis frame), then the joint coordinates.
"""

import xml.etree.ElementTree as ET
from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.data.skeleton import INDEX, LIMITS, SKELETON, SPHERES, Joint

MASS = 65.0
"""Body mass, kg."""

FRACTIONS = {
    "pelvis": 0.1117 + 0.1633 / 2,
    "chest": 0.1596 + 0.1633 / 2,
    "neck": 0.0694,
    "shoulder": 0.0271,
    "elbow": 0.0162 + 0.0061,
    "hip": 0.1416,
    "knee": 0.0433,
    "ankle": 0.0137 * 0.8,
    "toe": 0.0137 * 0.2,
}
"""Share of the body's mass in the segment that each joint carries; they sum to 1 over both sides."""

ARMATURE = 0.2
"""Rotor inertia on every joint coordinate, kg m^2: as a geared motor has. It keeps the light foot well conditioned."""

SPIN_ARMATURE = 0.5
"""The same on the pelvis' turn."""

FRICTION = 0.5
"""Coulomb friction of soles on the floor: a dry shoe has 0.5 to 0.8. The higher, the more does a swinging foot that
scuffs, as feet of retargeted or generated motion do, throw the whole body."""


UNUSED = ("limit", "spring", "damper", "sensor", "midphase", "island")
"""What engines need not look for: the model has none of it but joint limits, within which references already are. MJX
would carry rows of all thirty limits through its contact solver in every step."""

TOUCHING = 10
"""Most spheres that touch at a time in MJX, the deepest ones: as many as both feet have. The C engine takes all."""

CONTACT = 0.0115
"""Time constant of a contact, s: just over two physics steps, the least that engines bear. The softer a contact, the
deeper feet sink and the more they creep: at 15 ms they penetrate by .12 mm more and skate by a fifth more."""


class Shape(NamedTuple):
    """What gives a segment its looks and inertia, in its joint's frame (m)."""

    kind: str
    size: tuple[float, ...]
    at: tuple[float, ...]
    """Centre, or both ends of a capsule's axis."""


SHAPES = {
    "pelvis": Shape("capsule", (0.10,), (0.0, -0.06, 0.02, 0.0, 0.06, 0.02)),
    "chest": Shape("box", (0.09, 0.13, 0.14), (0.0, 0.0, 0.12)),
    "neck": Shape("sphere", (0.10,), (0.0, 0.0, 0.12)),
    "shoulder": Shape("capsule", (0.045,), (0.0, 0.0, 0.0, 0.0, 0.0, -0.27)),
    "elbow": Shape("capsule", (0.035,), (0.0, 0.0, 0.0, 0.0, 0.0, -0.25)),
    "hip": Shape("capsule", (0.07,), (0.0, 0.0, 0.0, 0.0, 0.0, -0.41)),
    "knee": Shape("capsule", (0.045,), (0.0, 0.0, 0.0, 0.0, 0.0, -0.41)),
    "ankle": Shape("box", (0.09, 0.04, 0.035), (0.04, 0.0, -0.05)),
    "toe": Shape("box", (0.035, 0.04, 0.0125), (0.035, 0.0, -0.0125)),
}
"""The shape of every segment."""


def mjcf(timestep: float) -> str:
    """The humanoid on its floor with its controller as MJCF, for physics steps of ``timestep`` seconds.

    Actuators come in the order of the degrees of freedom, mocap bodies are the goal's place, then its turn.
    """
    root, pelvis, world = _scene(timestep)
    root.find("compiler").set("discardvisual", "true")
    ET.SubElement(root.find("option"), "flag", dict.fromkeys(UNUSED, "disable"))
    ET.SubElement(ET.SubElement(root, "custom"), "numeric", name="max_contact_points", data=str(TOUCHING))
    ET.SubElement(pelvis, "site", name="root")
    for name in ("place", "turn"):
        goal = ET.SubElement(world, "body", name=f"goal_{name}", mocap="true")
        ET.SubElement(goal, "site", name=f"goal_{name}")
    actuators = ET.SubElement(root, "actuator")
    strength = {"kp": "1", "kv": "1"}
    for number in range(6):
        gear = " ".join(str(int(number == i)) for i in range(6))
        pull = {"site": "root", "refsite": f"goal_{'place' if number < 3 else 'turn'}", "gear": gear}
        ET.SubElement(actuators, "position", strength | pull | {"forcerange": "-1 1"})
    for joint in pelvis.iter("joint"):
        if joint.get("type") != "free":
            # Limited here and not at the actuator: C's implicitfast drops a clamped actuator's damping, MJX keeps it.
            joint.set("actuatorfrcrange", "-1 1")
            ET.SubElement(actuators, "position", strength | {"joint": joint.get("name")})
    return ET.tostring(root, encoding="unicode")


def passive(timestep: float) -> str:
    """The humanoid on its floor without a controller, for engines that bring their own."""
    return ET.tostring(_scene(timestep)[0], encoding="unicode")


def _scene(timestep: float) -> tuple[ET.Element, ET.Element, ET.Element]:
    """The whole model, the pelvis and the world in it."""
    root = ET.Element("mujoco", model="selfloop humanoid")
    ET.SubElement(root, "compiler", angle="radian", autolimits="true")
    option = {"timestep": timestep, "iterations": 10, "ls_iterations": 20, "solver": "Newton", "cone": "pyramidal"}
    ET.SubElement(root, "option", _text(option | {"integrator": "implicitfast"}))
    default = ET.SubElement(root, "default")
    ET.SubElement(
        default, "geom", contype="0", conaffinity="0", friction=f"{FRICTION} 0.005 0.0001", solref=f"{CONTACT} 1"
    )
    world = ET.SubElement(root, "worldbody")
    ET.SubElement(world, "geom", name="floor", type="plane", size="0 0 1", contype="1")
    bodies = [world]
    angle = 0
    for index, joint in enumerate(SKELETON):
        bodies.append(_body(bodies[joint.parent + 1], index, joint, LIMITS[angle : angle + len(joint.order)]))
        angle += len(joint.order)
    return root, bodies[1], world


def segment_masses() -> np.ndarray:
    """Mass [J] (kg) of the segment that each joint carries."""
    return np.array([MASS * FRACTIONS[segment(joint.name)] for joint in SKELETON])


def segment_centres() -> np.ndarray:
    """Centre of mass [J, 3] (m) of each of these segments, in its joint's frame."""
    return np.array([np.reshape(SHAPES[segment(joint.name)].at, (-1, 3)).mean(0) for joint in SKELETON])


def _body(parent: ET.Element, index: int, joint: Joint, limits: np.ndarray) -> ET.Element:
    body = ET.SubElement(parent, "body", _text({"name": joint.name, "pos": joint.offset}))
    if joint.parent < 0:
        ET.SubElement(body, "joint", name="root", type="free")
    for axis, limit in zip(joint.order, limits, strict=True):
        hinge = {"name": f"{joint.name}_{axis}", "axis": tuple(float(axis == a) for a in "xyz"), "range": limit}
        ET.SubElement(body, "joint", _text(hinge | {"armature": ARMATURE}))
    shape = SHAPES[segment(joint.name)]
    place = {"fromto" if shape.kind == "capsule" else "pos": shape.at, "size": shape.size}
    ET.SubElement(body, "geom", _text(place | {"type": shape.kind, "mass": segment_masses()[index]}))
    for number, sphere in enumerate(SPHERES):
        if sphere.joint == INDEX[joint.name]:
            geom = {"name": f"contact_{number}", "pos": sphere.centre, "size": sphere.radius, "mass": 0}
            ET.SubElement(body, "geom", _text(geom | {"type": "sphere", "conaffinity": 1, "group": 3}))
    return body


def segment(name: str) -> str:
    """The segment that a joint carries, whichever its side."""
    return name.removeprefix("left_").removeprefix("right_")


def _text(values: dict) -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else " ".join(f"{v:.9g}" for v in np.atleast_1d(value))
        for key, value in values.items()
    }
