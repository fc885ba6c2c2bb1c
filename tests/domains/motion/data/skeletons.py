"""Real motion written as BVH in the conventions of other tools: names, tree, rest pose, axes, unit, order of channels.

A source figure of its own proportions, with several joints in back and neck and with collar bones, is carried by the
rotations of a real clip; its places are known in closed form, so that readers can be held against them.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from selfloop.domains.motion.data import bones, quaternion
from selfloop.domains.motion.data.clip import Clip, forward
from selfloop.domains.motion.data.retarget import BANDAI
from selfloop.domains.motion.data.skeleton import INDEX

Y_UP = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
"""Canonical axes to y up, z forward, x left."""
Z_UP = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""To z up, -y forward, x left: Blender's."""
X_FORWARD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""To y up, x forward, z right."""


class Convention(NamedTuple):
    """How a tool writes a figure."""

    pelvis: str
    spine: tuple[str, ...]
    neck: tuple[str, ...]
    head: str
    limb: str
    """Names of collar, shoulder, elbow, wrist, hip, knee, ankle and toe, with ``#`` for the side."""
    sides: tuple[str, str] = ("Left", "Right")
    space: str = ""
    rest: str = "T"
    """T or A: that pose, in the file's axes; bones: every bone along x, a pose that does not stand; bandai."""
    axes: np.ndarray = Y_UP
    rest_axes: np.ndarray | None = None
    unit: float = 0.01
    order: str = "zxy"
    size: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    """Legs, width, trunk and arms, of an adult's."""
    extra: str = ""
    """A joint of no length between pelvis and hip."""


ARM_LEG = "#Shoulder #Arm #ForeArm #Hand #UpLeg #Leg #Foot #ToeBase"
CONVENTIONS = {
    "cmu": Convention("Hips", ("LowerBack", "Spine", "Spine1"), ("Neck", "Neck1"), "Head", ARM_LEG, unit=0.0564444,
                      order="zyx", size=(0.98, 1.1, 1.05, 1.0), extra="?HipJoint"),
    "lafan1": Convention("Hips", ("Spine", "Spine1", "Spine2"), ("Neck",), "Head", ARM_LEG.replace("ToeBase", "Toe"),
                         rest="bones", order="zyx", size=(1.03, 1.15, 1.1, 1.1)),
    "mixamo": Convention("Hips", ("Spine", "Spine1", "Spine2"), ("Neck",), "Head", ARM_LEG, space="mixamorig:",
                         size=(1.05, 1.0, 1.1, 1.05)),
    "rokoko": Convention("Hips", ("Spine1", "Spine2", "Spine3", "Spine4"), ("Neck",), "Head",
                         "#Shoulder #Arm #ForeArm #Hand #Thigh #Shin #Foot #Toe", order="yxz",
                         size=(1.0, 1.1, 1.0, 1.0)),
    "xsens": Convention("Hips", ("Chest", "Chest2", "Chest3", "Chest4"), ("Neck",), "Head",
                        "#Collar #Shoulder #Elbow #Wrist #Hip #Knee #Ankle #Toe", order="yxz",
                        size=(1.08, 1.05, 1.15, 1.1)),
    "optitrack": Convention("Hip", ("Ab", "Chest"), ("Neck",), "Head",
                            "#Shoulder #UArm #FArm #Hand #Thigh #Shin #Foot #Toe", ("L", "R"), space="Skeleton 001:",
                            axes=X_FORWARD, unit=1.0, order="xyz",
                            size=(0.95, 0.95, 1.0, 0.95)),
    "smpl": Convention("Pelvis", ("Spine1", "Spine2", "Spine3"), ("Neck",), "Head",
                       "#_Collar #_Shoulder #_Elbow #_Wrist #_Hip #_Knee #_Ankle #_Foot", ("L", "R"), unit=1.0,
                       axes=Z_UP, rest_axes=Y_UP, size=(0.97, 0.9, 1.05, 0.95)),
    "bandai-namco": Convention("Hips", ("Spine", "Chest"), ("Neck",), "Head",
                               "Shoulder_# UpperArm_# LowerArm_# Hand_# UpperLeg_# LowerLeg_# Foot_# Toes_#",
                               ("L", "R"),
                               rest="bandai", size=(0.97, 0.8, 1.0, 0.9)),
    "blender": Convention("hips", ("spine", "chest"), ("neck",), "head",
                          "shoulder.# upper_arm.# forearm.# hand.# thigh.# shin.# foot.# toe.#", ("l", "r"), rest="A",
                          axes=Z_UP, unit=1.0, order="zyx"),
}  # fmt: skip


class Joint(NamedTuple):
    """A joint of a source figure: its offset (m) from its parent, standing, arms hanging, in canonical axes."""

    name: str
    parent: int
    offset: np.ndarray
    turn: np.ndarray
    """World rotation [T, 4] that carries what hangs on it."""
    rest: np.ndarray
    """Its local axes, as seen from the standing figure [3, 3]."""
    role: str


def source(clip: Clip, kind: str) -> tuple[list[Joint], np.ndarray]:
    """The figure of a convention that moves as a clip does, and its joints' places [T, J, 3] (canonical axes, m)."""
    how, world = CONVENTIONS[kind], forward(clip.root, clip.rotations)[1].astype(float)
    legs, width, trunk, arms = how.size
    turn = {name: world[:, j] for name, j in INDEX.items()}
    mix = lambda a, b, t: quaternion.slerp(turn[a], turn[b], np.full(len(world), t))  # noqa: E731
    made: list[Joint] = []

    def add(name, parent, offset, turned, role):
        made.append(
            Joint(how.space + name, parent, np.array(offset, float), turned, _rest(how, role, np.array(offset)), role)
        )
        return len(made) - 1

    add(how.pelvis, -1, (0, 0, 0), turn["pelvis"], "pelvis")
    back, count = 0, len(how.spine)
    for k, name in enumerate(how.spine):
        rise = 0.08 if k == 0 else 0.24 / (count - 1)
        forth = (-0.01, 0, rise * trunk) if how.rest != "bandai" else (0, 0, rise * trunk)
        back = add(name, back, forth, mix("pelvis", "chest", (k + 1) / count), "chest")
    top = back
    for k, name in enumerate(how.neck):
        rise = (0.17 if k == 0 else 0.05) * trunk
        back = add(name, back, (0, 0, rise), mix("chest", "neck", (k + 1) / (len(how.neck) + 1)), "neck")
    add(how.head, back, (0.02, 0, 0.09), turn["neck"], "head")
    parts = dict(
        zip(("collar", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "toe"), how.limb.split(), strict=True)
    )
    toe = 0.15 * bones.unit(np.array([np.cos(np.radians(39.6)), 0, -np.sin(np.radians(39.6))]))
    for side, word, sign in (("left", how.sides[0], 1), ("right", how.sides[1], -1)):
        named = {part: text.replace("#", word) for part, text in parts.items()}
        at = add(
            named["collar"],
            top,
            (0.01, 0.05 * sign * width, 0.11 * trunk),
            mix("chest", f"{side}_shoulder", 0.12),
            f"{side}_collar",
        )
        at = add(named["shoulder"], at, (0, 0.12 * sign * width, 0.0), turn[f"{side}_shoulder"], f"{side}_shoulder")
        at = add(named["elbow"], at, (0, 0, -0.28 * arms), turn[f"{side}_elbow"], f"{side}_elbow")
        add(named["wrist"], at, (0, 0, -0.25 * arms), turn[f"{side}_elbow"], f"{side}_wrist")
        at = 0
        if how.extra:
            at = add(how.extra.replace("?", word[0]), 0, (0, 0, 0), turn["pelvis"], "pelvis")
        at = add(named["hip"], at, (0, 0.09 * sign * width, -0.02), turn[f"{side}_hip"], f"{side}_hip")
        at = add(named["knee"], at, (0, 0, -0.42 * legs), turn[f"{side}_knee"], f"{side}_knee")
        at = add(named["ankle"], at, (0, 0, -0.41 * legs), turn[f"{side}_ankle"], f"{side}_ankle")
        add(
            named["toe"],
            at,
            toe if how.rest == "bandai" else (0.13 * legs, 0, -0.075),
            turn[f"{side}_toe"],
            f"{side}_toe",
        )
    places = [clip.root * legs * 0.83 / bones.LEG]
    for joint in made[1:]:
        places.append(places[joint.parent] + quaternion.rotate(made[joint.parent].turn, joint.offset))
    return made, np.stack(places, 1)


def _rest(how: Convention, role: str, offset: np.ndarray) -> np.ndarray:
    """Local axes of a joint (columns), seen from the figure that stands with hanging arms."""
    rest_axes = how.axes if how.rest_axes is None else how.rest_axes
    side = 1 if role.startswith("left") else -1
    arm = role.split("_")[-1] in ("shoulder", "elbow", "wrist")
    if how.rest == "bones":
        x = {"pelvis": (0, 0, 1), "chest": (0, 0, 1), "neck": (0, 0, 1), "head": (0, 0, 1)}.get(role, (0, 0, -1))
        x = (0, side, 0) if "collar" in role else (1, 0, 0) if "toe" in role or "ankle" in role else x
        y = np.cross((0.48, 0.6, 0.64), x)
        y = y / np.linalg.norm(y)
        return np.stack([x, y, np.cross(x, y)], -1)
    if how.rest == "bandai":
        known = {"head": "neck"} | {f"{s}_wrist": f"{s}_elbow" for s in ("left", "right")}
        known |= {f"{s}_collar": "chest" for s in ("left", "right")} | {"neck": "chest"}
        _, x, y = BANDAI[known.get(role, role)]
        return np.stack([x, y, np.cross(x, y)], -1)
    angle = {"T": 90.0, "A": 45.0}[how.rest] * side if arm else 0.0
    return Rotation.from_euler("X", angle, degrees=True).as_matrix().T @ rest_axes.T


def written(clip: Clip, kind: str) -> str:
    """The clip as BVH text in a convention."""
    how, (joints, places) = CONVENTIONS[kind], source(clip, kind)
    lines, table = ["HIERARCHY"], []
    everywhere = how.rest == "bandai"
    offset = lambda j: (joints[joints[j].parent].rest.T @ joints[j].offset if j else np.zeros(3)) / how.unit  # noqa: E731
    frames = [how.axes @ quaternion.to_matrix(joint.turn) @ joint.rest for joint in joints]

    def write(j: int, indent: str) -> None:
        own, inner = joints[j], indent + "  "
        moves = "Xposition Yposition Zposition " if j == 0 or everywhere else ""
        turns = " ".join(f"{axis.upper()}rotation" for axis in how.order)
        lines.extend([f"{indent}{'JOINT' if j else 'ROOT'} {own.name}", indent + "{"])
        lines.append(inner + "OFFSET " + " ".join(f"{value:.6f}" for value in offset(j)))
        lines.append(f"{inner}CHANNELS {6 if moves else 3} {moves}{turns}")
        if moves:
            table.append(places[:, 0] @ how.axes.T / how.unit if j == 0 else np.tile(offset(j), (len(places), 1)))
        local = frames[j] if j == 0 else np.swapaxes(frames[own.parent], -1, -2) @ frames[j]
        table.append(Rotation.from_matrix(local).as_euler(how.order.upper(), degrees=True))
        children = [k for k, joint in enumerate(joints) if joint.parent == j]
        for child in children:
            write(child, inner)
        if not children:
            lines.extend([inner + "End Site", inner + "{", inner + "  OFFSET 0.0 0.0 0.0", inner + "}"])
        lines.append(indent + "}")

    write(0, "")
    lines += ["MOTION", f"Frames: {len(places)}", f"Frame Time: {1 / clip.fps:.9g}"]
    lines += [" ".join(f"{value:.6f}" for value in row) for row in np.concatenate(table, 1)]
    return "\n".join(lines) + "\n"
