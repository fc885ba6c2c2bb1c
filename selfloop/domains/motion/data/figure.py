"""Retargeting by bone directions: any human skeleton whose joints are known, over any rest pose.

Limb bones of the canonical figure point as those between the source's joints do, so that no rest pose is needed. How a
limb turns about itself comes from its bend, and where it is straight from the source joint's rotation, whose constant
offset is the one that agrees with the bends over the whole motion. What leans in a person who stands (trunk, head,
feet) is taken from the rest pose where that stands, else from the frames in which the person does.
Shapes: T frames, J joints of the file.
"""

from typing import NamedTuple

import numpy as np

from selfloop.domains.motion.data import bones, quaternion, world
from selfloop.domains.motion.data.bones import FORWARD, LEFT, LEG, UP, unit
from selfloop.domains.motion.data.clip import Clip
from selfloop.domains.motion.data.formats.bvh import Bvh, at_rest, forward
from selfloop.domains.motion.data.joint_names import Joints
from selfloop.domains.motion.data.landmarks import Landmarks
from selfloop.domains.motion.data.skeleton import INDEX, J
from selfloop.errors import DataError


class Understood(NamedTuple):
    """What was found out about a BVH file."""

    skeleton: str
    up: str
    """One of `joint_names.UPS`."""
    unit: str
    rest: str
    """Where leans are taken from: the rest pose, known constants or the motion."""


class Slopes(NamedTuple):
    """How far (degrees) bones lean forward in a standing person; of the foot, how far it slopes down to the toes."""

    pelvis: float
    chest: float
    foot: float


KNOWN = {"bandai-namco": Slopes(0.0, 0.0, 39.6)}
"""Of skeletons whose zero pose does not stand; see `retarget`."""


def clip(bvh: Bvh, joints: Joints, name: str, label: str = "") -> tuple[Clip, Understood]:
    """The clip of a BVH file whose joints are known.

    Raises:
        DataError: if no axis points up, bones have no length, toes point backwards (left and right exchanged), or the
            root travels in another unit than the bones'.
    """
    places, turns = forward(bvh)
    spots = Landmarks(bvh, joints)
    points = {role: spots.place(places, turns, role) for role in spots.roles}
    length = world.leg(points)
    if not length > 1e-6:
        raise DataError(f"{name}: thigh and shin have no length; is every OFFSET 0, or are two joints mapped to one?")
    still = at_rest(bvh)
    rest = world.standing({role: spots.place(still, None, role) for role in spots.roles})
    axis = joints.up or world.up(points, rest, places, name)
    turn = world.turn(axis)
    _root_unit(places @ turn[2], points["hips"] @ turn[2], name)
    points = {role: place @ turn.T * (LEG / length) for role, place in points.items()}
    turns = quaternion.multiply(quaternion.from_matrix(turn), turns)
    pose = _Pose(points, {role: turns[:, j] for role, j in spots.owner.items()}, rest, KNOWN.get(joints.skeleton))
    _toes(points, pose.pelvis, name)
    said = "known" if joints.skeleton in KNOWN else "rest pose" if rest else "motion"
    made = Clip(name, bvh.fps, points["hips"], bones.local(pose.rotations()), label, source=joints.skeleton)
    return made, Understood(joints.skeleton, axis, world.unit(length), said)


class _Pose:
    """World rotations of the canonical joints from points [T, 3] (canonical axes, m) and rotations [T, 4] of joints."""

    def __init__(self, points: dict, turns: dict, rest: world.Rest | None, known: Slopes | None):
        self.points, self.turns, self.known = points, turns, known
        self.neutral = None if rest is None or known is not None else world.matrix(rest)
        self.across = points["left_shoulder"] - points["right_shoulder"]
        self.stands = self._standing()
        self.pelvis = self._pelvis()
        rise = points["top"] - points["chest"]
        self.chest = bones.frame(rise, self.across, self._lean("chest", rise, self.across))

    def _standing(self) -> np.ndarray:
        """Weight [T] of the frames in which the person stands upright; all where there is none."""
        p = self.points
        legs = [
            unit(p[f"{s}_{a}"] - p[f"{s}_{b}"])[:, 2]
            for s in ("left", "right")
            for a, b in (("hip", "knee"), ("knee", "ankle"))
        ]
        upright = np.min([*legs, unit(p["top"] - p["hips"])[:, 2]], 0) > np.cos(np.radians(25))
        return (upright if upright.sum() >= 3 else np.ones(len(upright))).astype(float)

    def _lean(self, part: str, rise: np.ndarray, left: np.ndarray) -> float:
        """Slope (degrees) of a bone of the trunk in a standing person."""
        if self.known is not None:
            return getattr(self.known, part)
        if self.neutral is not None:  # turned as the joint is, the rest pose's bone is upright
            still = bones.frame(rise, left)
            seen = quaternion.multiply(quaternion.conjugate(self._turned(part)), still)
            up = quaternion.rotate(bones.mean_rotation(seen, np.ones(len(seen))), UP)
            return float(np.degrees(np.arctan2(up[0], up[2])))
        ahead = unit(np.cross(left, UP))
        lean = np.degrees(np.arctan2(np.sum(rise * ahead, -1), rise[:, 2]))
        return float(np.median(lean[self.stands > 0]))

    def _turned(self, role: str) -> np.ndarray:
        """How a joint has turned [T, 4] since the rest pose."""
        return quaternion.multiply(self.turns[role], self.neutral)

    def _pelvis(self) -> np.ndarray:
        if self.neutral is not None:
            return self._turned("pelvis")
        p = self.points
        rise, across = p["waist"] - p["hips"], p["left_hip"] - p["right_hip"]
        return self._rigid("pelvis", bones.frame(rise, across, self._lean("pelvis", rise, across)), np.ones(len(rise)))

    def _rigid(self, role: str, frames: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The joint's own rotation with the constant that agrees best with ``frames`` [T, 4]."""
        own = self.turns[role]
        return quaternion.multiply(
            own, bones.mean_rotation(quaternion.multiply(quaternion.conjugate(own), frames), weight)
        )

    def rotations(self) -> np.ndarray:
        """World rotations [T, J, 4]."""
        turns = np.empty((len(self.pelvis), J, 4))
        turns[:, INDEX["pelvis"]], turns[:, INDEX["chest"]] = self.pelvis, self.chest
        turns[:, INDEX["neck"]] = self._head()
        for side in ("left", "right"):
            arm = self._limb(side, ("shoulder", "elbow", "wrist"), self.chest, 1)
            leg = self._limb(side, ("hip", "knee", "ankle"), self.pelvis, -1)
            turns[:, [INDEX[f"{side}_shoulder"], INDEX[f"{side}_elbow"]]] = np.stack(arm, 1)
            turns[:, [INDEX[f"{side}_hip"], INDEX[f"{side}_knee"]]] = np.stack(leg, 1)
            foot = self._foot(side, leg[1])
            turns[:, INDEX[f"{side}_ankle"]] = foot
            turns[:, INDEX[f"{side}_toe"]] = self._toe(side, foot)
        return turns

    def _head(self) -> np.ndarray:
        role = "head" if "head" in self.turns else "neck"
        if role not in self.turns:
            return self.chest
        if self.neutral is not None:
            return self._turned(role)
        level = bones.frame(np.broadcast_to(UP, self.across.shape), self.across)
        return self._rigid(role, level, self.stands)

    def _limb(
        self, side: str, parts: tuple[str, str, str], parent: np.ndarray, sign: int
    ) -> tuple[np.ndarray, np.ndarray]:
        a, b, c = (self.points.get(f"{side}_{part}") for part in parts)
        upper = b - a
        lower = upper if c is None else c - b
        first = bones.bend(upper, lower, bones.carried(upper, parent), sign)[0]
        sine = np.linalg.norm(np.cross(unit(upper), unit(lower)), axis=-1)
        ahead = quaternion.rotate(self._rigid(f"{side}_{parts[0]}", first, sine**2 + 1e-3), FORWARD)
        # A limb that is overstretched a little bends the wrong way in the same plane.
        bent = sign * (unit(lower) - np.sum(unit(lower) * unit(upper), -1, keepdims=True) * unit(upper))
        wrong = (np.sum(bent * ahead, -1) < 0) & (sine < 0.35) & (np.sum(upper * lower, -1) > 0)
        lower = np.where(
            wrong[:, None], 2 * np.sum(lower * unit(upper), -1, keepdims=True) * unit(upper) - lower, lower
        )
        thigh, shin = bones.bend(upper, lower, ahead, sign)
        left = quaternion.rotate(thigh, LEFT)
        return thigh, np.where(wrong[:, None], bones.frame(b - c if c is not None else -upper, left), shin)

    def _foot(self, side: str, shin: np.ndarray) -> np.ndarray:
        p, role = self.points, f"{side}_ankle"
        if f"{side}_toe" not in p:
            return self._turned(role) if self.neutral is not None else shin
        x, left = unit(p[f"{side}_toe"] - p[role]), quaternion.rotate(shin, LEFT)
        slope = self._foot_slope(side, x)
        y = unit(left - np.sum(left * x, -1, keepdims=True) * x)
        seen = quaternion.from_matrix(np.stack([x, y, np.cross(x, y)], -1))
        flat = quaternion.multiply(seen, quaternion.about_axis("y", np.array(-np.radians(slope))))
        return self._rigid(role, flat, np.ones(len(flat)))

    def _foot_slope(self, side: str, x: np.ndarray) -> float:
        if self.known is not None:
            return self.known.foot
        if self.neutral is not None:
            down = quaternion.rotate(quaternion.conjugate(self._turned(f"{side}_ankle")), x).mean(0)
            return float(np.degrees(np.arctan2(-down[2], np.hypot(down[0], down[1]))))
        slopes = np.degrees(np.arctan2(-x[:, 2], np.hypot(x[:, 0], x[:, 1])))
        return float(np.median(slopes[self.stands > 0]))

    def _toe(self, side: str, foot: np.ndarray) -> np.ndarray:
        """The foot, with the turn that the source's toes add to it where a rest pose says what straight is."""
        toe = self.turns.get(f"{side}_toe")
        if self.neutral is None or toe is None:
            return foot
        added = quaternion.multiply(toe, quaternion.conjugate(self.turns[f"{side}_ankle"]))
        return quaternion.multiply(added, foot)


def _toes(points: dict, pelvis: np.ndarray, name: str) -> None:
    """DataError where both feet point backwards: left and right are exchanged, or the file is a mirror image."""
    feet = [points[f"{side}_toe"] - points[f"{side}_ankle"] for side in ("left", "right") if f"{side}_toe" in points]
    ahead = quaternion.rotate(pelvis, FORWARD)
    share = [float(np.mean(np.sum(unit(foot) * ahead, -1) < -0.2)) for foot in feet]
    if share and min(share) > 0.5:
        raise DataError(
            f"{name}: toes point backwards in {100 * min(share):.0f} % of the frames (at most 50 % is plausible); left "
            "and right are exchanged, or axes are left-handed: mend the export, or swap sides in --skeleton map.toml"
        )


def _root_unit(heights: np.ndarray, hips: np.ndarray, name: str) -> None:
    """DataError where hips stand a hundredth or a hundred times as high over 0 as over the lowest joint [T, J]."""
    ratio = abs(float(np.median(hips))) / max(float(np.median(hips - heights.min(1))), 1e-9)
    for factor in (100.0, 1000.0, 0.01, 0.001):
        if 0.75 < ratio * factor < 1.3:
            raise DataError(
                f"{name}: the root stands at {np.median(hips):.3g} over the floor where the bones say "
                f"{np.median(hips - heights.min(1)):.3g}: positions and OFFSETs are in different units "
                f"(allowed: the same); multiply the root's positions by {factor:g}"
            )
